/// Writes nodes of one level, and has them reduced.
struct NodeWriter {
    let isInner: Bool
    let nodeBytes: Int
    private var queue = ReductionQueue()

    init(isInner: Bool, nodeBytes: Int) {
        self.isInner = isInner
        self.nodeBytes = nodeBytes
    }

    /// Divides items among nodes in place of the nodes of some numbers; how many there are now.
    mutating func write(
        _ items: RowBuffer,
        separator: [UInt8],
        packed: Bool,
        replacing numbers: [UInt64],
        in store: inout (some NodeStore & ~Copyable & ~Escapable),
        reducer: inout some NodeReducer
    ) throws(SettleError) -> Int {
        let ranges = NodePacker.ranges(of: items, isInner: isInner, limit: nodeBytes, packed: packed)
        for (index, range) in ranges.enumerated() {
            let number = index < numbers.count ? numbers[index] : try store.allocate()
            try write(
                range,
                of: items,
                separator: index == 0 ? separator : self.separator(before: range.lowerBound, of: items),
                at: number,
                in: &store
            )
            if queue.isFull { try queue.reduce(&reducer) }
        }
        for number in numbers.dropFirst(ranges.count) { try store.free(number) }
        return ranges.count
    }

    /// The least separator of an item from the one before it.
    private func separator(before index: Int, of items: RowBuffer) -> [UInt8] {
        let key = items.key(index)
        // A child's separator is short already.
        return Array(isInner ? key : key.prefix(items.sharedLength(index - 1, index) + 1))
    }

    private mutating func write(
        _ range: Range<Int>,
        of items: RowBuffer,
        separator: [UInt8],
        at number: UInt64,
        in store: inout (some NodeStore & ~Copyable & ~Escapable)
    ) throws(SettleError) {
        let bytes = IndexNode.encode(range, of: items, isInner: isInner)
        let node = try IndexNode(bytes)
        try store.put(bytes, at: number)
        queue.add(
            IndexChild(separator: separator, number: number, rowCount: try node.rowCount(), reductions: []),
            node
        )
    }

    /// The nodes that were written since the last time, with their reductions.
    mutating func finish(_ reducer: inout some NodeReducer) throws(SettleError) -> [IndexChild] {
        try queue.take(&reducer)
    }
}
