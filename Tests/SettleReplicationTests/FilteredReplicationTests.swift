import Settle
import SettleCore
import Testing

@testable import SettleReplication

@Suite("A replication of some documents")
struct FilteredReplicationTests {
    private func fill(_ database: Database) async throws {
        for number in 0..<700 {
            try await database.put(
                "d\(number)",
                ["n": .number(JSONNumber(number)), "even": .bool(number % 2 == 0)]
            )
        }
    }

    @Test("copies what a selector describes, and later what has come to match")
    func selector() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        try await fill(source)
        let selection = ReplicationOptions.Selection.selector(["even": true, "n": ["$gte": 600]])
        let first = try await databases.replicate(
            "a",
            "b",
            configure: { options in
                options.selection = selection
                options.batchSize = 20
            }
        )
        #expect(first.statistics.documentsWritten == 50)
        #expect(try target.contents().count == 50)
        let revision = try #require(try source.document("d1")).revision
        try await source.put("d1", ["even": true, "n": 1_000], parent: revision)
        let second = try await databases.replicate("a", "b", configure: { $0.selection = selection })
        #expect(second.statistics.documentsWritten == 51)
        #expect(try target.document("d1")?["n"]?.int == 1_000)
        #expect(
            try await databases.replicate("a", "b", configure: { $0.selection = selection }).answer[
                "no_changes"
            ] == true
        )
    }

    @Test("copies of a document only the leaves that match")
    func leaves() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for (revision, kind) in [("1-a", "x"), ("1-b", "y"), ("1-c", "x")] {
            let text = #"{"_id":"doc","_rev":"\#(revision)","kind":"\#(kind)"}"#
            let document = try IncomingDocument(parsing: Array(text.utf8))
            _ = try await source.perform(.edits([try .replicated(document, id: "doc")]))
        }
        _ = try await databases.replicate("a", "b", configure: { $0.selection = .selector(["kind": "x"]) })
        let leaves = try target.read { try $0.document("doc")?.head.leaves.count }
        #expect(leaves == 2)
    }

    @Test("copies what a function of the app accepts, under the function's version")
    func closure() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        try await fill(source)
        let filter = DocumentFilter(version: "1") { ($0["n"]?.int ?? 0) < 10 }
        let result = try await Replication(from: source.side, to: target.side, filter: filter).run()
        #expect(result.statistics.documentsWritten == 10)
        #expect(try target.contents().count == 10)
        let wider = DocumentFilter(version: "2") { ($0["n"]?.int ?? 0) < 20 }
        _ = try await Replication(from: source.side, to: target.side, filter: wider).run()
        #expect(try target.contents().count == 20)
    }

    @Test("a selector that makes no sense is refused before anything begins")
    func nonsense() throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        #expect(throws: SettleError(.invalidOperator, "Invalid operator: $bad")) {
            try Replication(from: source.side, to: target.side) {
                $0.selection = .selector(["a": ["$bad": 1]])
            }
        }
        #expect(throws: SettleError.self) {
            try Replication(from: source.side, to: target.side) { $0.retracts = true }
        }
    }

    @Test("begins anew where the source was set back")
    func rewound() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        try await fill(source)
        _ = try await databases.replicate("a", "b")
        // The same notes on both sides, and a source whose sequences have not come as far.
        let notes = try source.read { snapshot in
            var cursor = try snapshot.localCursor()
            #expect(try cursor.first())
            return (cursor.id, try #require(try snapshot.localDocument(cursor.id)).body)
        }
        _ = try await databases.folder.delete("a")
        let restored = try databases.create("a")
        try await restored.put("only", [:])
        _ = try await restored.perform(.local(notes.0, body: notes.1, revision: nil))
        let result = try await databases.replicate("a", "b")
        #expect(result.wasStopped == false)
        #expect(try target.document("only") != nil)
    }

    @Test("tries refused documents again when asked to")
    func retry() async throws {
        var replicator = Replicator(.init(), from: .zero)
        let rows = ["a", "b"].map {
            ChangedDocument(id: DocumentID($0), revisions: [RevisionID(1, .init(high: 0, low: 1))])
        }
        _ = replicator.start()
        let end = SourceSequence(json: Array("2".utf8))
        _ = replicator.changesRead(
            ChangesPage(rows: rows, lastRowSequence: end, lastSequence: end, pending: 0)
        )
        let wanted = rows.map { WantedRevision(id: $0.id, revision: $0.revisions[0]) }
        _ = replicator.compared(1, missing: wanted)
        let documents = wanted.map {
            FetchedDocument(id: $0.id, revision: $0.revision, json: Array("{}".utf8)[...])
        }
        _ = replicator.fetched(2, FetchAnswer(documents: documents))
        let refusal = WriteRejection(id: "a", revision: wanted[0].revision, name: "forbidden", reason: "no")
        var settings = Replicator.Settings()
        settings.isContinuous = true
        #expect(
            replicator.written(3, rejected: [refusal]).contains {
                if case .saveCheckpoint = $0 { true } else { false }
            }
        )
        #expect(replicator.failures.map(\.id) == ["a"])

        var live = Replicator(settings, from: .zero)
        _ = live.start()
        _ = live.changesRead(ChangesPage(rows: rows, lastRowSequence: end, lastSequence: end, pending: 0))
        _ = live.compared(1, missing: wanted)
        _ = live.fetched(2, FetchAnswer(documents: documents))
        _ = live.written(3, rejected: [refusal])
        #expect(live.statistics.documentWriteFailures == 1)
        let again = live.retryFailures()
        #expect(again.contains(.perform(4, .compare([rows[0]]), delay: .zero)))
        #expect(live.failures.isEmpty)
        #expect(live.statistics.documentWriteFailures == 0)
        _ = live.compared(4, missing: [wanted[0]])
        _ = live.fetched(5, FetchAnswer(documents: [documents[0]]))
        _ = live.written(6, rejected: [])
        #expect(live.failures.isEmpty)
        #expect(live.through == end)
    }
}

extension Database {
    fileprivate var side: Replication.Side { .database(self) }
}
