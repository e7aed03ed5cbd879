import SettleCore
import SettleServer
import Testing

@Suite("Connections")
struct ConnectionTests {
    @Test("a connection carries one request after the other")
    func keepAlive() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            #expect(try await connection.exchange("PUT", "/db").status == 201)
            #expect(try await connection.exchange("PUT", "/db/a", #"{"n":1}"#).status == 201)
            #expect(try await connection.exchange("GET", "/db/a").body.contains(#""n":1"#))
            #expect(!connection.isClosed)
        }
    }

    @Test("pipelined requests are answered in order, whichever takes longer")
    func pipelining() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            var text = ""
            for number in 0..<20 {
                let body = #"{"n":\#(number)}"#
                text +=
                    "PUT /db/d\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                text += "GET /db/d\(number) HTTP/1.1\r\nHost: x\r\n\r\n"
            }
            try await connection.send(text)
            for number in 0..<20 {
                #expect(try await connection.response().status == 201)
                #expect(try await connection.response().json["n"]?.int == number)
            }
        }
    }

    @Test("Connection: close is honoured, and HTTP/1.0 closes by itself")
    func closing() async throws {
        try await TestServer.run { server in
            for request in [
                "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
            ] {
                let connection = try await server.connect()
                try await connection.send(request)
                #expect(try await connection.response().status == 200)
                try await connection.wait { connection.isClosed }
            }
        }
    }

    @Test("a body that never ends is dropped with its connection, and nothing is written")
    func halfSentBody() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send("PUT /db/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"n\":1}")
            await connection.close()
            #expect(try await server.send("GET", "/db").json["doc_count"]?.int == 0)
            #expect(try await server.send("GET", "/db/a").status == 404)
        }
    }

    @Test("chunked bodies are put together")
    func chunkedBody() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send("PUT /db/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in ["{\"te", "xt\":\"a", "b\"}"] {
                try await connection.send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n")
            }
            try await connection.send("0\r\n\r\n")
            #expect(try await connection.response().status == 201)
            #expect(try await connection.exchange("GET", "/db/a").json["text"]?.string == "ab")
        }
    }

    @Test("Expect: 100-continue gets leave to go on")
    func expectContinue() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send(
                "PUT /db/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try await connection.response().status == 100)
            try await connection.send("{}")
            #expect(try await connection.response().status == 201)
        }
    }

    @Test("what is no HTTP gets a 400")
    func notHTTP() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            try await connection.send("HELLO\r\n\r\n")
            #expect(try await connection.response().status == 400)
            try await connection.wait { connection.isClosed }
        }
    }

    @Test("a body beyond the limit is refused before it has come, and the client can read why")
    func bodyTooLarge() async throws {
        try await TestServer.run {
            $0.maximumRequestSize = 1000
        } _: { server in
            let connection = try await server.connect()
            try await connection.send("POST /db HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")
            #expect(try await connection.response().status == 413)
            let chunked = try await server.connect()
            try await chunked.send("POST /db HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await chunked.send("7d0\r\n\(String(repeating: "x", count: 2000))\r\n")
            #expect(try await chunked.response().json["error"]?.string == "too_large")
        }
    }

    @Test("a target beyond the limit is refused")
    func targetTooLong() async throws {
        try await TestServer.run {
            $0.maximumTargetLength = 100
        } _: { server in
            let response = try await server.send("GET", "/" + String(repeating: "a", count: 200))
            #expect(response.status == 414)
        }
    }

    @Test("a document of 9 MB is refused with its id, and one of 7 MB is kept")
    func documentTooLarge() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let large = #"{"text":"\#(String(repeating: "x", count: 9_000_000))"}"#
            let refused = try await server.send("PUT", "/db/large", large)
            #expect(refused.status == 413)
            #expect(try refused.json["error"]?.string == "document_too_large")
            let fitting = #"{"text":"\#(String(repeating: "x", count: 7_000_000))"}"#
            #expect(try await server.send("PUT", "/db/fits", fitting).status == 201)
            #expect(try await server.send("GET", "/db/fits").body.utf8.count > 7_000_000)
        }
    }

    @Test("without an administrator only the loopback is listened on")
    func loopback() {
        var configuration = ServerConfiguration(folder: "/nowhere")
        configuration.host = "0.0.0.0"
        let error = #expect(throws: SettleError.self) { try SettleServer(configuration: configuration) }
        #expect(error?.kind == .forbidden)
    }
}
