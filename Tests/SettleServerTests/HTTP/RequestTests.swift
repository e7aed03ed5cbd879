import SettleCore
import SettleServer
import Testing

@Suite("Requests and responses")
struct RequestTests {
    /// `{"zip":true,"n":[1,2,3]}`, gzipped.
    private static let zipped: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xAB, 0x56, 0xAA, 0xCA, 0x2C, 0x50,
        0xB2, 0x2A, 0x29, 0x2A, 0x4D, 0xD5, 0x51, 0xCA, 0x53, 0xB2, 0x8A, 0x36, 0xD4, 0x31, 0xD2, 0x31,
        0x8E, 0xAD, 0x05, 0x00, 0x12, 0x64, 0xDD, 0x25, 0x18, 0x00, 0x00, 0x00,
    ]

    @Test("HEAD is GET without the body", arguments: ["/", "/db", "/db/a", "/db/_all_docs", "/db/none"])
    func head(target: String) async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            _ = try await connection.exchange("PUT", "/db")
            _ = try await connection.exchange("PUT", "/db/a", "{}")
            let get = try await connection.exchange("GET", target)
            let head = try await connection.exchange("HEAD", target)
            #expect(head.status == get.status)
            #expect(head.headers["content-length"] == get.headers["content-length"])
            #expect(head.headers["etag"] == get.headers["etag"])
            #expect(try await connection.exchange("GET", "/").status == 200)
        }
    }

    @Test("a POST may stand for another method, a GET may not")
    func methodOverride() async throws {
        try await TestServer.run { server in
            let override = [("X-HTTP-Method-Override", "PUT")]
            let created = try await server.send("POST", "/db", headers: override)
            #expect(created.status == 201)
            #expect(try await server.send("GET", "/db2", headers: override).status == 404)
            #expect(try await server.send("POST", "/db/a", "{}", headers: override).status == 201)
        }
    }

    @Test("a percent sign that no two digits follow is refused, wherever it stands")
    func percent() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            for target in ["/db/100%", "/db/%zz", "/db/_all_docs?key=%2", "/%/a"] {
                let refused = try await server.send("GET", target)
                #expect(refused.status == 400)
                #expect(try refused.json["reason"]?.string == "invalid_url_encoding")
            }
            #expect(try await server.send("GET", "/db/100%25").status == 404)
        }
    }

    @Test("an entity tag counts with its quotes, weak or strong")
    func entityTags() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let tag = try #require(try await server.send("PUT", "/db/a", "{}").headers["etag"])
            for (value, status) in [
                (tag, 304), ("W/\(tag)", 304), ("\"x\", W/\(tag)", 304), ("\"x\",\(tag)", 304), ("*", 200),
                (tag.filter { $0 != "\"" }, 200), ("\"1-x\"", 200),
            ] {
                let got = try await server.send("GET", "/db/a", headers: [("If-None-Match", value)])
                #expect(got.status == status, "\(value)")
            }
        }
    }

    @Test("names below an unknown name are a missing document's attachments")
    func unknownNames() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let expected = [("GET", 404), ("DELETE", 404), ("PUT", 400), ("POST", 405), ("COPY", 405)]
            for (method, status) in expected {
                #expect(try await server.send(method, "/db/_bulk_docs/x").status == status, "\(method)")
            }
            #expect(try await server.send("GET", "/db/_changes/x").status == 200)
            for method in ["GET", "PUT", "POST", "DELETE"] {
                let refused = try await server.send(method, "/db/_local%2F", "{}")
                #expect(try refused.json["error"]?.string == "bad_request")
            }
        }
    }

    @Test("gzipped bodies are read, false ones and other encodings refused")
    func gzip() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            _ = try await connection.exchange("PUT", "/db")
            let length = Self.zipped.count
            let head =
                "PUT /db/z HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: \(length)\r\n\r\n"
            try await connection.send(Array(head.utf8) + Self.zipped)
            #expect(try await connection.response().status == 201)
            #expect(try await connection.exchange("GET", "/db/z").json["zip"]?.bool == true)
            let gzip = [("Content-Encoding", "gzip")]
            let broken = try await server.send("PUT", "/db/b", "{\"not\":\"zipped\"}", headers: gzip)
            #expect(broken.status == 400)
            #expect(try broken.json["reason"]?.string == "Request body is not properly gzipped.")
            let deflate = [("Content-Encoding", "deflate")]
            #expect(try await server.send("PUT", "/db/d", "{}", headers: deflate).status == 415)
        }
    }

    @Test("a gzipped body may not unfold beyond the limit")
    func gzipBomb() async throws {
        try await TestServer.run {
            $0.maximumRequestSize = 20
        } _: { server in
            let connection = try await server.connect()
            let head =
                "PUT /db/z HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            let size = String(Self.zipped.count, radix: 16)
            try await connection.send(
                Array("\(head)\(size)\r\n".utf8) + Self.zipped + Array("\r\n0\r\n\r\n".utf8)
            )
            #expect(try await connection.response().status == 413)
        }
    }

    @Test("a client's request id comes back, a bad one is replaced")
    func requestID() async throws {
        try await TestServer.run { server in
            let echoed = try await server.send("GET", "/", headers: [("X-Couch-Request-ID", "my-request_1")])
            #expect(echoed.headers["x-couch-request-id"] == "my-request_1")
            let replaced = try await server.send("GET", "/", headers: [("X-Couch-Request-ID", "not good")])
            #expect(replaced.headers["x-couch-request-id"]?.count == 10)
        }
    }

    @Test("with an administrator, credentials are asked for everywhere but at the door")
    func credentials() async throws {
        try await TestServer.run {
            $0.administrator = .init(name: "admin", password: "secret:with colon")
        } _: { server in
            let right = [("Authorization", "Basic YWRtaW46c2VjcmV0OndpdGggY29sb24=")]
            let wrong = [("Authorization", "Basic YWRtaW46d3Jvbmc=")]
            for target in ["/", "/_up", "/_session"] {
                #expect(try await server.send("GET", target).status == 200)
                #expect(try await server.send("GET", target, headers: wrong).status == 401)
            }
            #expect(try await server.send("GET", "/_all_dbs").status == 401)
            #expect(try await server.send("PUT", "/db").status == 401)
            #expect(try await server.send("PUT", "/db", headers: right).status == 201)
            #expect(try await server.send("GET", "/db").status == 401)
            let session = try await server.send("GET", "/_session", headers: right).json
            #expect(session["userCtx"]?["name"]?.string == "admin")
            let broken = [("Authorization", "Basic !!!")]
            #expect(try await server.send("GET", "/", headers: broken).status == 400)
        }
    }

    @Test("without credentials a missing database is missing, an existing one closed")
    func anonymous() async throws {
        try await TestServer.run {
            $0.administrator = .init(name: "admin", password: "pw")
        } _: { server in
            let admin = [("Authorization", "Basic YWRtaW46cHc=")]
            _ = try await server.send("PUT", "/db", headers: admin)
            #expect(try await server.send("GET", "/none").status == 404)
            #expect(try await server.send("GET", "/none/doc").status == 404)
            #expect(try await server.send("GET", "/db/doc").status == 401)
            #expect(try await server.send("PUT", "/none").status == 401)
        }
    }

    @Test("a client can ask to be spared header fields")
    func minimal() async throws {
        try await TestServer.run { server in
            let response = try await server.send("PUT", "/db", headers: [("Prefer", "return=minimal")])
            #expect(response.status == 201)
            #expect(response.headers["location"] == nil)
            #expect(response.headers["content-type"] == "application/json")
        }
    }

    @Test("the connection closes after a request that offers an upgrade, which is ignored")
    func upgrade() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            let headers = [("Connection", "Upgrade"), ("Upgrade", "h2c")]
            let response = try await connection.exchange("GET", "/", headers: headers)
            #expect(response.headers["connection"] == "close")
            try await connection.wait { connection.isClosed }
        }
    }

    @Test("an unknown method gets the list of those that exist")
    func allow() async throws {
        try await TestServer.run { server in
            let response = try await server.send("DELETE", "/_all_dbs")
            #expect(response.status == 405)
            #expect(response.headers["allow"] == "GET,HEAD")
        }
    }
}
