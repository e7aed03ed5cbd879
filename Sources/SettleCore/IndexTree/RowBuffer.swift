/// Rows one after another in one piece of memory, so that collecting and sorting a million of them allocates nothing
/// for each.
package struct RowBuffer: Sendable {
    /// Where one row lies.
    struct Entry: Sendable {
        /// The first eight bytes of the key, most significant first: decides nearly every comparison.
        let head: UInt64
        let start: Int
        let keyEnd: Int
        let end: Int
    }

    private(set) var bytes: [UInt8] = []
    private(set) var entries: [Entry] = []

    package init() {}

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }
    /// The bytes it takes in memory.
    package var byteCount: Int { bytes.count + entries.count * MemoryLayout<Entry>.stride }

    package mutating func append(key: ArraySlice<UInt8>, payload: ArraySlice<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: key)
        let keyEnd = bytes.count
        bytes.append(contentsOf: payload)
        finishRow(start: start, keyEnd: keyEnd)
    }

    /// Appends a row whose key and payload the caller writes one after the other into `bytes`; `write` gives the length of
    /// what it has written of the key.
    mutating func append(_ write: (inout [UInt8]) -> Int) {
        let start = bytes.count
        let keyLength = write(&bytes)
        finishRow(start: start, keyEnd: start + keyLength)
    }

    private mutating func finishRow(start: Int, keyEnd: Int) {
        entries.append(
            Entry(head: Self.head(bytes, start..<keyEnd), start: start, keyEnd: keyEnd, end: bytes.count)
        )
    }

    private static func head(_ bytes: [UInt8], _ key: Range<Int>) -> UInt64 {
        var head: UInt64 = 0
        for index in key.prefix(8) { head = head << 8 | UInt64(bytes[index]) }
        return key.count < 8 ? head << UInt64(8 * (8 - key.count)) : head
    }

    package mutating func removeAll(keepingCapacity: Bool = false) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
        entries.removeAll(keepingCapacity: keepingCapacity)
    }

    package func key(_ index: Int) -> ArraySlice<UInt8> { bytes[keyRange(index)] }

    package func payload(_ index: Int) -> ArraySlice<UInt8> { bytes[payloadRange(index)] }

    func keyRange(_ index: Int) -> Range<Int> { entries[index].start..<entries[index].keyEnd }

    func payloadRange(_ index: Int) -> Range<Int> { entries[index].keyEnd..<entries[index].end }

    /// Sorts by key; rows of equal keys stay in the order in which they came.
    package mutating func sort() {
        let bytes = bytes
        entries.sort { left, right in
            if left.head != right.head { return left.head < right.head }
            let memory = bytes.span
            let one = memory.extracting(left.start..<left.keyEnd)
            let other = memory.extracting(right.start..<right.keyEnd)
            if ByteOrder.isLess(one, other) { return true }
            if one.count != other.count || ByteOrder.isLess(other, one) { return false }
            return left.start < right.start
        }
    }

    /// Whether two rows have the same key.
    func haveEqualKeys(_ index: Int, _ other: Int) -> Bool {
        entries[index].head == entries[other].head && key(index) == key(other)
    }

    /// Whether a row's key is less than a node's item's.
    func isKey(_ index: Int, lessThan item: Int, of node: IndexNode) -> Bool {
        let own = bytes.span.extracting(keyRange(index))
        let theirs = node.bytes.span
        let prefix = node.prefix
        switch ByteOrder.compareStart(own, theirs.extracting(prefix)) {
        case .less: return true
        case .greater: return false
        case .equal:
            return ByteOrder.isLess(
                own.extracting(prefix.count..<own.count),
                theirs.extracting(node.suffix(item))
            )
        }
    }

    /// How many bytes the keys of two rows both begin with, at most `limit`.
    func sharedLength(_ index: Int, _ other: Int, limit: Int = .max) -> Int {
        let memory = bytes.span
        return ByteOrder.sharedLength(
            memory.extracting(keyRange(index)),
            memory.extracting(keyRange(other)),
            limit: limit
        )
    }
}

/// What an update does to a tree: rows to write and sort keys to remove, in any order.
///
/// Of several changes of one sort key the last one counts.
package struct IndexChanges: Sendable {
    /// Payloads begin with a byte: 1 for a row, 0 for a removal.
    var rows = RowBuffer()

    package init() {}

    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }
    package var byteCount: Int { rows.byteCount }

    /// Writes a row, in place of the one that has its sort key.
    package mutating func insert(key: ArraySlice<UInt8>, payload: ArraySlice<UInt8>) {
        rows.append { bytes in
            bytes.append(contentsOf: key)
            bytes.append(1)
            bytes.append(contentsOf: payload)
            return key.count
        }
    }

    /// Removes the row of a sort key, if there is one.
    package mutating func remove(key: ArraySlice<UInt8>) {
        rows.append { bytes in
            bytes.append(contentsOf: key)
            bytes.append(0)
            return key.count
        }
    }

    package mutating func removeAll(keepingCapacity: Bool = false) {
        rows.removeAll(keepingCapacity: keepingCapacity)
    }

    mutating func sort() { rows.sort() }

    func isRemoval(_ index: Int) -> Bool { rows.bytes[rows.payloadRange(index).lowerBound] == 0 }

    func payload(_ index: Int) -> ArraySlice<UInt8> { rows.payload(index).dropFirst() }
}
