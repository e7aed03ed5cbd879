import Settle
import SettleCore
import Testing

@testable import SettleReplication

@Suite("The replications of a server")
struct ReplicationJobsTests {
    private let databases: Databases
    private let jobs: ReplicationJobs

    init() throws {
        databases = try Databases()
        jobs = ReplicationJobs(folder: databases.folder, serverUUID: databases.folder.uuid)
    }

    @Test("answer a single run with its history")
    func once() async throws {
        let source = try databases.create("a")
        try await source.put("x", ["n": 1])
        let (status, body) = try await jobs.replicate(
            body: ["source": "a", "target": "b", "create_target": true])
        #expect(status == 200)
        #expect(
            body.object?.names == [
                "ok", "session_id", "source_last_seq", "replication_id_version", "history",
            ]
        )
        #expect(try databases.folder.open("b")?.contents() == source.contents())
        #expect(jobs.activeTasks().isEmpty)
    }

    @Test("answer a failure with status 500 and its reason")
    func failure() async throws {
        _ = try databases.create("a")
        let (status, body) = try await jobs.replicate(body: ["source": "a", "target": "none"])
        #expect(status == 500)
        #expect(body == ["error": "db_not_found", "reason": "could not open none"])
    }

    @Test("show a continuous run, which starts once, until it is cancelled")
    func continuous() async throws {
        _ = try databases.create("a")
        _ = try databases.create("b")
        let body: JSONValue = ["source": "a", "target": "b", "continuous": true]
        let (status, answer) = try await jobs.replicate(body: body)
        #expect(status == 202)
        #expect(try await jobs.replicate(body: body).body == answer)
        let id = try #require(answer["_local_id"])
        #expect(id.string?.hasSuffix("+continuous") == true)
        #expect(jobs.activeTasks().map { $0["replication_id"] } == [id])
        #expect(jobs.activeTasks().first?["type"] == "replication")
        #expect(jobs.jobList().map { $0["id"] } == [id])
        let cancelled = try await jobs.replicate(body: ["_local_id": id, "cancel": true])
        #expect(cancelled.body == ["ok": true, "_local_id": id])
        #expect(jobs.activeTasks().isEmpty)
        await #expect(throws: SettleError(.notFound)) {
            try await jobs.replicate(body: ["replication_id": id, "cancel": true])
        }
    }

    @Test("are cancelled by the body that started them, and by shutting down")
    func cancelledBySameBody() async throws {
        _ = try databases.create("a")
        _ = try databases.create("b")
        let body: JSONObject = ["source": "a", "target": "b", "continuous": true]
        _ = try await jobs.replicate(body: .object(body))
        var cancel = body
        cancel["cancel"] = true
        #expect(try await jobs.replicate(body: .object(cancel)).status == 200)
        #expect(jobs.jobList().isEmpty)
        _ = try await jobs.replicate(body: .object(body))
        await jobs.shutdown()
        #expect(jobs.jobList().isEmpty)
    }
}
