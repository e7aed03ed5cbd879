// How items are divided among nodes.
//
// A node takes items until it is full: one page, counted with the keys' common prefix taken out. Three exceptions keep
// odd keys and reductions from degrading the tree. A row larger than a page has a node of its own. A prefix larger than half
// a page does not count, so keys of a megabyte that differ at their end still share nodes. And an inner node takes at
// least two children and up to sixteen in sixteen pages, since reductions of a kilobyte would make it narrow and the
// tree high.

/// Adds up what a node would take as item after item is put into it.
struct NodePacker {
    private let limit: Int
    private let isInner: Bool
    private var first = 0
    private(set) var count = 0
    private var keyBytes = 0
    private var payloadBytes = 0
    private var prefix = 0

    init(limit: Int, isInner: Bool) {
        self.limit = limit
        self.isInner = isInner
    }

    /// The bytes of the node.
    var size: Int { size(count: count, keyBytes: keyBytes, payloadBytes: payloadBytes, prefix: prefix) }

    /// What it counts against the page.
    private var weight: Int { min(prefix > limit / 2 ? size - prefix : size, limit) }

    private func size(count: Int, keyBytes: Int, payloadBytes: Int, prefix: Int) -> Int {
        let keys = isInner ? count - 1 : count
        let content = payloadBytes + keyBytes - keys * prefix + prefix
        let total = IndexNode.headerLength + 4 * count + content
        return total <= 0xFFFF ? total : total + 4 * count
    }

    /// Adds the item that follows in the buffer, unless it belongs to the next node; whether it was added.
    mutating func add(_ index: Int, of buffer: RowBuffer) -> Bool {
        let keyLength = buffer.keyRange(index).count
        let payloadLength = buffer.payloadRange(index).count
        guard count > 0 else {
            first = index
            count = 1
            keyBytes = isInner ? 0 : keyLength
            payloadBytes = payloadLength
            prefix = isInner ? 0 : keyLength
            return true
        }
        // The keys are sorted: what the first and the last have in common all have.
        let newPrefix: Int
        if isInner {
            newPrefix = count == 1 ? keyLength : buffer.sharedLength(first + 1, index, limit: prefix)
        } else {
            newPrefix = buffer.sharedLength(first, index, limit: prefix)
        }
        let newSize = size(
            count: count + 1,
            keyBytes: keyBytes + keyLength,
            payloadBytes: payloadBytes + payloadLength,
            prefix: newPrefix
        )
        guard count < 0xFFFF, allows(newSize, count: count + 1, prefix: newPrefix) else { return false }
        count += 1
        keyBytes += keyLength
        payloadBytes += payloadLength
        prefix = newPrefix
        return true
    }

    private func allows(_ size: Int, count: Int, prefix: Int) -> Bool {
        if size <= limit || (prefix > limit / 2 && size - prefix <= limit / 2) { return true }
        return isInner && (count <= 2 || (count <= 16 && size <= 16 * limit))
    }

    /// The bytes of a node of all of a buffer's items.
    static func size(of buffer: RowBuffer, isInner: Bool) -> Int {
        var packer = NodePacker(limit: .max, isInner: isInner)
        for index in 0..<buffer.count where !packer.add(index, of: buffer) { return .max }
        return packer.size
    }

    /// Divides a buffer's items among as few nodes as take them; among more than one evenly, unless they are to be packed:
    /// where rows only come at the end, halves would stay half empty for ever.
    static func ranges(of buffer: RowBuffer, isInner: Bool, limit: Int, packed: Bool) -> [Range<Int>] {
        let full = fill(buffer, isInner: isInner, limit: limit, share: .max)
        guard full.ranges.count > 1, !packed else { return full.ranges }
        return fill(buffer, isInner: isInner, limit: limit, share: full.weight / full.ranges.count).ranges
    }

    /// Fills node after node until it is full or has its share.
    private static func fill(
        _ buffer: RowBuffer,
        isInner: Bool,
        limit: Int,
        share: Int
    ) -> (ranges: [Range<Int>], weight: Int) {
        var ranges: [Range<Int>] = []
        var weight = 0
        var packer = NodePacker(limit: limit, isInner: isInner)
        for index in 0..<buffer.count {
            let hasShare = packer.weight >= share && packer.count >= (isInner ? 2 : 1)
            if !hasShare, packer.add(index, of: buffer) { continue }
            ranges.append(index - packer.count..<index)
            weight += packer.weight
            packer = NodePacker(limit: limit, isInner: isInner)
            _ = packer.add(index, of: buffer)
        }
        guard packer.count > 0 else { return (ranges, weight) }
        ranges.append(buffer.count - packer.count..<buffer.count)
        return (ranges, weight + packer.weight)
    }
}
