/// One update of a tree: opens the nodes concerned on the way down and writes them on the way up.
struct TreeEditor {
    /// An inner node with changes below it.
    struct Opened {
        let node: IndexNode
        /// Its children with changes, in order.
        var touched: [Touched]
    }

    struct Touched {
        let slot: Int
        /// The changes that belong below it.
        let changes: Range<Int>
        /// Which of the opened nodes one level below it is; meaningless for a leaf.
        var opened = 0
    }

    /// Neighbouring children of one node, and those that take their place.
    struct Edit {
        let slots: Range<Int>
        var children: [IndexChild]
    }

    let changes: IndexChanges
    let nodeBytes: Int

    /// Applies the changes below a root; gives what takes the root's place: nothing, a node, or several.
    mutating func edit(
        _ root: IndexChild,
        height: Int,
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) -> [IndexChild] {
        // A parent for the root, which is never written, makes the root a child like others.
        var buffer = RowBuffer()
        buffer.append(root)
        let above = try IndexNode(IndexNode.encode(0..<1, of: buffer, isInner: true))
        var levels = [[Opened(node: above, touched: [Touched(slot: 0, changes: 0..<changes.count)])]]
        for _ in 1..<height {
            var below: [Opened] = []
            let level = levels.count - 1
            for parent in levels[level].indices {
                for index in levels[level][parent].touched.indices {
                    let touched = levels[level][parent].touched[index]
                    let number = try levels[level][parent].node.child(touched.slot).number
                    let node = try IndexNode(try store.node(number))
                    guard node.isInner else { throw .damagedIndex }
                    levels[level][parent].touched[index].opened = below.count
                    below.append(Opened(node: node, touched: deal(touched.changes, among: node)))
                }
            }
            levels.append(below)
        }
        var contents: [RowBuffer?] = []
        while levels.count > 1 {
            let level = levels.removeLast()
            let edits = try rebuild(level, contents, in: &store, reducer: &reducer)
            contents = zip(level, edits).map { content(of: $0.node, $1) }
        }
        let edits = try rebuild(levels[0], contents, in: &store, reducer: &reducer)
        return edits[0].first?.children ?? [root]
    }

    /// Makes the leaves of a tree that has none.
    mutating func plant(
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) -> [IndexChild] {
        guard let rows = LeafMerge(changes, 0..<changes.count, into: nil).rows else { return [] }
        var writer = NodeWriter(isInner: false, nodeBytes: nodeBytes)
        _ = try writer.write(rows, separator: [], packed: true, replacing: [], in: &store, reducer: &reducer)
        return try writer.finish(&reducer)
    }

    /// Makes the level above nodes.
    func parents(
        of children: [IndexChild],
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) -> [IndexChild] {
        var buffer = RowBuffer()
        for child in children { buffer.append(child) }
        var writer = NodeWriter(isInner: true, nodeBytes: nodeBytes)
        _ = try writer.write(
            buffer,
            separator: [],
            packed: true,
            replacing: [],
            in: &store,
            reducer: &reducer
        )
        return try writer.finish(&reducer)
    }

    /// Says which of the changes belong below which child.
    private func deal(_ range: Range<Int>, among node: IndexNode) -> [Touched] {
        var touched: [Touched] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let slot = node.child(for: changes.rows.key(index).span)
            var end = index + 1
            if slot + 1 == node.count {
                end = range.upperBound
            } else {
                while end < range.upperBound, changes.rows.isKey(end, lessThan: slot + 1, of: node) {
                    end += 1
                }
            }
            touched.append(Touched(slot: slot, changes: index..<end))
            index = end
        }
        return touched
    }

    /// What an inner node comes to once some of its children were replaced; nil: what it was.
    private func content(of node: IndexNode, _ edits: [Edit]) -> RowBuffer? {
        guard !edits.isEmpty else { return nil }
        var buffer = RowBuffer()
        var slot = 0
        for edit in edits {
            buffer.append(slot..<edit.slots.lowerBound, of: node)
            for child in edit.children { buffer.append(child) }
            slot = edit.slots.upperBound
        }
        buffer.append(slot..<node.count, of: node)
        return buffer
    }

    // MARK: One level

    /// Writes the touched children of nodes; `contents` are their new items, unless they are leaves.
    private func rebuild(
        _ parents: [Opened],
        _ contents: [RowBuffer?],
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) -> [[Edit]] {
        var writer = NodeWriter(isInner: !contents.isEmpty, nodeBytes: nodeBytes)
        var written: [[(slots: Range<Int>, count: Int)]] = []
        for parent in parents {
            var edits: [(slots: Range<Int>, count: Int)] = []
            var next = 0
            while next < parent.touched.count {
                let end = edits.last?.slots.upperBound ?? 0
                guard let run = try run(from: &next, of: parent, contents, after: end, in: store) else {
                    continue
                }
                let count = try writer.write(
                    run.items,
                    separator: run.slots.lowerBound == 0 ? [] : parent.node.key(run.slots.lowerBound),
                    packed: run.isPacked,
                    replacing: run.numbers,
                    in: &store,
                    reducer: &reducer
                )
                edits.append((run.slots, count))
            }
            written.append(edits)
        }
        var nodes = try writer.finish(&reducer)[...]
        return written.map { edits in
            edits.map { edit in
                defer { nodes = nodes.dropFirst(edit.count) }
                return Edit(slots: edit.slots, children: Array(nodes.prefix(edit.count)))
            }
        }
    }

    /// Neighbouring children that are divided among nodes together.
    private struct Run {
        var slots: Range<Int>
        var items: RowBuffer
        var numbers: [UInt64]
        /// Whether items were only added at the end.
        var isPacked: Bool
    }

    /// The next touched child, with as many of its neighbours as it takes to make a node that isn't too small; nil if
    /// nothing changes in it.
    private func run(
        from next: inout Int,
        of parent: Opened,
        _ contents: [RowBuffer?],
        after written: Int,
        in store: borrowing (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) -> Run? {
        let touched = parent.touched[next]
        next += 1
        let number = try parent.node.child(touched.slot).number
        var run: Run
        if contents.isEmpty {
            let leaf = LeafMerge(changes, touched.changes, into: try IndexNode(try store.node(number)))
            guard let rows = leaf.rows else { return nil }
            run = Run(
                slots: touched.slot..<touched.slot + 1,
                items: rows,
                numbers: [number],
                isPacked: leaf.onlyAppends
            )
        } else {
            guard let items = contents[touched.opened] else { return nil }
            run = Run(
                slots: touched.slot..<touched.slot + 1,
                items: items,
                numbers: [number],
                isPacked: false
            )
        }
        while !run.items.isEmpty,
            NodePacker.size(of: run.items, isInner: !contents.isEmpty) < nodeBytes / 4
        {
            let slot: Int
            if run.slots.upperBound < parent.node.count {
                slot = run.slots.upperBound
            } else if run.slots.lowerBound > written {
                slot = run.slots.lowerBound - 1
            } else {
                break
            }
            try absorb(slot, into: &run, &next, of: parent, contents, in: store)
        }
        return run
    }

    /// Joins a run with the child before or behind it.
    private func absorb(
        _ slot: Int,
        into run: inout Run,
        _ next: inout Int,
        of parent: Opened,
        _ contents: [RowBuffer?],
        in store: borrowing (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        let isInner = !contents.isEmpty
        let number = try parent.node.child(slot).number
        var touched: Touched?
        if next < parent.touched.count, parent.touched[next].slot == slot {
            touched = parent.touched[next]
            next += 1
        }
        let node = try IndexNode(try store.node(number))
        let changed: RowBuffer?
        if let touched {
            changed =
                isInner ? contents[touched.opened] : LeafMerge(changes, touched.changes, into: node).rows
        } else {
            changed = nil
        }
        let items = changed ?? RowBuffer(node)
        // The separator of an inner node's first child stands in the parent: inside a longer run it is needed.
        if slot < run.slots.lowerBound {
            let separator = isInner ? parent.node.key(run.slots.lowerBound) : nil
            let tail = run.items
            run.items = items
            run.items.append(contentsOf: tail, firstKey: separator)
            run.slots = slot..<run.slots.upperBound
        } else {
            run.items.append(contentsOf: items, firstKey: isInner ? parent.node.key(slot) : nil)
            run.slots = run.slots.lowerBound..<slot + 1
        }
        run.numbers.append(number)
        run.isPacked = false
    }
}
