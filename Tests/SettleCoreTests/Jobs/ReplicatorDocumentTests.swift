import SettleCore
import Testing

@Suite("A document of a replicator database")
struct ReplicatorDocumentTests {
    private let asking: JSONObject = ["_id": "x", "source": "http://a/b", "target": "http://c/d"]

    @Test(
        "is told by the name of the database",
        arguments: [
            ("_replicator", true), ("a/_replicator", true), ("a/b/_replicator", true), ("replicator", false),
            ("a_replicator", false), ("_replicator/a", false), ("_replicators", false),
        ]
    )
    func names(name: String, isReplicator: Bool) {
        #expect(ReplicatorDocument.isReplicator(database: name) == isReplicator)
    }

    @Test("asks for a job until it says how that ended")
    func states() {
        guard case .job(let options, let user) = ReplicatorDocument(asking) else {
            Issue.record("asks for nothing")
            return
        }
        #expect(options.source.description == "http://a/b/" && user == nil)
        var ended = asking
        for state in ["completed", "failed"] {
            ended["_replication_state"] = .string(state)
            #expect(ReplicatorDocument(ended) == .ended(state: state))
        }
        // What older replicators wrote while a job ran.
        ended["_replication_state"] = "triggered"
        #expect(ReplicatorDocument(ended) == .job(options, user: nil))
        var other = asking
        other["user_ctx"] = ["name": "bob", "roles": []]
        #expect(ReplicatorDocument(other) == .job(options, user: "bob"))
        #expect(
            ReplicatorDocument(["source": "http://a/b"]) == .malformed(reason: "Missing replicator database")
        )
    }

    @Test("gets an owner when it is written, and is refused when it can't become a job")
    func checking() throws {
        #expect(try ReplicatorDocument.checked(asking, writtenBy: "bob")["owner"] == "bob")
        #expect(try ReplicatorDocument.checked(asking, writtenBy: nil)["owner"]?.isNull == true)
        var owned = asking
        owned["owner"] = "ann"
        #expect(try ReplicatorDocument.checked(owned, writtenBy: "bob")["owner"] == "ann")
        owned["continuous"] = "yes"
        #expect(throws: SettleError(.forbidden, "parameter `continuous` must be a boolean")) {
            try ReplicatorDocument.checked(owned, writtenBy: "bob")
        }
        owned["_replication_state"] = "failed"
        #expect(try ReplicatorDocument.checked(owned, writtenBy: "bob")["owner"] == "ann")
    }

    @Test("is told how its job ended, and lists that")
    func endings() throws {
        let done = ReplicatorDocument.adding(
            .completed(id: "abc", statistics: ["docs_written": 3, "start_time": "t"]),
            to: asking,
            at: 1_700_000_000
        )
        #expect(done["_replication_state"] == "completed")
        #expect(done["_replication_state_time"] == "2023-11-14T22:13:20Z")
        #expect(done["_replication_id"] == "abc")
        let listed = try #require(ReplicatorDocument.listing(done, database: "_replicator", node: "n"))
        #expect(
            listed["info"]?["docs_written"] == 3 && listed["start_time"] == "t" && listed["doc_id"] == "x"
        )
        // The same state again keeps its time.
        let again = ReplicatorDocument.adding(.completed(id: "abc", statistics: [:]), to: done, at: 0)
        #expect(again["_replication_state_time"] == "2023-11-14T22:13:20Z")
        let failed = ReplicatorDocument.adding(.failed(reason: "no"), to: done, at: 0)
        #expect(failed["_replication_state_reason"] == "no" && failed["_replication_stats"] == nil)
        #expect(failed["_replication_state_time"] == "1970-01-01T00:00:00Z")
        let shown = ReplicatorDocument.listing(failed, database: "_replicator", node: "n")
        #expect(shown?["info"] == ["error": "no"] && shown?["error_count"] == 1)
        #expect(ReplicatorDocument.listing(asking, database: "_replicator", node: "n") == nil)
    }
}
