// Builds a tree from sorted rows, bottom up: every node is written once, nearly full, and nothing is read.
//
//     var loader = IndexLoader(reducer: reducer)
//     for row in sorted { try loader.append(key: row.key, payload: row.payload, to: &store) }
//     let tree = try loader.finish(in: &store)
//
// Each level collects items until a node is full. Full nodes wait, a few hundred of them, to be reduced together; then
// they become items of the level above. So the memory needed is a few pages and the waiting nodes per level, whatever the
// number of rows.

/// Takes rows in ascending order and makes a tree of them.
package struct IndexLoader<Reducer: NodeReducer> {
    /// The nodes being filled on one level.
    private struct Level {
        var items = RowBuffer()
        var packer: NodePacker
        /// What separates the node being filled from the one before.
        var separator: [UInt8] = []
        var queue = ReductionQueue()
        let isInner: Bool
    }

    private var levels: [Level] = []
    private let nodeBytes: Int
    private let fill: Int
    package var reducer: Reducer
    package private(set) var rowCount = 0

    package init(reducer: Reducer, nodeBytes: Int = IndexTree.nodeBytes) {
        self.reducer = reducer
        self.nodeBytes = nodeBytes
        // A twentieth is left free, so that the first rows to come don't split every leaf.
        fill = nodeBytes - nodeBytes / 20
    }

    /// Adds a row whose sort key is greater than all before.
    package mutating func append(
        key: ArraySlice<UInt8>,
        payload: ArraySlice<UInt8>,
        to store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        if levels.isEmpty { addLevel(isInner: false) }
        levels[0].items.append(key: key, payload: payload)
        rowCount += 1
        try closeIfFull(0, in: &store)
    }

    private mutating func addLevel(isInner: Bool) {
        levels.append(Level(packer: NodePacker(limit: fill, isInner: isInner), isInner: isInner))
    }

    /// Writes a level's node if the item that came last belongs to the next one.
    private mutating func closeIfFull(
        _ level: Int,
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        let last = levels[level].items.count - 1
        guard !levels[level].packer.add(last, of: levels[level].items) else { return }
        try close(level, count: last, in: &store)
        let next = levels[level].items
        let key = next.key(last)
        levels[level].separator = Array(
            levels[level].isInner ? key : key.prefix(next.sharedLength(last - 1, last) + 1)
        )
        var items = RowBuffer()
        items.append(key: key, payload: next.payload(last))
        levels[level].items = items
        levels[level].packer = NodePacker(limit: fill, isInner: levels[level].isInner)
        _ = levels[level].packer.add(0, of: items)
    }

    /// Writes the first items of a level as a node.
    private mutating func close(
        _ level: Int,
        count: Int,
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        let bytes = IndexNode.encode(0..<count, of: levels[level].items, isInner: levels[level].isInner)
        let node = try IndexNode(bytes)
        let number = try store.allocate()
        try store.put(bytes, at: number)
        levels[level].queue.add(
            IndexChild(
                separator: levels[level].separator,
                number: number,
                rowCount: try node.rowCount(),
                reductions: []
            ),
            node
        )
        if levels[level].queue.isFull { try handUp(level, in: &store) }
    }

    /// Reduces a level's waiting nodes and makes them items of the level above.
    private mutating func handUp(
        _ level: Int,
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        let nodes = try levels[level].queue.take(&reducer)
        guard !nodes.isEmpty else { return }
        if level + 1 == levels.count { addLevel(isInner: true) }
        for node in nodes {
            levels[level + 1].items.append(node)
            try closeIfFull(level + 1, in: &store)
        }
    }

    /// Writes what is left and gives the tree; the loader is empty afterwards.
    package mutating func finish(
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) -> IndexTree {
        var tree = IndexTree(nodeBytes: nodeBytes)
        var level = 0
        while level < levels.count {
            try close(level, count: levels[level].items.count, in: &store)
            if level + 1 == levels.count, levels[level].queue.nodes.count == 1 {
                tree.root = try levels[level].queue.take(&reducer).first
                tree.root?.separator = []
                tree.height = level + 1
            } else {
                try handUp(level, in: &store)
            }
            level += 1
        }
        levels = []
        rowCount = 0
        try tree.takeOffSingleChildren(in: &store)
        return tree
    }
}
