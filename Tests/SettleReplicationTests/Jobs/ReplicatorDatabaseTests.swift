import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("Replicator databases")
struct ReplicatorDatabaseTests {
    private let databases: Databases
    private let jobs: ReplicationJobs
    private let replicator: Database

    init() throws {
        databases = try Databases()
        jobs = ReplicationJobs(folder: databases.folder, serverUUID: databases.folder.uuid)
        replicator = try databases.create("_replicator")
    }

    private func documentState(_ id: DocumentID, in database: String = "_replicator") throws -> JSONValue? {
        try jobs.document(id, of: database)
    }

    /// Waits until a document's entry is as it should be, which other threads see to.
    private func until(
        _ id: DocumentID,
        in database: String = "_replicator",
        _ condition: (JSONValue?) -> Bool
    ) async throws -> JSONValue? {
        for _ in 0..<2_000 {
            let state = try documentState(id, in: database)
            if condition(state) { return state }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("\(id) stays \(try documentState(id, in: database)?.text ?? "away")")
        return nil
    }

    private func isState(_ name: String) -> (JSONValue?) -> Bool { { $0?["state"]?.string == name } }

    @Test("make a job of a document, and write into it that it is complete")
    func once() async throws {
        let source = try databases.create("a")
        try await source.put("x", ["n": 1])
        try await replicator.put("job", ["source": "a", "target": "b", "create_target": true])
        jobs.start()
        let state = try #require(try await until("job", isState("completed")))
        #expect(state["info"]?["docs_written"] == 1)
        #expect(try databases.folder.open("b")?.contents() == source.contents())
        let document = try replicator.read { snapshot in try snapshot.object("job") }
        #expect(document?["_replication_state"] == "completed")
        #expect(document?["_replication_id"] == nil)
        #expect(document?["source"] == "a")
        #expect(jobs.jobList().isEmpty)
        await jobs.shutdown()
    }

    @Test("run a continuous job until its document is deleted")
    func continuous() async throws {
        let source = try databases.create("a")
        let target = try databases.create("b")
        jobs.start()
        let revision = try await replicator.put("job", ["source": "a", "target": "b", "continuous": true])
        _ = try await until("job") { $0?["state"] == "running" && $0?["info"]?["docs_written"] == 0 }
        #expect(jobs.activeTasks().first?["doc_id"] == "job")
        try await source.put("x", [:])
        _ = try await until("job") { $0?["info"]?["docs_written"] == 1 }
        #expect(try target.contents() == source.contents())
        try await replicator.put("job", ["_deleted": true], parent: revision)
        _ = try await until("job") { $0 == nil }
        for _ in 0..<1_000 where !jobs.jobList().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(jobs.jobList().isEmpty)
        await jobs.shutdown()
    }

    @Test("replace the job when the document asks for something else, and leave it alone when it does not")
    func update() async throws {
        for name in ["a", "b", "c"] { _ = try databases.create(name) }
        jobs.start()
        let first = try await replicator.put("job", ["source": "a", "target": "b", "continuous": true])
        let before = try #require(try await until("job", isState("running")))
        let second = try await replicator.put(
            "job",
            ["source": "a", "target": "b", "continuous": true, "note": "the same"],
            parent: first
        )
        try await replicator.put(
            "job",
            ["source": "a", "target": "c", "continuous": true, "note": "another"],
            parent: second
        )
        let after = try #require(try await until("job") { $0?["state"] == "running" && $0?["target"] == "c" })
        #expect(before["id"] != after["id"])
        #expect(jobs.jobList().filter { $0["target"] == "c" }.count == 1)
        await jobs.shutdown()
    }

    @Test("fail what can't be done, and the second document that asks for the same")
    func failures() async throws {
        _ = try databases.create("a")
        _ = try databases.create("b")
        jobs.start()
        try await replicator.put("bad", ["source": "a"])
        let bad = try await until("bad", isState("failed"))
        #expect(bad?["info"] == ["error": "Missing replicator database"])
        try await replicator.put("one", ["source": "a", "target": "b", "continuous": true])
        _ = try await until("one", isState("running"))
        try await replicator.put("two", ["source": "a", "target": "b", "continuous": true])
        let two = try await until("two", isState("failed"))
        let reason = try #require(two?["info"]?["error"]?.string)
        #expect(reason.contains("already started, triggered by document `one` from db `_replicator`"))
        let list = try jobs.documents(
            of: "_replicator",
            states: ["failed"],
            skip: 0,
            limit: 9,
            isDescending: true
        )
        #expect(list["docs"]?.array?.map { $0["doc_id"] } == ["two", "bad"])
        #expect(list["total_rows"] == 3)
        await jobs.shutdown()
    }

    @Test("keep trying where a database is missing, and say why")
    func crashing() async throws {
        _ = try databases.create("a")
        let clock = ManualClock()
        let jobs = ReplicationJobs(folder: databases.folder, serverUUID: "u", clock: clock)
        try await replicator.put("job", ["source": "a", "target": "none"])
        jobs.start()
        func state() async throws -> JSONValue? {
            for _ in 0..<2_000 {
                let state = try jobs.document("job", of: "_replicator")
                if state?["state"] == "crashing" || state?["state"] == "completed" { return state }
                try await Task.sleep(for: .milliseconds(5))
            }
            return nil
        }
        let crashed = try #require(try await state())
        #expect(crashed["error_count"] == 1)
        #expect(crashed["info"] == ["error": "db_not_found: could not open none"])
        _ = try databases.create("none")
        clock.advance(by: 30_000)
        var last = try await state()
        for _ in 0..<2_000 where last?["state"] != "completed" {
            try await Task.sleep(for: .milliseconds(5))
            last = try await state()
        }
        #expect(last?["state"] == "completed")
        await jobs.shutdown()
    }

    @Test("bring jobs back after a restart, from where they were")
    func restart() async throws {
        let source = try databases.create("a")
        _ = try databases.create("b")
        try await source.put("x", [:])
        try await replicator.put("job", ["source": "a", "target": "b", "continuous": true])
        jobs.start()
        _ = try await until("job") { $0?["info"]?["docs_written"] == 1 }
        await jobs.shutdown()
        try await source.put("y", [:])
        let again = ReplicationJobs(folder: databases.folder, serverUUID: databases.folder.uuid)
        again.start()
        var state: JSONValue?
        for _ in 0..<2_000 where state?["info"]?["docs_written"] != 2 {
            try await Task.sleep(for: .milliseconds(5))
            state = try again.document("job", of: "_replicator")
        }
        // The counts go on, so the second session began where the first one had ended.
        #expect(state?["info"]?["docs_read"] == 2)
        await again.shutdown()
    }

    @Test("are found under any name that ends in /_replicator, and forgotten with their database")
    func otherDatabases() async throws {
        _ = try databases.create("a")
        _ = try databases.create("b")
        jobs.start()
        let other = try databases.create("team/_replicator")
        try await other.put("job", ["source": "a", "target": "b", "continuous": true])
        _ = try await until("job", in: "team/_replicator", isState("running"))
        #expect(jobs.jobList().first?["database"] == "team/_replicator")
        _ = try await databases.folder.delete("team/_replicator")
        for _ in 0..<2_000 where !jobs.jobList().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(jobs.jobList().isEmpty)
        await jobs.shutdown()
    }

    @Test("take turns where only one may run, and come back for news of a local source")
    func turns() async throws {
        var limits = ReplicationScheduler.Limits()
        limits.maximumJobs = 1
        jobs.configure(limits, shares: [:])
        for number in 0..<4 {
            _ = try databases.create("s\(number)")
            _ = try databases.create("t\(number)")
            let document: JSONObject = [
                "source": .string("s\(number)"), "target": .string("t\(number)"), "continuous": true,
            ]
            try await replicator.put("job\(number)", document)
        }
        jobs.start()
        // Each has its turn, without the minute that a cycle takes: idle jobs watch their sources.
        for number in 0..<4 {
            _ = try await until(DocumentID("job\(number)")) { $0?["info"]?["docs_written"] == 0 }
        }
        for number in 0..<4 { try await databases.folder.open("s\(number)")?.put("x", [:]) }
        for number in 0..<4 {
            _ = try await until(DocumentID("job\(number)")) { $0?["info"]?["docs_written"] == 1 }
        }
        #expect(jobs.activeTasks().count <= 4)
        await jobs.shutdown()
    }
}
