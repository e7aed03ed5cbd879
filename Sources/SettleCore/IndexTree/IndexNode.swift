// A node of an index tree as bytes: a sorted list of items, each a key and a payload.
//
//     node     byte: bit 0 inner node, bit 1 wide offsets
//              2 bytes: number of items, least significant first
//              per item: where its key begins, where its payload begins      2 bytes each, 4 if wide, from the node's start
//              prefix   that all keys have in common
//              per item: the rest of its key, its payload
//
// In a leaf an item is a row. In an inner node it is a child: the key is the child's separator (every row of the child
// is equal or greater, every row of the child before is less), the payload tells who the child is:
//
//     child    varint number, varint rows below, per reduce function: varint length and the reduction
//
// The offsets let a search look at a dozen keys without walking the rest, and the prefix is compared once.
//
// The subtle thing: the first child's separator is not kept (its key reads as the bare prefix), since it stands in the
// parent and whoever came down here was not less. So it does not shorten the prefix either.

/// A node that has been read: its bytes, and where things are in them.
package struct IndexNode: Sendable {
    let bytes: [UInt8]
    /// How many items there are.
    package let count: Int
    let isInner: Bool
    private let isWide: Bool

    static let headerLength = 3

    /// Reads a node; throws if the bytes are none.
    init(_ bytes: [UInt8]) throws(SettleError) {
        self.bytes = bytes
        guard bytes.count >= Self.headerLength, bytes[0] < 4 else { throw .damagedIndex }
        isInner = bytes[0] & 1 != 0
        isWide = bytes[0] & 2 != 0
        count = Int(bytes[1]) | Int(bytes[2]) << 8
        let tableEnd = Self.tableEnd(count, isWide: isWide)
        guard count > 0, tableEnd <= bytes.count else { throw .damagedIndex }
        // Offsets that rise and stay inside let everything below read without fear.
        var previous = tableEnd
        for index in 0..<2 * count {
            let offset = boundary(index)
            guard offset >= previous else { throw .damagedIndex }
            previous = offset
        }
        guard previous <= bytes.count else { throw .damagedIndex }
    }

    @inline(__always)
    private func boundary(_ index: Int) -> Int {
        if index == 2 * count { return bytes.count }
        guard isWide else {
            let place = Self.headerLength + 2 * index
            return Int(bytes[place]) | Int(bytes[place + 1]) << 8
        }
        let place = Self.headerLength + 4 * index
        return Int(bytes[place]) | Int(bytes[place + 1]) << 8 | Int(bytes[place + 2]) << 16
            | Int(bytes[place + 3]) << 24
    }

    /// What all keys begin with.
    var prefix: Range<Int> { Self.tableEnd(count, isWide: isWide)..<boundary(0) }

    /// The rest of an item's key.
    func suffix(_ index: Int) -> Range<Int> { boundary(2 * index)..<boundary(2 * index + 1) }

    func payload(_ index: Int) -> Range<Int> { boundary(2 * index + 1)..<boundary(2 * index + 2) }

    static func tableEnd(_ count: Int, isWide: Bool) -> Int { headerLength + count * (isWide ? 8 : 4) }

    /// Appends an item's whole key.
    func appendKey(_ index: Int, to output: inout [UInt8]) {
        output.append(contentsOf: bytes[prefix])
        output.append(contentsOf: bytes[suffix(index)])
    }

    /// An item's whole key.
    func key(_ index: Int) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(prefix.count + suffix(index).count)
        appendKey(index, to: &key)
        return key
    }
}
