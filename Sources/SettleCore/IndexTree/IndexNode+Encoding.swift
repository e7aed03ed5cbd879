extension IndexNode {
    /// The bytes of a node of some of a buffer's items.
    static func encode(_ range: Range<Int>, of buffer: RowBuffer, isInner: Bool) -> [UInt8] {
        let keyed = isInner ? range.dropFirst() : range
        var prefix = 0
        if let first = keyed.first, let last = keyed.last {
            prefix = first == last ? buffer.keyRange(first).count : buffer.sharedLength(first, last)
        }
        var content = prefix
        for index in range { content += buffer.payloadRange(index).count }
        for index in keyed { content += buffer.keyRange(index).count - prefix }
        let isWide = tableEnd(range.count, isWide: false) + content > 0xFFFF
        let tableEnd = tableEnd(range.count, isWide: isWide)

        var node: [UInt8] = []
        node.reserveCapacity(tableEnd + content)
        node.append((isInner ? 1 : 0) | (isWide ? 2 : 0))
        node.append(UInt8(truncatingIfNeeded: range.count))
        node.append(UInt8(truncatingIfNeeded: range.count >> 8))
        var offset = tableEnd + prefix
        for index in range {
            append(offset, isWide: isWide, to: &node)
            if index >= keyed.startIndex { offset += buffer.keyRange(index).count - prefix }
            append(offset, isWide: isWide, to: &node)
            offset += buffer.payloadRange(index).count
        }
        if let first = keyed.first { node.append(contentsOf: buffer.key(first).prefix(prefix)) }
        for index in range {
            if index >= keyed.startIndex { node.append(contentsOf: buffer.key(index).dropFirst(prefix)) }
            node.append(contentsOf: buffer.payload(index))
        }
        return node
    }

    private static func append(_ offset: Int, isWide: Bool, to node: inout [UInt8]) {
        node.append(UInt8(truncatingIfNeeded: offset))
        node.append(UInt8(truncatingIfNeeded: offset >> 8))
        guard isWide else { return }
        node.append(UInt8(truncatingIfNeeded: offset >> 16))
        node.append(UInt8(truncatingIfNeeded: offset >> 24))
    }
}
