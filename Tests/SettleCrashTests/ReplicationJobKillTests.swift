// A server with replication jobs is killed amid them. The documents that asked for the jobs are there again, so the
// jobs go on, from where both databases have it noted.

import Foundation
import Settle
import SettleCore
import SettleTestSupport
import Testing

@Suite("A killed server with replication jobs", .serialized)
struct ReplicationJobKillTests {
    @Test("goes on with them until everything is copied", .timeLimit(.minutes(5)))
    func goesOn() async throws {
        let folder = TemporaryDirectory()
        var delays = SeededGenerator(seed: 7)
        let count = 4_000
        for round in 0..<6 {
            let server = try ServerProcess(folder: folder.path)
            func send(_ method: String, _ path: String, _ body: String = "") async throws -> Int {
                let headers = [administrator, (name: "Content-Type", value: "application/json")]
                let request = HTTPRequest(method, path, headers: headers, body: Array(body.utf8))
                return try await server.endpoint.send(request).status
            }
            if round == 0 {
                #expect(try await send("PUT", "/a") == 201)
                let documents = (0..<count).map {
                    #"{"_id":"d\#($0)","text":"\#(String(repeating: "x", count: 200))"}"#
                }
                let body = #"{"docs":[\#(documents.joined(separator: ","))]}"#
                #expect(try await send("POST", "/a/_bulk_docs", body) == 201)
                let once = #"{"source":"a","target":"b","create_target":true,"worker_batch_size":50}"#
                #expect(try await send("PUT", "/_replicator/once", once) == 201)
                let ever = #"{"source":"b","target":"c","create_target":true,"continuous":true}"#
                #expect(try await send("PUT", "/_replicator/ever", ever) == 201)
            }
            if round < 5 {
                try await Task.sleep(for: .milliseconds(Int.random(in: 30...250, using: &delays)))
                server.kill()
                continue
            }
            let target = "/c"
            var found = 0
            // What failed because its source was not there yet is tried again after half a minute.
            for _ in 0..<900 where found < count {
                let answer = try await server.endpoint.send(
                    HTTPRequest("GET", target, headers: [administrator])
                )
                found = try JSONValue(parsing: answer.body)["doc_count"]?.int ?? 0
                if found < count { try await Task.sleep(for: .milliseconds(100)) }
            }
            #expect(found == count)
            var state: JSONValue?
            for _ in 0..<300 where state != "completed" {
                let path = "/_scheduler/docs/_replicator/once"
                let answer = try await server.endpoint.send(
                    HTTPRequest("GET", path, headers: [administrator])
                )
                state = try JSONValue(parsing: answer.body)["state"]
                if state != "completed" { try await Task.sleep(for: .milliseconds(50)) }
            }
            #expect(state == "completed")
            server.kill()
        }
        for pair in [["a", "b"], ["b", "c"]] {
            let difference = try runSettle(["diff"] + pair + ["--data", folder.path])
            #expect(difference.status == 0, "\(difference.output.prefix(500))")
        }
        for name in ["a", "b", "c", "_replicator"] {
            #expect(try Database.open(at: "\(folder.path)/\(name).settle").check() == [])
        }
    }
}
