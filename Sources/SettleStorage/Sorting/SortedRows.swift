#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The rows of a `RunSorter`'s list in order: those in memory and those of its runs, merged.
package struct SortedRows {
    private let list: RowList
    private var position = -1
    private var readers: [RunReader]
    /// The readers in the order of their rows, as a binary heap.
    private var heap: [Int] = []
    /// Where the present row is: a reader's number, or -1 for the list in memory.
    private var source = -1
    private var hasBegun = false

    init(_ list: RowList, _ runs: [BlobFile]) throws(StorageError) {
        self.list = list
        readers = runs.map { RunReader($0) }
        for index in readers.indices where try readers[index].next() {
            heap.append(index)
            rise(heap.count - 1)
        }
    }

    /// Goes to the next row.
    package mutating func next() throws(StorageError) -> Bool {
        if hasBegun {
            try leaveRow()
        } else {
            hasBegun = true
            position = 0
        }
        guard let first = heap.first else {
            source = -1
            return position < list.entries.count
        }
        source = first
        if position < list.entries.count, !listKey.lexicographicallyPrecedes(readers[first].key) {
            return true
        }
        if position < list.entries.count { source = -1 }
        return true
    }

    /// The row's key.
    package var key: ArraySlice<UInt8> { source < 0 ? listKey : readers[source].key }

    /// The row's value.
    package var value: ArraySlice<UInt8> {
        guard source < 0 else { return readers[source].value }
        let entry = list.entries[position]
        let start = entry.offset + Int(entry.keyLength)
        return list.bytes[start..<start + Int(entry.valueLength)]
    }

    private var listKey: ArraySlice<UInt8> {
        let entry = list.entries[position]
        return list.bytes[entry.offset..<entry.offset + Int(entry.keyLength)]
    }

    private mutating func leaveRow() throws(StorageError) {
        guard source >= 0 else {
            position += 1
            return
        }
        if try !readers[source].next() {
            heap[0] = heap[heap.count - 1]
            heap.removeLast()
        }
        if !heap.isEmpty { sink(0) }
    }

    // MARK: The heap

    private func isLess(_ left: Int, _ right: Int) -> Bool {
        readers[heap[left]].key.lexicographicallyPrecedes(readers[heap[right]].key)
    }

    private mutating func rise(_ index: Int) {
        var index = index
        while index > 0, isLess(index, (index - 1) / 2) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func sink(_ index: Int) {
        var index = index
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && isLess(child, least) {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}

/// Reads a run from front to back.
struct RunReader {
    /// Bytes that are written and read at once.
    static let chunk = 128 << 10

    private let file: BlobFile
    private var buffer: [UInt8] = []
    private var bufferStart: UInt64 = 0
    private var position = 0
    private(set) var key: ArraySlice<UInt8> = []
    private(set) var value: ArraySlice<UInt8> = []

    init(_ file: BlobFile) {
        self.file = file
    }

    mutating func next() throws(StorageError) -> Bool {
        key = []
        value = []
        guard try fill(8) else { return false }
        let keyLength = length(at: position)
        let valueLength = length(at: position + 4)
        guard try fill(8 + keyLength + valueLength) else { throw .corrupted }
        let start = position + 8
        key = buffer[start..<start + keyLength]
        value = buffer[start + keyLength..<start + keyLength + valueLength]
        position = start + keyLength + valueLength
        return true
    }

    /// Makes sure that so many bytes follow the position; false where the file has no more.
    private mutating func fill(_ count: Int) throws(StorageError) -> Bool {
        guard buffer.count - position < count else { return true }
        bufferStart += UInt64(position)
        // A new array: what was given out may still be held.
        var next: [UInt8] = []
        try file.read(from: bufferStart, count: max(count, Self.chunk), into: &next)
        buffer = next
        position = 0
        return buffer.count >= count
    }

    private func length(at offset: Int) -> Int {
        var length = 0
        for index in 0..<4 { length |= Int(buffer[offset + index]) << (8 * index) }
        return length
    }
}

/// The sign of the first difference of two places in memory.
@inline(__always)
func compareMemory(_ left: UnsafeRawPointer?, _ right: UnsafeRawPointer?, _ count: Int) -> Int {
    guard let left = unsafe left, let right = unsafe right, count > 0 else { return 0 }
    return unsafe Int(memcmp(left, right, count))
}
