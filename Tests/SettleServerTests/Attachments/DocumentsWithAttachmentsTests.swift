import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@Suite("Documents with attachments over HTTP")
struct DocumentsWithAttachmentsTests {
    private static let related = """
        --b\r\nContent-Type: application/json\r\n\r\n\
        {"n":1,"_attachments":{"in":{"data":"aW4="},"one.txt":{"follows":true,"content_type":"text/plain",\
        "length":3},"two":{"follows":true,"length":10}}}\r\n--b\r\n\r\none\r\n--b\r\nX: y\r\n\r\ntwo\r\n--two\r\n--b--
        """
    /// What comes before the document.
    private static let first = "--b\r\nContent-Type: application/json\r\n\r\n"
    private let headers = [("Content-Type", "multipart/related; boundary=\"b\"")]

    @Test("a document and its attachments come in one body, wherever that is cut")
    func cutAnywhere() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            var generator = SeededGenerator(seed: 11)
            let body = Array(Self.related.utf8)
            var revision: String?
            for number in 0..<8 {
                let connection = try await server.connect()
                try await connection.send(
                    """
                    PUT /db/d\(number) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
                    Content-Type: multipart/related;boundary=b\r\n\r\n
                    """
                )
                var rest = body[...]
                while !rest.isEmpty {
                    let piece = rest.prefix(Int.random(in: 1...40, using: &generator))
                    rest = rest.dropFirst(piece.count)
                    try await connection.send(
                        Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
                    )
                }
                try await connection.send("0\r\n\r\n")
                let answer = try await connection.response()
                #expect(answer.status == 201)
                revision = try revision ?? answer.json["rev"]?.string
                #expect(try answer.json["rev"]?.string == revision)
                #expect(try await server.send("GET", "/db/d\(number)/two").body == "two\r\n--two")
                #expect(try await server.send("GET", "/db/d\(number)/one.txt").body == "one")
            }
        }
    }

    @Test("a multipart body that is not what its document says is refused, and nothing is written")
    func badBodies() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let document = { (entry: String) in
                "\(Self.first){\"_attachments\":{\"a\":{\"follows\":true\(entry)}}}\r\n--b"
            }
            let bodies = [
                document("") + "--",
                document(",\"length\":2") + "\r\n\r\none\r\n--b--",
                document(",\"length\":4") + "\r\n\r\none\r\n--b--",
                document(",\"digest\":\"md5-AAAAAAAAAAAAAAAAAAAAAA==\"") + "\r\n\r\none\r\n--b--",
                document("") + "\r\n\r\none",
                "\(Self.first){\"n\":\r\n--b--",
                "--b--",
            ]
            for body in bodies {
                #expect(
                    try await server.send("PUT", "/db/a", body, headers: headers).status == 400,
                    "\(body)"
                )
                #expect(try await server.send("GET", "/db/a").status == 404, "\(body)")
            }
            for type in ["", "Content-Type: text/plain\r\n"] {
                let body = "--b\r\n\(type)\r\n{}\r\n--b--"
                #expect(try await server.send("PUT", "/db/a", body, headers: headers).status == 415)
            }
        }
    }

    @Test("compressed content whose length is not what was claimed breaks off instead of running on")
    func falseLength() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            // "already compressed", 18 bytes
            let zipped = try #require(
                Base64.decode("H4sIAAAAAAACA0vMKUpNTKlUSM7PLShKLS5OTQEA/Co7NBIAAAA=".utf8)
            )
            for (length, status) in [(17, 500), (18, 200), (19, 500)] {
                let start = """
                    \(Self.first){"_attachments":{"f":{"follows":true,"content_type":"text/plain",\
                    "encoding":"gzip","length":\(length),"encoded_length":\(zipped.count)}}}\r\n--b\r\n\r\n
                    """
                let body = Array(start.utf8) + zipped + Array("\r\n--b--".utf8)
                let connection = try await server.connect()
                try await connection.send(
                    """
                    PUT /db/d\(length) HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=b\r\n\
                    Content-Length: \(body.count)\r\n\r\n
                    """
                )
                try await connection.send(body)
                #expect(try await connection.response().status == 201)
                let target = "/db/d\(length)/f"
                #expect(try await connection.exchange("GET", target).status == status)
                let stored = try await connection.exchange(
                    "HEAD",
                    target,
                    headers: [("Accept-Encoding", "gzip")]
                )
                #expect(stored.headers["content-length"] == "\(zipped.count)")
            }
        }
    }

    @Test("content comes with the document as multipart to those who take it, and as base64 to others")
    func reading() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let put = try await server.send("PUT", "/db/a", Self.related, headers: headers)
            let revision = try #require(try put.json["rev"]?.string)
            let json = try await server.send(
                "GET",
                "/db/a?attachments=true",
                headers: [("Accept", "application/json")]
            )
            #expect(try json.json["_attachments"]?["one.txt"]?["data"]?.string == "b25l")
            #expect(json.headers["etag"] == "\"\(revision)\"")
            let parts = try await server.send("GET", "/db/a?attachments=true")
            #expect(parts.headers["content-type"]?.hasPrefix("multipart/related; boundary=") == true)
            #expect(parts.headers["etag"] == "\"\(revision)\"")
            #expect(parts.body.contains("\r\n\r\ntwo\r\n--two\r\n--"))
            let since = "/db/a?atts_since=[\"\(revision)\"]"
            let known = try await server.send("GET", since)
            #expect(known.headers["content-type"] == "application/json")
            #expect(try known.json["_attachments"]?["two"]?["stub"]?.bool == true)
        }
    }

    @Test("copies have the attachments of what they were made from")
    func copies() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let large = String(repeating: "0123456789", count: 30_000)
            let first = try await server.send(
                "PUT",
                "/db/a/f",
                large,
                headers: [("Content-Type", "image/png")]
            )
            let revision = try #require(try first.json["rev"]?.string)
            let second = try await server.send(
                "PUT",
                "/db/a?rev=\(revision)",
                #"{"_attachments":{"f":{"stub":true}}}"#
            )
            #expect(second.status == 201)
            let copy = try await server.send("COPY", "/db/a", headers: [("Destination", "b")])
            #expect(copy.status == 201)
            #expect(try await server.send("GET", "/db/b/f").body == large)
            #expect(try await server.send("GET", "/db/b").json["_attachments"]?["f"]?["revpos"]?.int == 1)
        }
    }

    @Test("a stub that stands for nothing refuses a whole batch")
    func batches() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let batch = #"{"docs":[{"_id":"a"},{"_id":"b","_attachments":{"f":{"stub":true}}}]}"#
            let refused = try await server.send("POST", "/db/_bulk_docs", batch)
            #expect(refused.status == 412)
            #expect(try refused.json["reason"]?.string == "Invalid attachment stub in b for f")
            #expect(try await server.send("GET", "/db/a").status == 404)
            let good = #"{"docs":[{"_id":"a","_attachments":{"f":{"data":"AAE="}}},{"_id":"b"}]}"#
            #expect(try await server.send("POST", "/db/_bulk_docs", good).status == 201)
            #expect(try await server.send("GET", "/db/a/f").body.utf8.elementsEqual([0, 1]))
        }
    }

    @Test("lists of documents show stubs, or content where it is asked for")
    func lists() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            _ = try await server.send("PUT", "/db/a", #"{"_attachments":{"f":{"data":"AAE="}}}"#)
            for target in ["/db/_all_docs", "/db/_changes"] {
                let stubs = try await server.send("GET", "\(target)?include_docs=true")
                #expect(stubs.body.contains(#""length":2,"stub":true"#))
                let content = try await server.send("GET", "\(target)?include_docs=true&attachments=true")
                #expect(content.body.contains(#""data":"AAE=""#))
            }
        }
    }

    @Test("many revisions come as parts within parts, one document after the other")
    func nestedParts() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let large = String(repeating: "0123456789", count: 50_000)
            for id in ["a", "b"] {
                _ = try await server.send(
                    "PUT",
                    "/db/\(id)/f",
                    large,
                    headers: [("Content-Type", "image/png")]
                )
            }
            let answer = try await server.send(
                "POST",
                "/db/_bulk_get",
                #"{"docs":[{"id":"a"},{"id":"none"},{"id":"b"}]}"#,
                headers: [("Content-Type", "application/json"), ("Accept", "multipart/mixed")]
            )
            let pieces = answer.body.pieces(between: large)
            #expect(pieces == 3)
            let places = ["X-Doc-Id: a\r\n", "\"error\":\"not_found\"", "X-Doc-Id: b\r\n"].map { mark in
                answer.body.utf8.count - (answer.body.components(after: mark)?.utf8.count ?? 0)
            }
            #expect(places == places.sorted() && Set(places).count == 3)
        }
    }
}

extension String {
    /// What comes after the first place where a text stands.
    fileprivate func components(after text: String) -> Substring? {
        ranges(of: text).first.map { self[$0.upperBound...] }
    }
}
