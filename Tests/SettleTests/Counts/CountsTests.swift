import SettleCore
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Counts")
struct CountsTests {
    @Test("Ranks and pending counts equal what a scan counts", arguments: [1, 2, 3] as [UInt64])
    func againstScan(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let test = try TestDatabase()
        var revisions: [DocumentID: RevisionID] = [:]
        for round in 0..<6 {
            var edits: [DocumentEdit] = []
            for index in 0..<900 {
                let id = DocumentID("\(UInt64.random(in: 0..<100_000, using: &generator))-\(round)-\(index)")
                edits.append(try test.edit(id, "{}"))
            }
            for (id, revision) in revisions.shuffled(using: &generator).prefix(round * 200) {
                edits.append(try test.edit(id, #"{"_deleted":true}"#, parent: revision))
                revisions[id] = nil
            }
            for (edit, outcome) in zip(edits, try test.write(edits)) where !edit.isDeleted {
                revisions[edit.id] = outcome.revision
            }
        }
        let ids = revisions.keys.sorted()
        try test.database.read { snapshot in
            for _ in 0..<50 {
                let rank = Int.random(in: 0..<ids.count, using: &generator)
                #expect(try snapshot.liveDocuments(before: ids[rank]) == rank, "seed \(seed)")
                #expect(try snapshot.liveDocument(at: rank) == ids[rank], "seed \(seed)")
            }
            #expect(try snapshot.liveDocument(at: ids.count) == nil)
            let last = try snapshot.state.sequence
            for _ in 0..<50 {
                let sequence = UInt64.random(in: 0...last, using: &generator)
                #expect(
                    try snapshot.changes(after: sequence) == test.changes(after: sequence).count,
                    "seed \(seed)"
                )
            }
            #expect(try DocumentCounts(snapshot.transaction, snapshot.tables.counts).separators.count > 1)
        }
        #expect(try test.database.check() == [])
    }

    @Test("A separator is the shortest text between two ids")
    func separators() {
        #expect(
            DocumentCounts.separator(between: Array("abc".utf8), and: Array("abq".utf8)) == Array("abq".utf8)
        )
        #expect(DocumentCounts.separator(between: Array("abc".utf8), and: Array("b".utf8)) == Array("b".utf8))
        #expect(
            DocumentCounts.separator(between: Array("ab".utf8), and: Array("abcd".utf8)) == Array("abc".utf8)
        )
        let long = [UInt8](repeating: 97, count: 500)
        #expect(DocumentCounts.separator(between: long, and: long + [98]) == nil)
    }
}
