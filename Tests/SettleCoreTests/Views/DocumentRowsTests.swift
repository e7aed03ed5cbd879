import SettleCore
import SettleTestSupport
import Testing

@Suite("The rows an index remembers of a document")
struct DocumentRowsTests {
    /// Random rows in order; ordinals count the rows of one key.
    private func rows(_ generator: inout SeededGenerator) -> [DocumentRow] {
        var rows: [DocumentRow] = []
        for tree in 0..<3 {
            for key in 0..<UInt8(4) {
                for ordinal in 0..<UInt32.random(in: 0...2, using: &generator) {
                    rows.append(
                        DocumentRow(
                            tree: tree,
                            collationKey: Array(repeating: key, count: Int(key) + 1)[...],
                            ordinal: ordinal,
                            hash: UInt64.random(in: 0...2, using: &generator)
                        )
                    )
                }
            }
        }
        return rows
    }

    @Test("An entry reads back as it was written", arguments: 1...20 as ClosedRange<UInt64>)
    func roundTrips(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let rows = rows(&generator)
        #expect(DocumentRows.decode(DocumentRows.encode(rows)) == rows)
    }

    @Test(
        "The changes between two entries turn one into the other and touch nothing else",
        arguments: 1...50 as ClosedRange<UInt64>
    )
    func changes(seed: UInt64) {
        struct Place: Hashable {
            let tree: Int
            let key: [UInt8]
            let ordinal: UInt32
        }
        func place(_ row: DocumentRow) -> Place {
            Place(tree: row.tree, key: Array(row.collationKey), ordinal: row.ordinal)
        }
        var generator = SeededGenerator(seed: seed)
        let old = rows(&generator)
        let new = rows(&generator)
        var stored = Dictionary(uniqueKeysWithValues: old.map { (place($0), $0.hash) })
        let wanted = Dictionary(uniqueKeysWithValues: new.map { (place($0), $0.hash) })
        for change in DocumentRows.changes(from: old, to: new) {
            switch change {
            case .put(let index):
                #expect(stored[place(new[index])] != new[index].hash)
                stored[place(new[index])] = new[index].hash
            case .remove(let index):
                #expect(wanted[place(old[index])] == nil)
                stored[place(old[index])] = nil
            }
        }
        #expect(stored == wanted, "seed \(seed)")
        #expect(DocumentRows.changes(from: new, to: new).isEmpty)
    }

    @Test("Damaged entries are noticed")
    func noticesDamage() {
        let entry = DocumentRows.encode([
            DocumentRow(tree: 1, collationKey: [1, 2, 3], ordinal: 0, hash: 5)
        ])
        for length in 1..<entry.count { #expect(DocumentRows.decode(Array(entry.prefix(length))) == nil) }
        #expect(DocumentRows.decode([1] + [UInt8](repeating: 0, count: 8)) == nil)
    }
}
