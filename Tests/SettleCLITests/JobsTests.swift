import SettleCore
import SettleTestSupport
import Testing

@testable import SettleCLI

private let administrator = (name: "Authorization", value: "Basic YWRtaW46YWRtaW5wdw==")

@Suite("settle jobs")
struct JobsTests {
    @Test("lists a server's jobs, and tells by its status whether one is in trouble")
    func list() async throws {
        let folder = TemporaryDirectory()
        let server = try ServerProcess(folder: folder.path)
        let url = "http://admin:adminpw@127.0.0.1:\(server.endpoint.port)"
        func send(_ method: String, _ path: String, _ body: String = "") async throws {
            let headers = [administrator, (name: "Content-Type", value: "application/json")]
            let answer = try await server.endpoint.send(
                HTTPRequest(method, path, headers: headers, body: Array(body.utf8))
            )
            #expect(answer.status < 300, "\(method) \(path)")
        }
        #expect(try runSettle(["jobs", url]).output == "")
        try await send("PUT", "/a")
        try await send("PUT", "/b")
        try await send("PUT", "/_replicator/fine", #"{"source":"a","target":"b","continuous":true}"#)
        try await send("POST", "/_replicate", #"{"source":"b","target":"a","continuous":true}"#)
        var jobs: [JSONValue] = []
        for _ in 0..<200 where jobs.filter({ $0["state"] == "running" }).count < 2 {
            let result = try runSettle(["jobs", url])
            #expect(result.status == 0, "\(result.errors)")
            jobs = try result.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        }
        #expect(jobs.map { $0["state"] } == ["running", "running"])
        #expect(jobs.first?["doc_id"] == "fine")
        try await send("PUT", "/_replicator/missing", #"{"source":"none","target":"b"}"#)
        var result = try runSettle(["jobs", url, "--states", "crashing"])
        for _ in 0..<200 where result.status == 0 {
            result = try runSettle(["jobs", url, "--states", "crashing"])
        }
        #expect(result.status == 3)
        #expect(result.output.contains("could not open none"))
        #expect(try runSettle(["jobs", "http://127.0.0.1:1"]).status == 1)
    }

    @Test("a job that only watches its source hears of what another process writes there")
    func otherProcess() async throws {
        let folder = TemporaryDirectory()
        let server = try ServerProcess(folder: folder.path)
        func send(_ method: String, _ path: String, _ body: String = "") async throws -> JSONValue {
            let headers = [administrator, (name: "Content-Type", value: "application/json")]
            let request = HTTPRequest(method, path, headers: headers, body: Array(body.utf8))
            return try JSONValue(parsing: try await server.endpoint.send(request).body)
        }
        // One may run, so that the other makes way at once when it is idle.
        _ = try await send("PUT", "/_node/_local/_config/replicator/max_jobs", "\"1\"")
        for name in ["a", "b"] {
            _ = try await send("PUT", "/\(name)")
            let job = #"{"source":"\#(name)","target":"\#(name)2","create_target":true,"continuous":true}"#
            _ = try await send("PUT", "/_replicator/\(name)", job)
        }
        for name in ["a", "b", "a", "b"] {
            let found = try await send("GET", "/\(name)2")["doc_count"]?.int ?? 0
            let load = try runSettle(
                ["load", name, "-", "--data", folder.path],
                input: #"{"_id":"new\#(found)"}"# + "\n"
            )
            #expect(load.status == 0, "\(load.errors)")
            var count = found
            for _ in 0..<500 where count == found {
                try await Task.sleep(for: .milliseconds(20))
                count = try await send("GET", "/\(name)2")["doc_count"]?.int ?? 0
            }
            #expect(count == found + 1)
        }
    }

    @Test("shows people a table")
    func table() throws {
        let fine: JSONValue = [
            "doc_id": "one", "database": "_replicator", "state": "running", "source": "http://a/",
            "target": "b",
            "info": [
                "docs_written": 1234, "changes_pending": 5, "doc_write_failures": 1,
                "failures": [
                    ["id": "x", "error": "forbidden", "reason": "no"]
                ],
            ],
        ]
        let crashed: JSONValue = [
            "doc_id": nil, "source": "a", "target": "b", "pid": nil,
            "history": [["type": "crashed", "reason": "no answer"]],
        ]
        let lines = JobLine.table([JobLine(value: fine), JobLine(transient: crashed)])
        #expect(
            lines == """
                running   one        http://a/ → b  1,234 written, 5 pending, 1 not copied
                  x: forbidden: no
                crashing  (request)  a → b          no answer

                """
        )
        #expect(JobLine.table([]) == "no replication jobs\n")
    }
}
