import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@Suite("Packed answers")
struct PackedAnswerTests {
    private let gzip = [(name: "Accept-Encoding", value: "gzip, deflate")]

    /// Runs a test against a server that packs for clients on this machine, too, with some documents in `db`.
    private func run(_ body: (HTTPEndpoint) async throws -> Void) async throws {
        try await TestServer.run {
            $0.packsForEverybody = true
        } _: { server in
            let endpoint = HTTPEndpoint(port: server.port)
            _ = try await endpoint.send(HTTPRequest("PUT", "/db"))
            let documents = (0..<3_000).map { #"{"_id":"document\#($0)","text":"some text that repeats"}"# }
            let answer = try await endpoint.send(
                HTTPRequest(
                    "POST",
                    "/db/_bulk_docs",
                    headers: [("Content-Type", "application/json")],
                    body: Array(#"{"docs":[\#(documents.joined(separator: ","))]}"#.utf8)
                )
            )
            #expect(answer.status == 201)
            try await body(endpoint)
        }
    }

    @Test(
        "say the same as plain ones, whole or streamed",
        arguments: [
            "/db/_all_docs?limit=50", "/db/_all_docs?include_docs=true", "/db/_changes",
            "/db/_changes?limit=20",
            "/db/_changes?feed=continuous&timeout=50&limit=3000", "/db/_changes?feed=longpoll",
        ]
    )
    func same(path: String) async throws {
        try await run { endpoint in
            let plain = try await endpoint.send(HTTPRequest("GET", path))
            let packed = try await endpoint.send(HTTPRequest("GET", path, headers: gzip))
            #expect(plain.header("Content-Encoding") == nil)
            #expect(packed.header("Content-Encoding") == "gzip")
            #expect(packed.header("Vary") == "Accept-Encoding")
            #expect(packed.body.count < plain.body.count / 2)
            #expect(try packed.decoded().text == plain.text)
            #expect(plain.text.contains("document1"))
        }
    }

    @Test("are not made of little, of nothing, or for those who don't take them")
    func exceptions() async throws {
        try await run { endpoint in
            for (method, path, headers) in [
                ("GET", "/", gzip), ("GET", "/db/document7", gzip), ("HEAD", "/db/_all_docs", gzip),
                ("GET", "/db/_all_docs", []), ("GET", "/db/_all_docs", [("Accept-Encoding", "identity")]),
                ("GET", "/db/_all_docs", [("Accept-Encoding", "gzip;q=0")]),
                ("GET", "/db/_all_docs", gzip + [("Prefer", "return=minimal")]),
            ] {
                let answer = try await endpoint.send(HTTPRequest(method, path, headers: headers))
                #expect(answer.status == 200)
                #expect(answer.header("Content-Encoding") == nil, "\(method) \(path) \(headers)")
            }
        }
    }

    @Test("keep the tag of what they show")
    func tags() async throws {
        try await run { endpoint in
            let text = String(repeating: "long ", count: 1_000)
            _ = try await endpoint.send(
                HTTPRequest("PUT", "/db/long", body: Array(#"{"text":"\#(text)"}"#.utf8))
            )
            let answer = try await endpoint.send(HTTPRequest("GET", "/db/long", headers: gzip))
            #expect(answer.header("Content-Encoding") == "gzip")
            let plain = try await endpoint.send(HTTPRequest("GET", "/db/long"))
            #expect(answer.header("ETag") == plain.header("ETag"))
            let tag = try #require(answer.header("ETag"))
            let second = try await endpoint.send(
                HTTPRequest("GET", "/db/long", headers: gzip + [("If-None-Match", tag)])
            )
            #expect(second.status == 304)
            #expect(second.header("Content-Encoding") == nil)
        }
    }

    @Test("are not sent to clients on this machine, unless that is wanted")
    func loopback() async throws {
        try await TestServer.run { server in
            let endpoint = HTTPEndpoint(port: server.port)
            _ = try await endpoint.send(HTTPRequest("PUT", "/db"))
            let text = String(repeating: "long ", count: 1_000)
            _ = try await endpoint.send(
                HTTPRequest("PUT", "/db/long", body: Array(#"{"text":"\#(text)"}"#.utf8))
            )
            let answer = try await endpoint.send(HTTPRequest("GET", "/db/long", headers: gzip))
            #expect(answer.header("Content-Encoding") == nil)
        }
    }
}
