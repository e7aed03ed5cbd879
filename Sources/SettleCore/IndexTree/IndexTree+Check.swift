/// What was found when a tree was looked through.
package struct IndexTreeCheck: Sendable {
    /// The numbers of all nodes that can be reached.
    package var nodes: Set<UInt64> = []
    /// The bytes of all nodes.
    package var byteCount = 0
    /// How many rows there are.
    package var rowCount = 0
    /// What is wrong, a sentence each.
    package var problems: [String] = []
}

extension IndexTree {
    /// Looks through the whole tree: the order of rows, separators, counts, and the sizes of nodes.
    package func check(
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexTreeCheck {
        var check = IndexTreeCheck()
        if let root {
            try checkNode(
                root.number,
                depth: 0,
                from: [],
                to: nil,
                rowCount: root.rowCount,
                &check,
                in: store
            )
        }
        return check
    }

    private func checkNode(
        _ number: UInt64,
        depth: Int,
        from lower: [UInt8],
        to upper: [UInt8]?,
        rowCount: Int,
        _ check: inout IndexTreeCheck,
        in store: borrowing (some NodeReader & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        if !check.nodes.insert(number).inserted {
            check.problems.append("Node \(number) has several parents.")
            return
        }
        let node = try node(number, depth: depth, in: store)
        check.byteCount += node.bytes.count
        if try node.rowCount() != rowCount { check.problems.append("Node \(number) is counted wrongly.") }
        let size = node.bytes.count
        let allowed = node.isInner ? max(nodeBytes * 16, node.count <= 2 ? size : 0) : nodeBytes
        if size > allowed, node.count > 1, size - node.prefix.count > nodeBytes / 2 {
            check.problems.append("Node \(number) takes \(size) bytes for \(node.count) items.")
        }
        if depth == 0, node.isInner, node.count < 2 { check.problems.append("The root has one child.") }
        var previous = lower
        for index in 0..<node.count {
            // The first separator of an inner node stands in its parent.
            let key = node.isInner && index == 0 ? lower : node.key(index)
            let isFirst = index == 0
            if isFirst ? key.lexicographicallyPrecedes(previous) : !previous.lexicographicallyPrecedes(key) {
                check.problems.append("Item \(index) of node \(number) is not in order.")
            }
            if let upper, !key.lexicographicallyPrecedes(upper) {
                check.problems.append("Item \(index) of node \(number) belongs behind it.")
            }
            previous = key
            guard node.isInner else {
                check.rowCount += 1
                continue
            }
            let child = try node.child(index)
            try checkNode(
                child.number,
                depth: depth + 1,
                from: key,
                to: index + 1 < node.count ? node.key(index + 1) : upper,
                rowCount: child.rowCount,
                &check,
                in: store
            )
        }
    }
}
