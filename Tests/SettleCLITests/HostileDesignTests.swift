#if JavaScript
import Foundation
import SettleCore
import SettleTestSupport
import Testing

/// A server with a database, and design documents that mean it harm.
@Suite("Hostile design documents")
struct HostileDesignTests {
    private static let authorization = (name: "Authorization", value: "Basic YWRtaW46YWRtaW5wdw==")

    private func send(
        _ server: HTTPEndpoint,
        _ method: String,
        _ path: String,
        _ body: String? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        let answer = try await server.send(
            HTTPRequest(
                method,
                path,
                headers: [Self.authorization, ("Content-Type", "application/json")],
                body: body.map { Array($0.utf8) }
            )
        )
        return (answer.status, try JSONValue(parsing: answer.body))
    }

    @Test("cost their own requests and nobody else's")
    func hostile() async throws {
        let folder = TemporaryDirectory()
        let process = try ServerProcess(folder: folder.path)
        let server = process.endpoint
        #expect(try await send(server, "PUT", "/d").status == 201)
        for index in 0..<3 {
            #expect(try await send(server, "PUT", "/d/k\(index)", "{\"n\":\(index)}").status == 201)
        }
        let views: [(name: String, map: String)] = [
            ("good", "function(d){emit(d.n, 1)}"),
            ("recurses", "function(d){function f(){return f() + 1} f(); emit(1)}"),
            ("throws", "function(d){throw {get name(){throw 1}}}"),
            ("many", "function(d){if (d.n === 1) for (var i = 0; i < 20000; i++) emit(i, null)}"),
            ("eats", "function(d){var a = []; while (true) a.push(new Array(1000).fill(0.5))}"),
            ("redefines", "function(d){JSON = Array = Object = undefined; emit(d.n, 1)}"),
        ]
        for (name, map) in views {
            let design = JSONValue.object(["views": ["v": ["map": .string(map)]]])
            #expect(try await send(server, "PUT", "/d/_design/\(name)", design.text).status == 201)
        }
        let good = "/d/_design/good/_view/v"
        #expect(try await send(server, "GET", good).json["total_rows"] == 3)
        async let eating = send(server, "GET", "/d/_design/eats/_view/v")
        for (name, rows) in [("recurses", 0), ("throws", 0), ("many", 20000), ("redefines", 3)] {
            let answer = try await send(server, "GET", "/d/_design/\(name)/_view/v?limit=1")
            #expect(answer.status == 200)
            #expect(answer.json["total_rows"]?.int == rows, "\(name)")
        }
        let eaten = try await eating
        #expect(eaten.status == 500)
        #expect(eaten.json["error"] == "os_process_error")
        #expect(eaten.json["reason"]?.string?.contains("memory limit") == true)
        #expect(try await send(server, "PUT", "/d/k3", #"{"n":3}"#).status == 201)
        #expect(try await send(server, "GET", good).json["total_rows"] == 4)
        #expect(process.terminate() == 0)
    }
}
#endif
