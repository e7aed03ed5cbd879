import SettleCore
import SettleServer
import Testing

@Suite("Long answers")
struct StreamingTests {
    /// Fills a database with documents `d0000`, … of about 200 bytes.
    private func fill(_ server: TestServer, _ count: Int) async throws {
        #expect(try await server.send("PUT", "/db").status == 201)
        let filler = String(repeating: "x", count: 150)
        for start in stride(from: 0, to: count, by: 1000) {
            let documents = (start..<min(start + 1000, count)).map {
                #"{"_id":"d\#(String($0 + 1_000_000).dropFirst())","n":\#($0),"text":"\#(filler)"}"#
            }
            let body = "{\"docs\":[\(documents.joined(separator: ","))]}"
            #expect(try await server.send("POST", "/db/_bulk_docs", body).status == 201)
        }
    }

    @Test("rows that take several pieces arrive complete and in order, forwards and backwards")
    func pieces() async throws {
        try await TestServer.run { server in
            try await fill(server, 6000)
            let ids = (0..<6000).map { "d\(String($0 + 1_000_000).dropFirst())" }
            for (parameters, expected) in [
                ("", ids), ("&descending=true", ids.reversed()),
                ("&startkey=\"\(ids[1000])\"&endkey=\"\(ids[4999])\"", Array(ids[1000..<5000])),
                ("&skip=3000&limit=2500", Array(ids[3000..<5500])),
            ] {
                let response = try await server.send("GET", "/db/_all_docs?include_docs=true\(parameters)")
                #expect(response.headers["transfer-encoding"] == "chunked")
                let rows = try response.json["rows"]?.array ?? []
                #expect(rows.map { $0["id"]?.string } == expected)
                #expect(rows.map { $0["doc"]?["_id"]?.string } == expected)
            }
            let changes = try await server.send("GET", "/db/_changes?include_docs=true").json
            #expect(changes["results"]?.array?.map { $0["id"]?.string } == ids)
            #expect(changes["pending"]?.int == 0)
            let backwards = try await server.send("GET", "/db/_changes?include_docs=true&descending=true")
                .json
            #expect(backwards["results"]?.array?.map { $0["id"]?.string } == ids.reversed())
        }
    }

    @Test("many documents fetched at once arrive in the order asked for")
    func bulkGet() async throws {
        try await TestServer.run { server in
            try await fill(server, 3000)
            let ids = (0..<3000).reversed().map { "d\(String($0 + 1_000_000).dropFirst())" }
            let body = "{\"docs\":[\(ids.map { "{\"id\":\"\($0)\"}" }.joined(separator: ","))]}"
            let response = try await server.send("POST", "/db/_bulk_get", body)
            #expect(try response.json["results"]?.array?.map { $0["id"]?.string } == ids)
        }
    }

    @Test("a client that does not read costs a few pieces, not the whole answer")
    func slowReader() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            // Each row is a piece; together they are more than sockets may hold.
            let text = String(repeating: "x", count: 1_000_000)
            for number in 0..<32 {
                let put = try await server.send("PUT", "/db/d\(number)", #"{"text":"\#(text)"}"#)
                #expect(put.status == 201)
            }
            let slow = try await server.connect()
            try await slow.setReading(false)
            try await slow.send("GET /db/_all_docs?include_docs=true HTTP/1.1\r\nHost: x\r\n\r\n")
            // The server goes on with others, and writes under the feet of the answer are no trouble.
            for number in 0..<50 {
                #expect(try await server.send("PUT", "/db/a\(number)", "{}").status == 201)
            }
            let statistics = try await server.send("GET", "/_node/_local/_stats/couchdb/httpd").json
            let streamed = try #require(statistics["streamed_bytes"]?["value"]?.int)
            #expect(streamed < 20_000_000)
            try await slow.setReading(true)
            try await slow.wait { slow.count > 32_000_000 }
            let rows = try await slow.response().json["rows"]?.array ?? []
            #expect(rows.count(where: { $0["doc"]?["text"]?.string?.utf8.count == 1_000_000 }) == 32)
        }
    }

    @Test("a client that leaves in the middle leaves nothing behind")
    func leaver() async throws {
        try await TestServer.run { server in
            try await fill(server, 10_000)
            let leaver = try await server.connect()
            try await leaver.setReading(false)
            try await leaver.send("GET /db/_all_docs?include_docs=true HTTP/1.1\r\nHost: x\r\n\r\n")
            await leaver.close()
            for _ in 0..<2000 {
                let statistics = try await server.send("GET", "/_node/_local/_stats/couchdb/httpd/clients")
                    .json
                if statistics["value"]?.int == 1 { return }
                try await Task.sleep(for: .milliseconds(5))
            }
            Issue.record("the connection is still counted")
        }
    }
}
