import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@Suite("Uploads")
struct UploadTests {
    @Test("a client that waits for leave gets it, or is refused before it sends anything")
    func expectContinue() async throws {
        try await TestServer.run {
            $0.maximumAttachmentSize = 1000
        } _: { server in
            _ = try await server.send("PUT", "/db")
            func head(_ name: String, _ length: Int) -> String {
                """
                PUT /db/a/\(name) HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n\
                Expect: 100-continue\r\nContent-Length: \(length)\r\n\r\n
                """
            }
            let connection = try await server.connect()
            try await connection.send(head("f", 1000))
            #expect(try await connection.response().status == 100)
            try await connection.send(String(repeating: "x", count: 1000))
            #expect(try await connection.response().status == 201)
            try await connection.send(head("large", 1001))
            let refused = try await connection.response()
            #expect(refused.status == 413)
            #expect(try refused.json["error"]?.string == "attachment_too_large")
            #expect(try refused.json["reason"]?.string == "large")
            let other = try await server.connect()
            try await other.send(head("_f", 10))
            #expect(try await other.response().status == 400)
        }
    }

    @Test("an upload that is cut off leaves nothing behind", arguments: [20, 400_000])
    func halfSent(_ sent: Int) async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send(
                "PUT /db/a/f HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 500000\r\n\r\n"
            )
            try await connection.send(String(repeating: "x", count: sent))
            await connection.close()
            let related = try await server.connect()
            try await related.send(
                """
                PUT /db/b HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=b\r\n\
                Content-Length: 500000\r\n\r\n--b\r\n\r\n\
                {"_attachments":{"f":{"follows":true,"content_type":"image/png"}}}\r\n--b\r\n\r\n
                """
            )
            try await related.send(String(repeating: "x", count: sent))
            await related.close()
            #expect(try await server.send("GET", "/db/a").status == 404)
            #expect(try await server.send("GET", "/db/b").status == 404)
            #expect(try await server.send("GET", "/db").json["update_seq"]?.string?.hasPrefix("0") == true)
        }
    }

    @Test("a chunked upload beyond the limit is refused when it gets there")
    func chunkedTooLarge() async throws {
        try await TestServer.run {
            $0.maximumAttachmentSize = 1000
        } _: { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send("PUT /db/a/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<3 { try await connection.send("190\r\n\(String(repeating: "x", count: 400))\r\n") }
            #expect(try await connection.response().json["error"]?.string == "attachment_too_large")
            #expect(try await server.send("GET", "/db/a").status == 404)
        }
    }

    @Test("what is pipelined behind an upload is answered after it")
    func pipelined() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            let content = String(repeating: "x", count: 700_000)
            try await connection.send(
                """
                PUT /db/a/f HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 700000\r\n\r\n\
                \(content)GET /db/a/f HTTP/1.1\r\nHost: x\r\n\r\nGET /db/a HTTP/1.1\r\nHost: x\r\n\r\n
                """
            )
            #expect(try await connection.response().status == 201)
            #expect(try await connection.response().body == content)
            #expect(try await connection.response().json["_attachments"]?["f"]?["length"]?.int == 700_000)
        }
    }

    @Test("a slow reader gets a large attachment whole")
    func slowReader() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            var generator = SeededGenerator(seed: 7)
            let content = String(
                decoding: (0..<3_000_000).map { _ in UInt8.random(in: 97...122, using: &generator) },
                as: UTF8.self
            )
            _ = try await server.send("PUT", "/db/a/f", content, headers: [("Content-Type", "image/png")])
            let connection = try await server.connect()
            try await connection.setReading(false)
            try await connection.send("GET /db/a/f HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await server.send("GET", "/db/a").status == 200)
            try await connection.setReading(true)
            #expect(try await connection.response().body == content)
        }
    }

    @Test("large attachments with the same content are stored once")
    func deduplication() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let content = String(repeating: "0123456789abcdef", count: 40_000)
            let headers = [("Content-Type", "image/png")]
            _ = try await server.send("PUT", "/db/a/f", content, headers: headers)
            let before = try await server.send("GET", "/db").json["sizes"]?["active"]?.int ?? 0
            _ = try await server.send("PUT", "/db/b/g", content, headers: headers)
            let after = try await server.send("GET", "/db").json["sizes"]?["active"]?.int ?? 0
            #expect(before > content.utf8.count)
            #expect(after < before + 1000)
        }
    }
}
