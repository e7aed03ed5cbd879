import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication between databases here")
struct LocalReplicationTests {
    @Test("brings edits made apart together, both ways", arguments: UInt64(1)...5)
    func converges(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let databases = try Databases()
        let names = ["a", "b"]
        let sides = [try databases.create("a"), try databases.create("b")]
        for round in 0..<4 {
            for (number, side) in sides.enumerated() {
                for _ in 0..<30 {
                    try await edit(
                        side,
                        "d\(Int.random(in: 0..<20, using: &random))",
                        "\(number)-\(round)",
                        &random
                    )
                }
            }
            let first = Int.random(in: 0...1, using: &random)
            _ = try await databases.replicate(names[first], names[1 - first])
            _ = try await databases.replicate(names[1 - first], names[first])
            _ = try await databases.replicate(names[first], names[1 - first])
            let contents = try sides[0].contents()
            #expect(contents.count > 5, "seed \(seed)")
            #expect(try sides[1].contents() == contents, "seed \(seed)")
        }
        let branched = try sides[0].contents().values.contains { $0.count > 1 }
        #expect(branched, "the edits should have clashed; seed \(seed)")
    }

    /// Changes, deletes or creates a document, whatever it is now.
    private func edit(
        _ database: Database,
        _ id: String,
        _ mark: String,
        _ random: inout SeededGenerator
    ) async throws {
        let winner = try database.read { snapshot in
            try snapshot.document(DocumentID(id)).flatMap { $0.isDeleted ? nil : $0.winner.revision }
        }
        var members: JSONObject = [
            "by": .string(mark), "n": .number(JSONNumber(Int.random(in: 0..<9, using: &random))),
        ]
        if winner != nil, Int.random(in: 0..<4, using: &random) == 0 { members = ["_deleted": true] }
        try await database.put(id, members, parent: winner)
    }

    @Test("goes on where it stopped, and says so when nothing is new")
    func resumes() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        _ = try databases.create("b")
        for number in 0..<5 { try await source.put("d\(number)", ["n": .number(JSONNumber(number))]) }
        let first = try await databases.replicate("a", "b")
        #expect(first.answer["no_changes"] == nil)
        #expect(first.answer["history"]?[0]?["docs_written"] == 5)
        let again = try await databases.replicate("a", "b")
        #expect(again.answer["no_changes"] == true)
        #expect(again.answer["history"] == first.answer["history"])
        #expect(again.answer["session_id"] == first.answer["session_id"])
        try await source.put("new", [:])
        let third = try await databases.replicate("a", "b")
        #expect(third.answer.names == ["session_id", "source_last_seq", "replication_id_version", "history"])
        #expect(third.answer["history"]?.array?.count == 2)
        // The counts go on; only the new document was looked at.
        #expect(third.answer["history"]?[0]?["missing_checked"] == 6)
        #expect(third.answer["history"]?[0]?["start_last_seq"] == first.answer["source_last_seq"])
    }

    @Test("of an empty database changes nothing and notes nothing")
    func empty() async throws {
        let databases = try Databases()
        _ = try databases.create("a")
        let target = try databases.create("b")
        #expect(try await databases.replicate("a", "b").answer == ["no_changes": true])
        #expect(try target.read { try $0.info.updateSequence } == 0)
    }

    @Test("copies listed documents only")
    func listed() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        for id in ["a", "b", "c"] { try await source.put(id, [:]) }
        let result = try await databases.replicate(
            "a",
            "t",
            configure: { options in
                options.createsTarget = true
                options.selection = .documents(["c", "none", "a"])
            }
        )
        #expect(result.answer["docs_written"] == 2)
        let target = try #require(try databases.folder.open("t"))
        #expect(Set(try target.contents().keys) == ["a", "c"])
    }

    @Test("copies only winners where that is asked for")
    func winners() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        try await clash(source)
        _ = try await databases.replicate("a", "b", configure: { $0.winningRevisionsOnly = true })
        #expect(try target.contents()["x"]?.count == 1)
        _ = try await databases.replicate("a", "b")
        #expect(try target.contents() == source.contents())
    }

    /// Two revisions of `x` that know nothing of each other.
    private func clash(_ database: Database) async throws {
        for revision in ["1-1", "1-2"] {
            let text = #"{"_id":"x","_rev":"\#(revision)"}"#
            let edit = try DocumentEdit.replicated(IncomingDocument(parsing: Array(text.utf8)), id: "x")
            _ = try await database.perform(.edits([edit]))
        }
    }

    @Test("fails with CouchDB's name for a database that isn't there")
    func notThere() async throws {
        let databases = try Databases()
        _ = try databases.create("a")
        await #expect(throws: SettleError(.databaseNotFound, "could not open t")) {
            try await databases.replicate("a", "t")
        }
        await #expect(throws: SettleError(.databaseNotFound, "could not open s")) {
            try await databases.replicate("s", "a")
        }
    }

    @Test("starts after a sequence where there are no notes, and keeps none where none are wanted")
    func sinceSequence() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        try await source.put("old", [:])
        let since = try source.read { try $0.sourceSequence($0.info.updateSequence) }
        try await source.put("new", [:])
        let result = try await databases.replicate(
            "a",
            "b",
            configure: { options in
                options.sinceSequence = since
                options.usesCheckpoints = false
            }
        )
        #expect(Array(try target.contents().keys) == ["new"])
        #expect(result.answer == ["use_checkpoints": false])
        #expect(try await databases.replicate("a", "b").statistics.missingChecked == 2)
    }

    @Test("goes on with new changes until it is stopped")
    func continuous() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        try await source.put("first", [:])
        let replication = try Replication(from: .database(source), to: .database(target)) {
            $0.isContinuous = true
        }
        let run = Task { try await replication.run() }
        var wantedDocuments = 1
        for await status in replication.statuses() where status.state == .idle {
            guard status.statistics.documentsWritten >= wantedDocuments else { continue }
            if wantedDocuments == 3 { break }
            wantedDocuments += 1
            try await source.put("later \(wantedDocuments)", [:])
        }
        replication.stop()
        let result = try await run.value
        #expect(result.wasStopped)
        #expect(try target.contents() == source.contents())
        // What was done was noted: the next run has nothing to do.
        let next = try Replication(from: .database(source), to: .database(target))
        #expect(try await next.run().answer["no_changes"] == true)
    }
}
