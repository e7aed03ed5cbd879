/// Sorts more rows than fit in memory: pairs of byte strings, by the bytes of the first.
///
/// ```swift
/// var sorter = RunSorter(count: 2, directory: directory, memoryLimit: 64 << 20)
/// try sorter.append(to: 0, key: bytes[0..<4], value: bytes[4..<9])      // as often as needed
/// var rows = try sorter.finish(0)
/// while try rows.next() { use(rows.key, rows.value) }
/// ```
///
/// Rows gather in memory. When they have reached the limit, the fullest of the sorter's lists is sorted and written to a
/// file, a *run*, that nobody else sees and that goes away with the process; at the end the runs are merged. Rows with
/// equal keys come in any order.
package struct RunSorter {
    private var lists: [RowList]
    private var runs: [[BlobFile]]
    private let directory: String
    private let memoryLimit: Int
    private var size = 0

    /// A sorter of several lists that share the memory.
    ///
    /// `directory` must exist by the time that the memory doesn't suffice.
    package init(count: Int, directory: String, memoryLimit: Int) {
        lists = Array(repeating: RowList(), count: count)
        runs = Array(repeating: [], count: count)
        self.directory = directory
        self.memoryLimit = memoryLimit
    }

    /// Adds a row to one of the lists.
    package mutating func append(
        to list: Int,
        key: ArraySlice<UInt8>,
        value: ArraySlice<UInt8>
    ) throws(StorageError) {
        lists[list].append(key, value)
        size += key.count + value.count + RowList.entrySize
        if size >= memoryLimit { try spill() }
    }

    /// Writes the fullest list to a run.
    private mutating func spill() throws(StorageError) {
        guard let fullest = lists.indices.max(by: { lists[$0].size < lists[$1].size }) else { return }
        let run = try BlobFile.draft(in: directory)
        size -= lists[fullest].size
        try lists[fullest].writeSorted(to: run)
        lists[fullest].removeAll()
        runs[fullest].append(run)
    }

    /// The rows of one list in order; the list is empty afterwards.
    package mutating func finish(_ list: Int) throws(StorageError) -> SortedRows {
        size -= lists[list].size
        lists[list].sort()
        defer {
            lists[list] = RowList()
            runs[list] = []
        }
        return try SortedRows(lists[list], runs[list])
    }
}

/// Rows in memory: their bytes one after the other, and where each lies.
struct RowList {
    struct Entry {
        /// The key's first eight bytes, which decide most comparisons.
        var prefix: UInt64
        var offset: Int
        var keyLength: UInt32
        var valueLength: UInt32
    }

    static let entrySize = 24

    private(set) var bytes: [UInt8] = []
    private(set) var entries: [Entry] = []

    var size: Int { bytes.count + entries.count * Self.entrySize }

    mutating func append(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        var prefix: UInt64 = 0
        for byte in key.prefix(8) { prefix = prefix << 8 | UInt64(byte) }
        if key.count < 8 { prefix <<= UInt64(8 * (8 - key.count)) }
        entries.append(
            Entry(
                prefix: prefix,
                offset: bytes.count,
                keyLength: UInt32(key.count),
                valueLength: UInt32(value.count)
            )
        )
        bytes.append(contentsOf: key)
        bytes.append(contentsOf: value)
    }

    mutating func removeAll() {
        // The memory is kept: it fills up again.
        bytes.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    mutating func sort() {
        unsafe bytes.withUnsafeBytes { bytes in
            entries.sort { left, right in
                guard left.prefix == right.prefix else { return left.prefix < right.prefix }
                return unsafe compare(
                    bytes,
                    left.offset..<left.offset + Int(left.keyLength),
                    bytes,
                    right.offset..<right.offset + Int(right.keyLength)
                ) < 0
            }
        }
    }

    /// Sorts, and writes every row with the lengths of its parts before it.
    mutating func writeSorted(to file: BlobFile) throws(StorageError) {
        sort()
        var buffer: [UInt8] = []
        buffer.reserveCapacity(RunReader.chunk + 4096)
        for entry in entries {
            appendLength(entry.keyLength, to: &buffer)
            appendLength(entry.valueLength, to: &buffer)
            let length = Int(entry.keyLength) + Int(entry.valueLength)
            buffer.append(contentsOf: bytes[entry.offset..<entry.offset + length])
            if buffer.count >= RunReader.chunk {
                try file.append(buffer[...])
                buffer.removeAll(keepingCapacity: true)
            }
        }
        try file.append(buffer[...])
    }

    private func appendLength(_ length: UInt32, to buffer: inout [UInt8]) {
        for shift in [0, 8, 16, 24] as [UInt32] { buffer.append(UInt8(truncatingIfNeeded: length >> shift)) }
    }
}

/// Compares two ranges of bytes as unsigned numbers, the shorter first.
@inline(__always)
func compare(
    _ left: UnsafeRawBufferPointer,
    _ leftRange: Range<Int>,
    _ right: UnsafeRawBufferPointer,
    _ rightRange: Range<Int>
) -> Int {
    let common = min(leftRange.count, rightRange.count)
    let order = unsafe compareMemory(
        left.baseAddress.map { unsafe $0 + leftRange.lowerBound },
        right.baseAddress.map { unsafe $0 + rightRange.lowerBound },
        common
    )
    return order != 0 ? order : leftRange.count - rightRange.count
}
