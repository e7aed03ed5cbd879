/// An inner node on the way down, and the child that was taken.
struct NodeStep: Sendable {
    let node: IndexNode
    var slot: Int
}

extension IndexTree {
    /// Reads a node that has as many nodes above it as `depth` says.
    ///
    /// Inner nodes where leaves should be are refused, so that damaged nodes can't lead in circles.
    func node(
        _ number: UInt64,
        depth: Int,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexNode {
        let node = try IndexNode(try store.node(number))
        guard node.isInner == (depth + 1 < height) else { throw .damagedIndex }
        return node
    }

    /// Goes down to where a range begins in a direction: its leaf, and its first row there, downwards the row after it.
    ///
    /// The row may be the leaf's end, if the range begins in the next leaf. The inner nodes on the way are added to `path`.
    func start(
        of range: IndexRange,
        descending: Bool,
        path: inout [NodeStep],
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> (leaf: IndexNode, row: Int)? {
        guard let root else { return nil }
        var node = try node(root.number, depth: 0, in: store)
        while node.isInner {
            let slot: Int
            if descending {
                slot = range.upper.map { node.child(before: $0.span) } ?? node.count - 1
            } else {
                slot = node.child(for: range.lower.span)
            }
            path.append(NodeStep(node: node, slot: slot))
            node = try self.node(try node.child(slot).number, depth: path.count, in: store)
        }
        if descending { return (node, range.upper.map { node.lowerBound($0.span) } ?? node.count) }
        return (node, node.lowerBound(range.lower.span))
    }

    /// Walks over the rows of a range; the first `skip` of them are jumped over by their number.
    package func cursor(_ range: IndexRange = IndexRange(), descending: Bool = false, skip: Int = 0)
        -> IndexCursor
    {
        IndexCursor(self, range, descending: descending, skip: skip)
    }

    /// The row of a sort key, if there is one.
    package func row(
        of key: [UInt8],
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexRow? {
        guard let root else { return nil }
        var depth = 0
        var node = try node(root.number, depth: depth, in: store)
        while node.isInner {
            depth += 1
            node = try self.node(try node.child(node.child(for: key.span)).number, depth: depth, in: store)
        }
        let index = node.lowerBound(key.span)
        guard index < node.count, node.isKey(index, equalTo: key.span) else { return nil }
        return IndexRow(node: node, index: index)
    }

    /// How many rows have a sort key less than this.
    package func rank(
        of key: [UInt8],
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> Int {
        guard let root, !key.isEmpty else { return 0 }
        var rank = 0
        var depth = 0
        var node = try node(root.number, depth: depth, in: store)
        while node.isInner {
            let slot = node.child(for: key.span)
            for index in 0..<slot { rank += try node.child(index).rowCount }
            depth += 1
            node = try self.node(try node.child(slot).number, depth: depth, in: store)
        }
        return rank + node.lowerBound(key.span)
    }

    /// How many rows are in a range.
    package func count(
        in range: IndexRange,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> Int {
        guard !range.isEmpty else { return 0 }
        let start = try rank(of: range.lower, in: store)
        guard let upper = range.upper else { return rowCount - start }
        return try rank(of: upper, in: store) - start
    }

    /// What a range reduces to, in pieces.
    package func pieces(
        of range: IndexRange,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> ReductionPieces {
        var pieces = ReductionPieces()
        guard let root, !range.isEmpty else { return pieces }
        if range.lower.isEmpty, range.upper == nil {
            pieces.append(tree: root)
        } else {
            try gather(
                node(root.number, depth: 0, in: store),
                depth: 0,
                from: range.lower.isEmpty ? nil : range.lower,
                to: range.upper,
                into: &pieces,
                in: store
            )
        }
        return pieces
    }

    /// Gathers what lies below a node, from a bound and to a bound that lie in it.
    private func gather(
        _ node: IndexNode,
        depth: Int,
        from lower: [UInt8]?,
        to upper: [UInt8]?,
        into pieces: inout ReductionPieces,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        guard node.isInner else {
            let start = lower.map { node.lowerBound($0.span) } ?? 0
            pieces.append(node, start..<(upper.map { node.lowerBound($0.span) } ?? node.count))
            return
        }
        let first = lower.map { node.child(for: $0.span) } ?? 0
        let last = upper.map { node.child(before: $0.span) } ?? node.count - 1
        guard first <= last else { return }
        var slot = first
        while slot <= last {
            let from = slot == first ? lower : nil
            let to = slot == last ? upper : nil
            if from == nil, to == nil {
                // Whole children, up to the one that the end lies in.
                let end = upper == nil ? last + 1 : last
                pieces.append(node, children: slot..<end)
                slot = end
            } else {
                try gather(
                    self.node(node.child(slot).number, depth: depth + 1, in: store),
                    depth: depth + 1,
                    from: from,
                    to: to,
                    into: &pieces,
                    in: store
                )
                slot += 1
            }
        }
    }
}
