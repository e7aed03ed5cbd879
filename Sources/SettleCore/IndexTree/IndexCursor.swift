/// Walks over the rows of a range, up or down.
///
/// A cursor holds copies of the nodes on its way, no transaction; but it may only be moved in the snapshot in which it was
/// first moved. To go on later, make another one that begins behind the last row.
package struct IndexCursor: Sendable {
    private let tree: IndexTree
    private let range: IndexRange
    private let descending: Bool
    private let skip: Int
    /// The inner nodes above the leaf, each with the child that was taken.
    private var path: [NodeStep] = []
    private var hasBegun = false
    private var isAtEnd = false
    /// The rows of the leaf that remain to be walked over.
    private var run: RowRun?

    init(_ tree: IndexTree, _ range: IndexRange, descending: Bool, skip: Int) {
        self.tree = tree
        self.range = range
        self.descending = descending
        self.skip = skip
    }

    /// The next row; nil after the last.
    package mutating func next(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexRow? {
        if run == nil { run = try nextLeaf(in: store) }
        guard let leaf = run else { return nil }
        let rows = leaf.rows
        let index = descending ? rows.upperBound - 1 : rows.lowerBound
        let rest = descending ? rows.dropLast() : rows.dropFirst()
        run = rest.isEmpty ? nil : RowRun(node: leaf.node, rows: rest)
        return IndexRow(node: leaf.node, index: index)
    }

    /// The rows up to the end of their leaf, ascending in both directions; nil after the last.
    package mutating func nextRun(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> RowRun? {
        guard let rest = run else { return try nextLeaf(in: store) }
        run = nil
        return rest
    }

    /// What the next leaf has of the range.
    private mutating func nextLeaf(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> RowRun? {
        guard !isAtEnd else { return nil }
        var leaf: IndexNode?
        var rows: Range<Int>?
        if hasBegun {
            leaf = try neighbour(in: store)
        } else {
            hasBegun = true
            (leaf, rows) = try begin(in: store)
        }
        while let node = leaf {
            var lower = rows?.lowerBound ?? 0
            var upper = rows?.upperBound ?? node.count
            rows = nil
            if descending {
                if !range.lower.isEmpty, node.isKey(0, lessThan: range.lower.span) {
                    lower = node.lowerBound(range.lower.span)
                    isAtEnd = true
                }
            } else if let end = range.upper, !node.isKey(node.count - 1, lessThan: end.span) {
                upper = node.lowerBound(end.span)
                isAtEnd = true
            }
            if lower < upper { return RowRun(node: node, rows: lower..<upper) }
            if isAtEnd { return nil }
            leaf = try neighbour(in: store)
        }
        isAtEnd = true
        return nil
    }

    /// Goes down to the first row in the direction: its leaf, and the rows from it on.
    private mutating func begin(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> (IndexNode?, Range<Int>?) {
        if skip > 0 { return try begin(skipping: skip, in: store) }
        guard let (leaf, row) = try tree.start(of: range, descending: descending, path: &path, in: store)
        else { return (nil, nil) }
        return (leaf, descending ? 0..<row : row..<leaf.count)
    }

    /// The same, but for some rows that are passed over by their number.
    private mutating func begin(
        skipping skip: Int,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> (IndexNode?, Range<Int>?) {
        var rank: Int
        if descending {
            rank =
                try range.upper.map { end throws(SettleError) in try tree.rank(of: end, in: store) }
                ?? tree.rowCount
            rank -= skip + 1
        } else {
            rank = try tree.rank(of: range.lower, in: store) + skip
        }
        guard rank >= 0, rank < tree.rowCount, let root = tree.root else { return (nil, nil) }
        var node = try tree.node(root.number, depth: 0, in: store)
        while node.isInner {
            var slot = 0
            var child = try node.child(0)
            while rank >= child.rowCount, slot + 1 < node.count {
                rank -= child.rowCount
                slot += 1
                child = try node.child(slot)
            }
            path.append(NodeStep(node: node, slot: slot))
            node = try tree.node(child.number, depth: path.count, in: store)
        }
        guard rank < node.count else { throw .damagedIndex }
        return (node, descending ? 0..<rank + 1 : rank..<node.count)
    }

    /// The leaf beside the last one; nil at the tree's edge.
    private mutating func neighbour(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexNode? {
        while let step = path.popLast() {
            let node = step.node
            let next = descending ? step.slot - 1 : step.slot + 1
            guard next >= 0, next < node.count else { continue }
            path.append(NodeStep(node: node, slot: next))
            var child = try tree.node(try node.child(next).number, depth: path.count, in: store)
            while child.isInner {
                let slot = descending ? child.count - 1 : 0
                path.append(NodeStep(node: child, slot: slot))
                child = try tree.node(try child.child(slot).number, depth: path.count, in: store)
            }
            return child
        }
        return nil
    }
}
