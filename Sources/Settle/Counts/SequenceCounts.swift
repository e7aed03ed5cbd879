// How many rows of `changes` lie in each block of 1,024 sequences.
//
// `_changes` reports how many rows are still to come (`pending`). Counting them would read them; instead each block of
// sequences keeps its number of rows, so the answer is a short sum: the rest of one block, and the blocks after it.

import SettleCore
import SettleStorage

/// The changes that one transaction makes to the counts, kept until its end: a batch touches each block once.
struct SequenceCounts {
    /// Sequences a block holds.
    static let width: UInt64 = 1024

    private var deltas: [UInt64: Int] = [:]

    static func key(_ block: UInt64) -> [UInt8] {
        var key: [UInt8] = [UInt8(ascii: "c")]
        key.appendBigEndian(block)
        return key
    }

    mutating func add(_ count: Int, at sequence: UInt64) {
        deltas[sequence / Self.width, default: 0] += count
    }

    func write(_ transaction: borrowing WriteTransaction, _ table: Table) throws {
        for (block, delta) in deltas where delta != 0 {
            let key = Self.key(block)
            let count = try Self.count(transaction.reading, table, key) + delta
            if count > 0 {
                var bytes: [UInt8] = []
                appendVarint(UInt64(count), to: &bytes)
                try transaction.put(table, key, bytes)
            } else {
                _ = try transaction.delete(table, key)
            }
        }
    }

    private static func count(
        _ transaction: borrowing ReadTransaction,
        _ table: Table,
        _ key: [UInt8]
    ) throws -> Int {
        guard let value = try transaction.value(table, key) else { return 0 }
        var offset = 0
        return Int(try value.varint(&offset))
    }

    /// The number of rows of `changes` whose sequence is greater than `sequence`.
    static func rows(
        after sequence: UInt64,
        _ transaction: borrowing ReadTransaction,
        _ tables: Tables
    ) throws -> Int {
        let block = sequence / width
        var total = 0
        var counts = try transaction.cursor(tables.counts)
        var found = try counts.seek(atLeast: key(block + 1))
        while found, counts.key.count == 9, counts.key[0] == UInt8(ascii: "c") {
            var offset = 0
            total += Int(try counts.value.varint(&offset))
            found = try counts.next()
        }
        var rows = try transaction.cursor(tables.changes)
        found = try rows.seek(atLeast: sequence + 1)
        while found, rows.integerKey / width == block {
            total += 1
            found = try rows.next()
        }
        return total
    }
}
