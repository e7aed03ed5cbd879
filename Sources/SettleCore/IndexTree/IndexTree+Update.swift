// An update goes down and up again, level by level.
//
// Down: the sorted changes are dealt out to the children they belong to, from the root to the leaves, which opens
// every inner node that has a change below it, once.
//
// Up: the leaves with changes are merged with them, divided anew where they are too large, joined with a neighbour
// where they are too small, written, and reduced, many in one question. What their parents have to know about them
// makes the new content of the parents, with which the same happens one level higher, and so on to the root.
//
// The subtle thing is the level by level: reductions go into the inner nodes, and of how many bytes they are is known only once
// the level below is reduced. So no node can be divided before that.

extension IndexTree {
    /// Applies changes, and empties them; each node concerned is read and written once.
    ///
    /// If this throws, nodes may have been written: give the store's transaction up.
    package mutating func update(
        _ changes: inout IndexChanges,
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) {
        guard !changes.isEmpty else { return }
        changes.sort()
        var editor = TreeEditor(changes: changes, nodeBytes: nodeBytes)
        let children: [IndexChild]
        if let root {
            children = try editor.edit(root, height: height, in: &store, reducer: &reducer)
        } else {
            height = 1
            children = try editor.plant(in: &store, reducer: &reducer)
        }
        try grow(children, editor: &editor, in: &store, reducer: &reducer)
        changes.removeAll(keepingCapacity: true)
    }

    /// Puts levels on top of several nodes until there is one, and takes levels off that have one child.
    private mutating func grow(
        _ topmost: [IndexChild],
        editor: inout TreeEditor,
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) {
        var children = topmost
        while children.count > 1 {
            children = try editor.parents(of: children, in: &store, reducer: &reducer)
            height += 1
        }
        root = children.first
        if root == nil { height = 0 }
        root?.separator = []
        try takeOffSingleChildren(in: &store)
    }

    /// Takes levels off the top while the topmost node has one child.
    mutating func takeOffSingleChildren(
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        while height > 1, let top = root {
            let node = try node(top.number, depth: 0, in: store)
            guard node.count == 1 else { return }
            let child = try node.child(0)
            try store.free(top.number)
            root = IndexChild(
                separator: [],
                number: child.number,
                rowCount: child.rowCount,
                reductions: Array(node.bytes[child.reductions])
            )
            height -= 1
        }
    }

    /// Removes all rows and frees all nodes.
    package mutating func removeAll(
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        var level = root.map { [$0.number] } ?? []
        var depth = 0
        while !level.isEmpty {
            var below: [UInt64] = []
            if depth + 1 < height {
                for number in level {
                    let node = try node(number, depth: depth, in: store)
                    for index in 0..<node.count { below.append(try node.child(index).number) }
                }
            }
            for number in level { try store.free(number) }
            level = below
            depth += 1
        }
        self = IndexTree(nodeBytes: nodeBytes)
    }
}
