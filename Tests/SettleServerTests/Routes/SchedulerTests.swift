import Settle
import SettleCore
import SettleServer
import Testing

@Suite("Replication jobs over HTTP")
struct SchedulerTests {
    @Test("documents of replicator databases are checked, owned, run and listed")
    func documents() async throws {
        try await TestServer.run({ $0.administrator = .init(name: "bob", password: "pw") }) { server in
            let credentials = [("Authorization", "Basic Ym9iOnB3"), ("Content-Type", "application/json")]
            func send(_ method: String, _ target: String, _ body: String = "") async throws -> TestResponse {
                try await server.send(method, target, body, headers: credentials)
            }
            #expect(try await send("GET", "/_replicator").status == 200)
            #expect(try await send("GET", "/_users").status == 200)
            #expect(try await send("PUT", "/a").status == 201)
            #expect(try await send("PUT", "/a/x", "{}").status == 201)
            let refused = try await send("PUT", "/_replicator/job", #"{"source":"a"}"#)
            #expect(refused.status == 403)
            #expect(try refused.json["reason"] == "Missing replicator database")
            let here = "http://bob:pw@127.0.0.1:\(server.port)"
            let job = #"{"source":"\#(here)/a","target":"\#(here)/b","create_target":true}"#
            #expect(try await send("PUT", "/_replicator/job", job).status == 201)
            let bulk = try await send(
                "POST",
                "/_replicator/_bulk_docs",
                #"{"docs":[{"_id":"d","source":5}]}"#
            )
            #expect(bulk.status == 403)
            #expect(try await send("PUT", "/_replicator/_design/d", "{}").status == 201)
            var state: JSONValue?
            for _ in 0..<1_000 where state?["state"] != "completed" {
                try await Task.sleep(for: .milliseconds(5))
                state = try await send("GET", "/_scheduler/docs/_replicator/job").json
            }
            #expect(state?["source"]?.string == "http://127.0.0.1:\(server.port)/a/")
            #expect(state?["info"]?["docs_written"] == 1 && state?["node"] == nil)
            let stored = try await send("GET", "/_replicator/job").json
            #expect(stored["owner"] == "bob" && stored["_replication_state"] == "completed")
            let list = try await send("GET", "/_scheduler/docs").json
            #expect(list["total_rows"] == 1 && list["docs"]?.array?.count == 1)
            #expect(try await send("GET", "/_scheduler/docs?states=running").json["docs"] == [])
            #expect(try await send("GET", "/_scheduler/docs?states=resting").status == 400)
            #expect(try await send("GET", "/_scheduler/docs/_replicator/none").status == 404)
        }
    }

    @Test("a slash in a replicator database's name may stand as it is, and settings hold at once")
    func namesAndSettings() async throws {
        try await TestServer.run { server in
            for name in ["a", "b", "c", "team%2F_replicator"] {
                #expect(try await server.send("PUT", "/\(name)").status == 201)
            }
            let setting = "/_node/_local/_config/replicator/max_jobs"
            #expect(try await server.send("PUT", setting, "\"0\"").status == 200)
            let document = #"{"source":"a","target":"b","continuous":true}"#
            #expect(try await server.send("PUT", "/team%2F_replicator/job", document).status == 201)
            var states: Set<String> = []
            for path in ["team%2F_replicator/job", "team/_replicator/job"] {
                var state: JSONValue?
                for _ in 0..<1_000 where state?["state"] != "pending" {
                    try await Task.sleep(for: .milliseconds(5))
                    state = try await server.send("GET", "/_scheduler/docs/\(path)").json
                }
                states.insert(state?["state"]?.string ?? "none")
            }
            #expect(states == ["pending"])
            #expect(try await server.send("GET", "/_scheduler/docs/a/b").status == 400)
            #expect(try await server.send("GET", "/_scheduler/other").json == ["error": "not found"])
            let jobs = try await server.send("GET", "/_scheduler/jobs").json
            let id = try #require(jobs["jobs"]?[0]?["id"]?.string)
            #expect(jobs["jobs"]?[0]?["pid"]?.isNull == true)
            #expect(try await server.send("DELETE", setting).status == 200)
            var job: JSONValue?
            let path = "/_scheduler/jobs/\(id)"
            for _ in 0..<1_000 where job?["history"]?[0]?["type"] != "started" {
                try await Task.sleep(for: .milliseconds(5))
                job = try await server.send("GET", path).json
            }
            #expect(job?["database"] == "team/_replicator" && job?["history"]?.array?.count == 2)
            #expect(try await server.send("GET", "/_active_tasks").json[0]?["type"] == "replication")
        }
    }
}
