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
            pieces.append(reductions: root.reductions[...])
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
        for slot in first...last {
            let child = try node.child(slot)
            let from = slot == first ? lower : nil
            let to = slot == last ? upper : nil
            if from == nil, to == nil {
                pieces.append(reductions: node.bytes[child.reductions])
            } else {
                try gather(
                    self.node(child.number, depth: depth + 1, in: store),
                    depth: depth + 1,
                    from: from,
                    to: to,
                    into: &pieces,
                    in: store
                )
            }
        }
    }
}
