// The groups of a range: stretches of rows whose sort keys begin alike, as long as `group_level` says.
//
// The sweep goes through the leaves only where a group ends. From the group's first row it takes the rest of the leaf, then, as
// long as a whole child lies before the group's end, that child's reduction from its parent, and climbs higher the
// longer the group is. So groups of one row cost no more than reading the rows, and groups of a million no more than a
// few nodes. Downwards it does the same mirrored.
//
// The subtle thing: whether a whole child belongs to the group is read off the separators. A separator may be of rows long
// gone, but it still divides: what begins with the group's prefix and lies between two keys of the group belongs to it.

/// A stretch of rows that a query shows as one.
package struct IndexGroup: Sendable {
    /// The first of its rows in the query's direction, from which the query makes the group's key.
    package let row: IndexRow
    /// What its rows reduce to.
    package let pieces: ReductionPieces
}

/// Sweeps over the groups of a range.
///
/// It may only be moved in the snapshot in which it was first moved. To go on later, make another one of ``rest``.
package struct IndexGroups: Sendable {
    private let tree: IndexTree
    private let range: IndexRange
    private let descending: Bool
    private let prefixLength: @Sendable (ArraySlice<UInt8>) -> Int
    /// The inner nodes above the leaf, each with the child that was taken.
    private var path: [NodeStep] = []
    private var leaf: IndexNode?
    /// The row where the next group begins; downwards the row after it.
    private var place = 0
    private var hasBegun = false
    /// What is left of the range after the groups so far; nil: nothing.
    package private(set) var rest: IndexRange?

    /// Begins before the first group; `prefixLength` says how many bytes of a sort key tell which group its row belongs to.
    ///
    /// Those bytes of one group must not be the start of another's.
    package init(
        _ tree: IndexTree,
        _ range: IndexRange,
        descending: Bool,
        prefixLength: @escaping @Sendable (ArraySlice<UInt8>) -> Int
    ) {
        self.tree = tree
        self.range = range
        self.descending = descending
        self.prefixLength = prefixLength
        rest = range.isEmpty ? nil : range
    }

    /// The next groups, as many as `limit` unless the range ends.
    package mutating func next(
        limit: Int,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> [IndexGroup] {
        var groups: [IndexGroup] = []
        while groups.count < limit, let group = try next(in: store) { groups.append(group) }
        return groups
    }

    /// The next group; nil after the last.
    package mutating func next(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexGroup? {
        guard rest != nil else { return nil }
        if !hasBegun { try begin(in: store) }
        guard let leaf, let row = firstRow(of: leaf) else {
            rest = nil
            return nil
        }
        let key = row.key
        let group = IndexRange.prefix(Array(key.prefix(prefixLength(key[...])))).intersection(range)
        var pieces = ReductionPieces()
        if descending {
            try takeDown(to: group.lower, into: &pieces, in: store)
            pieces.reverse()
            rest = IndexRange(lower: range.lower, upper: group.lower)
        } else {
            try takeUp(to: group.upper, into: &pieces, in: store)
            rest = group.upper.map { IndexRange(lower: $0, upper: range.upper) }
        }
        if rest?.isEmpty == true { rest = nil }
        return IndexGroup(row: row, pieces: pieces)
    }

    /// The row at the place, if it belongs to the range.
    private func firstRow(of leaf: IndexNode) -> IndexRow? {
        if descending {
            guard place > 0, !leaf.isKey(place - 1, lessThan: range.lower.span) else { return nil }
            return IndexRow(node: leaf, index: place - 1)
        }
        guard place < leaf.count else { return nil }
        if let upper = range.upper, !leaf.isKey(place, lessThan: upper.span) { return nil }
        return IndexRow(node: leaf, index: place)
    }

    // MARK: Moving

    /// Goes down to the first row in the direction.
    private mutating func begin(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        hasBegun = true
        guard let (leaf, row) = try tree.start(of: range, descending: descending, path: &path, in: store)
        else { return }
        self.leaf = leaf
        place = row
        var none = ReductionPieces()
        if descending, place == 0, let upper = range.upper {
            try climbDown(to: upper, into: &none, in: store)
        } else if !descending, place == leaf.count {
            try climbUp(to: range.lower, into: &none, in: store)
        }
    }

    /// Takes the rows from the place up to `end`; the place is then the first row behind.
    private mutating func takeUp(
        to end: [UInt8]?,
        into pieces: inout ReductionPieces,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        guard let node = leaf else { return }
        let stop = end.map { node.lowerBound($0.span, near: place) } ?? node.count
        try take(place..<stop, of: node, into: &pieces)
        place = stop
        if stop == node.count { try climbUp(to: end, into: &pieces, in: store) }
    }

    /// Takes the rows before the place down to `start`; the place is then that row.
    private mutating func takeDown(
        to start: [UInt8],
        into pieces: inout ReductionPieces,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        guard let node = leaf else { return }
        let stop = node.lowerBound(start.span)
        try take(stop..<place, of: node, into: &pieces)
        place = stop
        if stop == 0 { try climbDown(to: start, into: &pieces, in: store) }
    }

    /// Takes rows of the leaf at the end of the path; all of them at once as the parent has them.
    private func take(
        _ rows: Range<Int>,
        of node: IndexNode,
        into pieces: inout ReductionPieces
    ) throws(SettleError) {
        if rows.count == node.count, let parent = path.last {
            pieces.append(parent.node, children: parent.slot..<parent.slot + 1)
        } else {
            pieces.append(node, rows)
        }
    }

    /// From the end of a leaf: takes what follows before `end`, whole children where they are whole.
    private mutating func climbUp(
        to end: [UInt8]?,
        into pieces: inout ReductionPieces,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        while let step = path.popLast() {
            let (node, next) = (step.node, step.slot + 1)
            guard next < node.count else { continue }
            let split = max(next, firstChild(of: node, notBefore: end))
            pieces.append(node, children: next..<split)
            guard split < node.count else { continue }
            path.append(NodeStep(node: node, slot: split))
            let below = try tree.node(try node.child(split).number, depth: path.count, in: store)
            if below.isInner {
                path.append(NodeStep(node: below, slot: -1))
                continue
            }
            leaf = below
            place = end.map { below.lowerBound($0.span) } ?? below.count
            try take(0..<place, of: below, into: &pieces)
            if place < below.count { return }
        }
        leaf = nil
    }

    /// From the start of a leaf: takes what comes before, from `start` on.
    private mutating func climbDown(
        to start: [UInt8],
        into pieces: inout ReductionPieces,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        while let step = path.popLast() {
            let (node, end) = (step.node, step.slot)
            guard end > 0 else { continue }
            let split = min(end, firstChild(of: node, from: start))
            pieces.append(node, children: split..<end)
            guard split > 0 else { continue }
            path.append(NodeStep(node: node, slot: split - 1))
            let below = try tree.node(try node.child(split - 1).number, depth: path.count, in: store)
            if below.isInner {
                path.append(NodeStep(node: below, slot: below.count))
                continue
            }
            leaf = below
            place = below.lowerBound(start.span)
            try take(place..<below.count, of: below, into: &pieces)
            if place > 0 { return }
        }
        leaf = nil
    }

    /// The first child of a node, whose parents are the path, that may have rows from `end` on, as far as separators tell.
    private func firstChild(of node: IndexNode, notBefore end: [UInt8]?) -> Int {
        guard let end else { return node.count }
        let child = node.child(for: end.span)
        // Only the node's neighbour tells where its last child ends.
        guard child == node.count - 1,
            let step = path.last(where: { $0.slot + 1 < $0.node.count }),
            step.node.isKey(step.slot + 1, lessThan: end.span)
                || step.node.isKey(step.slot + 1, equalTo: end.span)
        else { return child }
        return node.count
    }

    /// The first child of a node, whose parents are the path, that has only rows from `start` on, as far as separators tell.
    private func firstChild(of node: IndexNode, from start: [UInt8]) -> Int {
        let child = node.lowerBound(start.span, from: 1)
        // Only a parent tells where its first child begins.
        guard child == 1 else { return child }
        guard let step = path.last(where: { $0.slot > 0 }) else { return start.isEmpty ? 0 : 1 }
        return step.node.isKey(step.slot, lessThan: start.span) ? 1 : 0
    }
}
