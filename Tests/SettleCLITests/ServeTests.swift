import Foundation
import SettleCore
import SettleTestSupport
import Testing

@Suite("settle serve")
struct ServeTests {
    private static let authorization = (name: "Authorization", value: "Basic YWRtaW46YWRtaW5wdw==")

    @Test("serves what the command line wrote, beside it, and ends when asked")
    func sharesDatabases() async throws {
        let folder = TemporaryDirectory()
        let server = try ServerProcess(folder: folder.path)
        let load = try runSettle(["load", "notes", "-", "--data", folder.path], input: #"{"_id":"a","x":1}"#)
        #expect(load.status == 0, "\(load.errors)")
        let answer = try await server.endpoint.send(
            HTTPRequest("GET", "/notes/a", headers: [Self.authorization])
        )
        #expect(answer.status == 200)
        #expect(try JSONValue(parsing: answer.body)["x"] == 1)
        let put = HTTPRequest("PUT", "/notes/b", headers: [Self.authorization], body: Array("{}".utf8))
        #expect(try await server.endpoint.send(put).status == 201)
        #expect(
            try runSettle(["dump", "notes", "--data", folder.path]).output
                == "{\"_id\":\"a\",\"x\":1}\n{\"_id\":\"b\"}\n"
        )
        #expect(server.terminate() == 0)
    }

    @Test("replicates with the command line over HTTP, both ways")
    func replicates() async throws {
        let (here, there) = (TemporaryDirectory(), TemporaryDirectory())
        let server = try ServerProcess(folder: there.path)
        let url = "http://admin:adminpw@127.0.0.1:\(server.endpoint.port)/notes"
        let lines = (0..<300).map { #"{"_id":"d\#($0)","n":\#($0)}"# }.joined(separator: "\n")
        #expect(try runSettle(["load", "notes", "-", "--data", here.path], input: lines).status == 0)
        let push = try runSettle(["replicate", "notes", url, "--create-target", "--data", here.path])
        #expect(push.status == 0, "\(push.errors)")
        #expect(try runSettle(["diff", "notes", url, "--data", here.path]).status == 0)
        let pull = try runSettle(["replicate", url, "copy", "--create-target", "--data", here.path])
        #expect(pull.status == 0, "\(pull.errors)")
        #expect(try runSettle(["diff", "notes", "copy", "--data", here.path]).status == 0)
        #expect(server.terminate() == 0)
    }

    @Test("a continuous sync survives the death of the server, and notices that its database was made anew")
    func sync() async throws {
        let (here, there) = (TemporaryDirectory(), TemporaryDirectory())
        let first = try ServerProcess(folder: there.path)
        let line = try await CuttingProxy.start(to: first.endpoint)
        let url = "http://admin:adminpw@127.0.0.1:\(line.endpoint.port)/notes"
        func load(_ id: String) throws {
            let result = try runSettle(
                ["load", "notes", "-", "--data", here.path],
                input: #"{"_id":"\#(id)"}"#
            )
            #expect(result.status == 0, "\(result.errors)")
        }
        func send(_ method: String, _ path: String, to server: ServerProcess) async throws -> JSONValue {
            let headers = [Self.authorization, (name: "Content-Type", value: "application/json")]
            let body = path == "/notes/z" ? Array("{}".utf8) : []
            let request = HTTPRequest(method, path, headers: headers, body: body)
            return try JSONValue(parsing: try await server.endpoint.send(request).body)
        }
        func count(_ wanted: Int, on server: ServerProcess) async throws {
            var found: Int?
            for _ in 0..<2_000 where found != wanted {
                try await Task.sleep(for: .milliseconds(20))
                found = try await send("GET", "/notes", to: server)["doc_count"]?.int
            }
            #expect(found == wanted)
        }
        try load("x")
        let sync = try RunningCommand([
            "sync", "notes", url, "--continuous", "--create", "--checkpoint-interval", "1", "--data",
            here.path,
        ])
        try await count(1, on: first)
        first.kill()
        try load("y")
        let second = try ServerProcess(folder: there.path)
        line.server = second.endpoint
        try await count(2, on: second)
        _ = try await send("PUT", "/notes/z", to: second)
        var dump = ""
        for _ in 0..<500 where !dump.contains(#""z""#) {
            dump = try runSettle(["dump", "notes", "--data", here.path]).output
        }
        #expect(dump.contains(#""z""#))
        for method in ["DELETE", "PUT"] {
            #expect(try await send(method, "/notes", to: second)["ok"] == true)
        }
        try await count(3, on: second)
        sync.terminate()
        var last = ""
        while case let event = try sync.nextLine(), !event.isEmpty { last = event }
        #expect(sync.status() == 0)
        #expect(try JSONValue(parsing: Array(last.utf8))["event"] == "stopped")
        // Both have it noted: there is nothing left to look at.
        let again = try runSettle(["replicate", "notes", url, "--data", here.path])
        let end = try JSONValue(parsing: Array(try #require(again.output.split(separator: "\n").last).utf8))
        #expect(end["docs_written"] == 3 && end["missing_checked"] == 3)
        try await line.stop()
    }
}
