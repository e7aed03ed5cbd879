// How many live documents lie in each block of ids.
//
// `_all_docs` reports `offset`, and `skip` must not cost a scan. So the ids are cut into blocks by *separators*, each
// block counts its live documents, and a rank is a short sum plus a walk inside one block.
//
//     ""        700      ids before "m3"
//     "m3"      512      ids from "m3" to before "q"
//     "q"       904      ids from "q"
//
// Blocks split when they have grown past 1,024 and vanish into their left neighbour when they are empty. A separator is
// the shortest text between two neighbouring ids, so it stays short however long the ids are.
//
// The subtle thing: this table is small and read by every writer, so the writer keeps it in memory between its
// transactions, keyed by the transaction it was read in; another process's commit makes it read it again.

import SettleCore
import SettleStorage

/// The blocks as the writer holds them in memory, with the changes of its present transaction.
struct DocumentCounts {
    /// A block with more live documents than this is split.
    static let splitAbove = 1024
    /// A separator longer than this is not worth a key; the split goes elsewhere.
    static let longestSeparator = 400

    /// First bytes of each block, ascending; the first is empty.
    private(set) var separators: [[UInt8]] = [[]]
    /// Live documents in each block.
    private(set) var counts: [Int] = [0]
    private var dirty: Set<Int> = []

    static func key(_ separator: [UInt8]) -> [UInt8] { [UInt8(ascii: "d")] + separator }

    init() {}

    init(_ transaction: borrowing ReadTransaction, _ table: Table) throws {
        var cursor = try transaction.cursor(table)
        var found = try cursor.seek(atLeast: [UInt8(ascii: "d")])
        while found {
            let key = [UInt8](cursor.key)
            guard key.first == UInt8(ascii: "d") else { break }
            var offset = 0
            let count = Int(try cursor.value.varint(&offset))
            if key.count == 1 {
                counts[0] = count
            } else {
                separators.append(Array(key[1...]))
                counts.append(count)
            }
            found = try cursor.next()
        }
    }

    /// The block that an id belongs to: the last whose separator is not after it.
    func block(of id: [UInt8]) -> Int {
        var low = 0
        var high = separators.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if id.lexicographicallyPrecedes(separators[middle]) {
                high = middle
            } else {
                low = middle
            }
        }
        return low
    }

    mutating func add(_ count: Int, at id: [UInt8]) {
        let block = block(of: id)
        counts[block] += count
        dirty.insert(block)
    }

    /// Splits what has grown, merges what is empty, and writes what has changed.
    mutating func write(_ transaction: borrowing WriteTransaction, _ tables: Tables) throws {
        for block in dirty.sorted(by: >) {
            if counts[block] > Self.splitAbove {
                try split(block, transaction, tables)
            } else if counts[block] <= 0, block > 0 {
                _ = try transaction.delete(tables.counts, Self.key(separators[block]))
                separators.remove(at: block)
                counts.remove(at: block)
            } else {
                try put(block, transaction, tables)
            }
        }
        dirty = []
    }

    private func put(_ block: Int, _ transaction: borrowing WriteTransaction, _ tables: Tables) throws {
        var bytes: [UInt8] = []
        appendVarint(UInt64(counts[block]), to: &bytes)
        try transaction.put(tables.counts, Self.key(separators[block]), bytes)
    }

    /// Cuts a block into pieces of about half the limit by walking over its documents once.
    private mutating func split(
        _ block: Int,
        _ transaction: borrowing WriteTransaction,
        _ tables: Tables
    ) throws {
        let end = block + 1 < separators.count ? separators[block + 1] : nil
        var pieces: [(separator: [UInt8], count: Int)] = [(separators[block], 0)]
        var previous: [UInt8] = []
        do {
            var cursor = try transaction.reading.cursor(tables.documents)
            var found = block == 0 ? try cursor.first() : try cursor.seek(atLeast: separators[block])
            while found {
                var id: [UInt8] = []
                cursor.appendKey(to: &id)
                if let end, !id.lexicographicallyPrecedes(end) { break }
                if pieces[pieces.count - 1].count >= Self.splitAbove / 2,
                    let separator = Self.separator(between: previous, and: id)
                {
                    pieces.append((separator, 0))
                }
                if !(try DocumentSummary(decoding: cursor.value)).isDeleted {
                    pieces[pieces.count - 1].count += 1
                }
                previous = id
                found = try cursor.next()
            }
        }
        separators.replaceSubrange(block...block, with: pieces.map(\.separator))
        counts.replaceSubrange(block...block, with: pieces.map(\.count))
        for piece in block..<block + pieces.count {
            try put(piece, transaction, tables)
        }
    }

    /// The shortest text that is after `left` and not after `right`; nil if it would be long.
    static func separator(between left: [UInt8], and right: [UInt8]) -> [UInt8]? {
        var common = 0
        while common < left.count, common < right.count, left[common] == right[common] { common += 1 }
        guard common < right.count, common < longestSeparator else { return nil }
        return Array(right[...common])
    }
}

// MARK: Ranks, as readers ask for them

extension DocumentCounts {
    /// The number of live documents whose id is less than `id`.
    static func live(
        before id: [UInt8],
        _ transaction: borrowing ReadTransaction,
        _ tables: Tables
    ) throws -> Int {
        let blocks = try DocumentCounts(transaction, tables.counts)
        let block = blocks.block(of: id)
        var rank = blocks.counts[..<block].reduce(0, +)
        var cursor = try transaction.cursor(tables.documents)
        var found = block == 0 ? try cursor.first() : try cursor.seek(atLeast: blocks.separators[block])
        while found {
            var key: [UInt8] = []
            cursor.appendKey(to: &key)
            guard key.lexicographicallyPrecedes(id) else { break }
            if !(try DocumentSummary(decoding: cursor.value)).isDeleted { rank += 1 }
            found = try cursor.next()
        }
        return rank
    }

    /// The id of the live document that has `rank` live ones before it; nil if there are not that many.
    static func live(
        at rank: Int,
        _ transaction: borrowing ReadTransaction,
        _ tables: Tables
    ) throws -> [UInt8]? {
        let blocks = try DocumentCounts(transaction, tables.counts)
        var rest = rank
        var block = 0
        while block < blocks.counts.count, rest >= blocks.counts[block] {
            rest -= blocks.counts[block]
            block += 1
        }
        guard block < blocks.counts.count else { return nil }
        var cursor = try transaction.cursor(tables.documents)
        var found = block == 0 ? try cursor.first() : try cursor.seek(atLeast: blocks.separators[block])
        while found {
            if !(try DocumentSummary(decoding: cursor.value)).isDeleted {
                if rest == 0 {
                    var id: [UInt8] = []
                    cursor.appendKey(to: &id)
                    return id
                }
                rest -= 1
            }
            found = try cursor.next()
        }
        return nil
    }
}
