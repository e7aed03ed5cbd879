import SettleCore
import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Compaction")
struct CompactionTests {
    @Test("It forgets the bodies of old revisions and keeps those of all leaves")
    func forgets() async throws {
        let test = try TestDatabase()
        let first = try #require(try test.put("a", #"{"n":1}"#).revision)
        try test.put("a", #"{"n":2}"#, parent: first)
        #expect(try test.get("a", revision: first.text) != nil)
        try await test.database.compact()
        #expect(try test.get("a", revision: first.text) == nil)
        #expect(try test.get("a")?.contains(#""n":2"#) == true)
        #expect(try test.get("a", .revisionsInfo)?.contains(#""status":"missing""#) == true)
        #expect(try test.database.check() == [])
    }

    @Test("While another process compacts, it leaves the next generation's file alone")
    func otherProcess() async throws {
        let test = try TestDatabase()
        try test.put("a", #"{"n":1}"#)
        let lock = try FileLock(path: "\(test.database.directory)/compaction.lock")
        #expect(try lock.tryLock())
        try await test.database.compact()
        #expect(try test.database.environment().generation == 1)
        lock.unlock()
        try await test.database.compact()
        #expect(try test.database.environment().generation == 2)
        #expect(try test.database.check() == [])
    }

    @Test("What is written, deleted and purged while it runs is in the new file")
    func duringWrites() async throws {
        let test = try TestDatabase()
        for start in stride(from: 0, to: 4000, by: 500) {
            _ = try test.write(
                (start..<start + 500).map { try test.edit(DocumentID("old\($0)"), #"{"n":\#($0)}"#) }
            )
        }
        let database = test.database
        async let compactions: Void = {
            for _ in 0..<5 { try await database.compact() }
        }()
        var acknowledged: [DocumentID: RevisionID] = [:]
        for index in 0..<600 {
            let id = DocumentID("new\(index)")
            acknowledged[id] = try test.put(id, #"{"n":\#(index)}"#).revision
            if index % 7 == 0 {
                let old = try database.read { try $0.document(DocumentID("old\(index)"))?.winner.revision }
                _ = try database.performBlocking(.purge([(DocumentID("old\(index)"), [try #require(old)])]))
            } else if index % 5 == 0 {
                let old = try database.read { try $0.document(DocumentID("old\(index)"))?.winner.revision }
                try test.put(DocumentID("old\(index)"), #"{"_deleted":true}"#, parent: old)
            }
            let local = DocumentID("_local/c\(index % 9)")
            _ = try database.performBlocking(.local(local, body: Array("{}".utf8), revision: nil))
        }
        try await compactions
        for (id, revision) in acknowledged {
            #expect(try test.get(id)?.contains(revision.text) == true, "\(id)")
        }
        #expect(try database.read { try $0.document("old7") == nil })
        #expect(try database.read { try $0.document("old5")?.isDeleted } == true)
        #expect(try database.read { try $0.localDocument("_local/c8")?.revision } == 1)
        let generation = try database.environment().generation
        #expect(try await test.generations([generation]) == [generation])
        #expect(try database.check() == [])
    }

    @Test(
        "Documents that were purged while it runs stay away, also where more were purged than are remembered"
    )
    func forgottenPurges() throws {
        let test = try TestDatabase()
        let ids = (0..<6).map { DocumentID("\($0)") }
        for id in ids + ["kept"] { try test.put(id, #"{"n":1}"#) }
        _ = try test.database.performBlocking(.purgedInfosLimit(2))
        let draft = try CompactionDraft(copying: try test.database.environment())
        for id in ids {
            let revision = try test.database.read { try $0.document(id)?.winner.revision }
            _ = try test.database.performBlocking(.purge([(id, [try #require(revision)])]))
        }
        try test.put(ids[0], #"{"n":2}"#)
        try test.database.finish(draft)
        #expect(try test.database.environment().generation == 2)
        #expect(try test.ids() == ["0", "kept"])
        #expect(try test.database.check() == [])
    }

    @Test(
        "A draft that another compaction was faster than is given up, and so is one of a killed process"
    )
    func drafts() async throws {
        let test = try TestDatabase()
        try test.put("a", #"{"n":1}"#)
        let draft = try CompactionDraft(copying: try test.database.environment())
        let faster = try CompactionDraft(copying: try test.database.environment())
        #expect(throws: StorageError.noSuchFile) { try test.database.finish(draft) }
        try test.database.finish(faster)
        try test.put("b", #"{"n":2}"#)
        let path = "\(test.database.directory)/documents-3.draft-dead"
        try FileSystem.replaceFile(path, with: [1, 2, 3])
        try await test.database.compact()
        #expect(!FileSystem.exists(path))
        #expect(try await test.generations([3]) == [3])
        #expect(try test.ids() == ["a", "b"])
        #expect(try test.database.check() == [])
    }

    @Test("Ordinary writes forget old bodies beyond the retention")
    func retention() throws {
        let test = try TestDatabase()
        let filler = String(repeating: "x", count: 20_000)
        var revision: RevisionID?
        for index in 0..<200 {
            revision = try test.put("a", #"{"n":\#(index),"x":"\#(filler)"}"#, parent: revision).revision
        }
        let state = try test.database.read { try $0.state }
        #expect(state.supersededBytes <= 1 << 20)
        #expect(state.supersededBytes > 900_000)
        #expect(try test.database.check() == [])
    }

    // A deletion that came while a compaction still held the file it had retired asked for the file again and again,
    // got the retired one each time, and never ended.
    @Test("A database can be deleted while it is compacted")
    func deletion() async throws {
        for round in 0..<40 {
            let test = try TestDatabase()
            _ = try test.write((0..<50).map { try test.edit(DocumentID("\($0)"), #"{"round":\#(round)}"#) })
            let database = test.database
            async let compaction: Void? = try? await database.compact()
            if round % 2 == 0 { await Task.yield() }
            try await database.delete()
            _ = await compaction
            #expect(throws: Database.doesNotExist) { try database.read { _ in } }
        }
    }
}
