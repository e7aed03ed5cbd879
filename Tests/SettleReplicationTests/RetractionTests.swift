import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A copy that retracts")
struct RetractionTests {
    private func pull(_ databases: Databases, _ selector: JSONObject) async throws -> ReplicationResult {
        try await databases.replicate(
            "a",
            "b",
            configure: { options in
                options.selection = .selector(selector)
                options.retracts = true
                options.batchSize = 10
            }
        )
    }

    private func revision(_ database: Database, _ id: DocumentID) throws -> RevisionID {
        try #require(try database.document(id)).revision
    }

    @Test("loses what stops matching, is deleted or purged, and keeps what the source does not know")
    func leaving() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for number in 0..<40 { try await source.put("d\(number)", ["open": true]) }
        #expect(try await pull(databases, ["open": true]).documentsRetracted == 0)
        #expect(try target.contents().count == 40)

        try await source.put("d1", ["open": false], parent: try revision(source, "d1"))
        try await source.delete("d2", try revision(source, "d2"))
        _ = try await source.perform(.purge([("d3", [try revision(source, "d3")])]))
        // Edited here as well, and the source does not know that edit yet.
        try await source.put("d4", ["open": false], parent: try revision(source, "d4"))
        try await target.put("d4", ["open": true, "here": 1], parent: try revision(target, "d4"))
        try await target.put("mine", ["open": false])
        try await target.put("_design/code", ["open": false])

        #expect(try await pull(databases, ["open": true]).documentsRetracted == 3)
        let left = Set(try target.contents().keys)
        #expect(left.isDisjoint(with: ["d1", "d2", "d3"]))
        #expect(left.isSuperset(of: ["d4", "mine", "_design/code", "d0"]))
        #expect(left.count == 39)

        // Once it is there too, nothing is lost any more.
        _ = try await databases.replicate("b", "a")
        _ = try await pull(databases, ["open": true])
        let merged = try #require(try source.document("d4"))
        #expect((try target.document("d4") != nil) == (merged["open"] == true))
        #expect(try target.document("mine") == nil)
        #expect(try source.document("mine") != nil)
    }

    @Test("fetches only the difference when its selector changes, and all of it when that changes back")
    func selectors() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for number in 0..<60 { try await source.put("d\(number)", ["n": .number(JSONNumber(number))]) }
        #expect(try await pull(databases, ["n": ["$lt": 40]]).statistics.documentsWritten == 40)
        let second = try await pull(databases, ["n": ["$gte": 20]])
        #expect(second.statistics.documentsWritten == 20)
        #expect(second.documentsRetracted == 20)
        #expect(try target.contents().count == 40)
        let third = try await pull(databases, ["n": ["$lt": 40]])
        #expect(third.documentsRetracted == 20)
        #expect(try Set(target.contents().keys) == Set((0..<40).map { "d\($0)" }))
        #expect(try await pull(databases, ["n": ["$lt": 40]]).documentsRetracted == 0)
    }

    @Test("works from a source behind a URL, and goes on while it runs")
    func continuous() async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let target = try databases.create("b")
            let source = try server.folder.create("a")
            for number in 0..<10 { try await source.put("d\(number)", ["open": true]) }
            let replication = try Replication(from: .url("\(url)/a"), to: .database(target)) { options in
                options.selection = .selector(["open": true])
                options.retracts = true
                options.isContinuous = true
            }
            var hasClosed = false
            for await status in replication.start() {
                if status.state == .failed { Issue.record("\(String(describing: status.error))") }
                if status.statistics.documentsWritten == 10, !hasClosed {
                    hasClosed = true
                    try await source.put("d5", ["open": false], parent: try revision(source, "d5"))
                    try await source.delete("d6", try revision(source, "d6"))
                }
                if status.documentsRetracted == 2 { replication.stop() }
            }
            #expect(try Set(target.contents().keys) == Set([0, 1, 2, 3, 4, 7, 8, 9].map { "d\($0)" }))
        }
    }

    @Test("loses what is purged while it waits for changes, without any change", arguments: [true, false])
    func purges(isRemote: Bool) async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let target = try databases.create("b")
            let source = try server.folder.create("a")
            for number in 0..<10 { try await source.put("d\(number)", ["open": true]) }
            let side = isRemote ? Replication.Side.url("\(url)/a") : .database(source)
            let replication = try Replication(from: side, to: .database(target)) { options in
                options.selection = .selector(["open": true])
                options.retracts = true
                options.isContinuous = true
                // A third of it passes between two questions after purges.
                options.checkpointInterval = isRemote ? .milliseconds(60) : .seconds(3_600)
            }
            async let end = replication.run()
            try await until("copied") { try target.ids().count == 10 && replication.status.state == .idle }
            for id in ["d3", "d4"] {
                _ = try await source.perform(
                    .purge([(DocumentID(id), [try revision(source, DocumentID(id))])])
                )
                try await until("\(id) is gone") { try !target.ids().contains(id) }
            }
            #expect(try target.ids().count == 8)
            try await until("both are counted") { replication.status.documentsRetracted == 2 }
            replication.stop()
            _ = try await end
            #expect(replication.status.restarts == 0)
        }
    }

    @Test("keeps what a source had that was deleted and made again, until the new one knows it")
    func recreatedSource() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for number in 0..<5 { try await source.put("d\(number)", ["open": true]) }
        _ = try await pull(databases, ["open": true])
        _ = try await databases.folder.delete("a")
        let again = try databases.create("a")
        // One document as it was, one that says something else now, and a new one.
        try await again.put("d0", ["open": true])
        try await again.put("d1", ["open": false])
        try await again.put("new", ["open": true])
        #expect(try await pull(databases, ["open": true]).documentsRetracted == 0)
        #expect(try target.ids() == ["d0", "d1", "d2", "d3", "d4", "new"])
        // A copy that nobody can tell from an edit made here: it leaves when the source has heard of it.
        _ = try await databases.replicate("b", "a")
        try await again.delete("d2", try revision(again, "d2"))
        #expect(try await pull(databases, ["open": true]).documentsRetracted >= 1)
        #expect(try !target.ids().contains("d2"))
        #expect(try target.ids().isSuperset(of: ["d0", "d3", "d4", "new"]))
    }

    @Test("ends like its source's selection after any edits", arguments: UInt64(1)...4)
    func property(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for round in 0..<6 {
            for _ in 0..<30 {
                let id = DocumentID("d\(Int.random(in: 0..<25, using: &random))")
                let old = try source.document(id)?.revision
                switch Int.random(in: 0..<10, using: &random) {
                case 0: if let old { try await source.delete(id, old) }
                case 1:
                    // A purge that overtakes an edit leaves the copy with a revision that nobody can place.
                    if let old, try target.document(id).map({ $0.revision == old }) ?? true {
                        _ = try await source.perform(.purge([(id, [old])]))
                    }
                default:
                    try await source.put(
                        id.text,
                        ["n": .number(JSONNumber(Int.random(in: 0..<9, using: &random)))],
                        parent: old
                    )
                }
            }
            let limit = Int.random(in: 2..<8, using: &random)
            _ = try await pull(databases, ["n": ["$lt": .number(JSONNumber(limit))]])
            let expected = try source.documents().filter { ($0["n"]?.int ?? 99) < limit }
            #expect(try target.documents().map(\.id) == expected.map(\.id), "seed \(seed), round \(round)")
        }
    }
}
