import SettleCore
import SettleTestSupport
import Testing

@Suite("Where rows stand")
struct ViewRowKeyTests {
    private func key(_ collated: [UInt8], _ id: [UInt8], _ ordinal: UInt32) -> [UInt8] {
        var key = collated
        ViewRowKey.append(documentID: id, to: &key)
        ViewRowKey.append(ordinal: ordinal, to: &key)
        return key
    }

    @Test("Rows sort by key, then by the bytes of the id, then by ordinal")
    func sorts() {
        let ids: [[UInt8]] = [
            [0], [0, 0], [0, 1], [1], [1, 0], [1, 0, 0], [1, 1], [97], [97, 0], [97, 0, 97], [97, 97],
        ]
        var rows: [[UInt8]] = []
        for collated in [[1], [2]] as [[UInt8]] {
            for id in ids {
                for ordinal in [0, 1, 255, 256] as [UInt32] { rows.append(key(collated, id, ordinal)) }
            }
        }
        for index in rows.indices.dropFirst() {
            #expect(
                rows[index - 1].lexicographicallyPrecedes(rows[index]),
                "\(rows[index - 1]) \(rows[index])"
            )
        }
    }

    @Test("A bound lies right before or after the rows of a key, or of a document under it")
    func bounds() {
        let before = key([1], [98], 3)
        let row = key([2], [97], 7)
        let after = key([2], [97, 0], 0)
        #expect(before.lexicographicallyPrecedes(ViewRowKey.start([2])))
        #expect(ViewRowKey.start([2]).lexicographicallyPrecedes(row))
        #expect(ViewRowKey.start([2], "a").lexicographicallyPrecedes(row))
        #expect(row.lexicographicallyPrecedes(ViewRowKey.end([2], "a")))
        #expect(ViewRowKey.end([2], "a").lexicographicallyPrecedes(after))
        #expect(after.lexicographicallyPrecedes(ViewRowKey.end([2])))
        #expect(row.lexicographicallyPrecedes(ViewRowKey.after(row)))
        #expect(ViewRowKey.after(row).lexicographicallyPrecedes(key([2], [97], 8)))
    }
}
