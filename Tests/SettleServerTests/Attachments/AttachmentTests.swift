import SettleCore
import SettleServer
import Testing

@Suite("Attachments over HTTP")
struct AttachmentTests {
    private let binary = [("Content-Type", "application/octet-stream")]

    @Test("an attachment comes back as it was sent, with its digest as entity tag")
    func roundTrip() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let put = try await server.send("PUT", "/db/a/f.bin", "0123456789", headers: binary)
            #expect(put.status == 201)
            #expect(put.headers["location"]?.hasSuffix("/db/a/f.bin") == true)
            #expect(put.headers["etag"] == nil)
            let got = try await server.send("GET", "/db/a/f.bin")
            #expect(got.body == "0123456789")
            #expect(got.headers["content-type"] == "application/octet-stream")
            #expect(got.headers["accept-ranges"] == "bytes")
            let tag = try #require(got.headers["etag"])
            #expect(tag == "\"eB5eJF1ptWaXm4bijSPyxw==\"")
            #expect(got.headers["content-md5"].map { "\"\($0)\"" } == tag)
            let head = try await server.send("HEAD", "/db/a/f.bin")
            #expect(head.status == 200)
            #expect(head.headers["content-length"] == "10")
            let cached = try await server.send("GET", "/db/a/f.bin", headers: [("If-None-Match", tag)])
            #expect(cached.status == 304)
        }
    }

    @Test("names may have slashes, blanks and any letters; ids of design documents, too")
    func names() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let targets = [
                "/db/a/x/y%2Fz.txt", "/db/b/%C3%A4%20%E2%82%AC", "/db/_design/d/p/q", "/db/c%2Fd/_",
            ]
            for target in targets.dropLast() {
                #expect(try await server.send("PUT", target, target, headers: binary).status == 201)
                #expect(try await server.send("GET", target).body == target)
            }
            #expect(try await server.send("PUT", targets[3], "x", headers: binary).status == 400)
            let invalid = try await server.send("PUT", "/db/e/%FF", "x", headers: binary)
            #expect(invalid.status == 400)
            let listed = try await server.send("GET", "/db/a").json
            #expect(listed["_attachments"]?.object?.members.map(\.name) == ["x/y/z.txt"])
            #expect(try await server.send("GET", "/db/_design/d").status == 200)
        }
    }

    @Test("text is compressed in the store, and decoded for those who don't take gzip")
    func compressed() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let text = String(repeating: "all work and no play ", count: 20_000)
            _ = try await server.send("PUT", "/db/a/t", text, headers: [("Content-Type", "text/plain")])
            let plain = try await server.send("GET", "/db/a/t")
            #expect(plain.body == text)
            #expect(plain.headers["content-encoding"] == nil)
            let refused = try await server.send("GET", "/db/a/t", headers: [("Accept-Encoding", "gzip;q=0")])
            #expect(refused.headers["content-encoding"] == nil)
            for accepted in ["gzip", "deflate, gzip;q=0.5", "*"] {
                let head = try await server.send("HEAD", "/db/a/t", headers: [("Accept-Encoding", accepted)])
                #expect(head.headers["content-encoding"] == "gzip")
                let length = try #require(head.headers["content-length"].flatMap { Int($0) })
                #expect(length < text.utf8.count / 20)
            }
            let head = try await server.send("HEAD", "/db/a/t")
            #expect(head.headers["content-length"] == String(text.utf8.count))
        }
    }

    @Test("an unknown coding of an upload is refused with 415")
    func badCoding() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let refused = try await server.send("PUT", "/db/a/t", "x", headers: [("Content-Encoding", "br")])
            #expect(refused.status == 415)
            #expect(try await server.send("GET", "/db/a").status == 404)
        }
    }

    @Test("ranges of content stored as it is are served, one plain and several in parts")
    func ranges() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let content = String(repeating: "0123456789", count: 60_000)
            _ = try await server.send("PUT", "/db/a/f", content, headers: binary)
            let late = try await server.send("GET", "/db/a/f", headers: [("Range", "bytes=599990-")])
            #expect(late.status == 206)
            #expect(late.body == "0123456789")
            #expect(late.headers["content-range"] == "bytes 599990-599999/600000")
            let large = try await server.send("GET", "/db/a/f", headers: [("Range", "bytes=5-500004")])
            #expect(large.body == String(content.dropFirst(5).prefix(500_000)))
            let several = try await server.send("GET", "/db/a/f", headers: [("Range", "bytes=1-2,-1")])
            #expect(several.status == 206)
            #expect(several.body.contains("Content-Range: bytes 1-2/600000\r\n\r\n12\r\n--"))
            #expect(several.body.contains("Content-Range: bytes 599999-599999/600000\r\n\r\n9\r\n--"))
            let beyond = try await server.send("GET", "/db/a/f", headers: [("Range", "bytes=600000-")])
            #expect(beyond.status == 416)
        }
    }

    @Test("an attachment is taken off with the current revision only, and only if it is there")
    func deletion() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let first =
                try await server.send("PUT", "/db/a/f", "x", headers: binary).json["rev"]?.string ?? ""
            #expect(try await server.send("DELETE", "/db/a/f").status == 409)
            #expect(try await server.send("DELETE", "/db/a/g").status == 404)
            #expect(try await server.send("DELETE", "/db/b/f").status == 404)
            let deleted = try await server.send("DELETE", "/db/a/f", headers: [("If-Match", "\"\(first)\"")])
            #expect(deleted.status == 200)
            #expect(deleted.headers["location"] == nil)
            #expect(try await server.send("GET", "/db/a/f").status == 404)
            #expect(try await server.send("GET", "/db/a/f?rev=\(first)").body == "x")
            #expect(try await server.send("GET", "/db/a").json["_attachments"] == nil)
        }
    }

    @Test("a revision that isn't there is a conflict of its own kind")
    func missingRevision() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            _ = try await server.send("PUT", "/db/a/f", "x", headers: binary)
            for target in ["/db/a/f?rev=1-abc", "/db/none/f?rev=1-abc"] {
                for method in ["PUT", "DELETE"] {
                    let refused = try await server.send(method, target)
                    #expect(refused.status == 409)
                    #expect(try refused.json["error"]?.string == "not_found")
                    #expect(try refused.json["reason"]?.string == "missing_rev")
                }
            }
            let conflict = try await server.send("PUT", "/db/a/f", "y", headers: binary)
            #expect(try conflict.json["error"]?.string == "conflict")
        }
    }

    @Test("a design document's attachments may be written below its encoded id")
    func encodedDesign() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            #expect(try await server.send("PUT", "/db/_design%2Fd/f", "x", headers: binary).status == 201)
            #expect(try await server.send("GET", "/db/_design/d/f").body == "x")
            #expect(try await server.send("GET", "/db/_design%2Fd/f").status == 301)
        }
    }

    @Test("an attachment leaves the document's own members alone")
    func membersStay() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let made = try await server.send("PUT", "/db/a", #"{"n":[1,2.50,"ü"]}"#).json["rev"]?.string ?? ""
            let put = try await server.send("PUT", "/db/a/f?rev=\(made)", "x", headers: binary)
            #expect(put.status == 201)
            let document = try await server.send("GET", "/db/a").json
            #expect(document["n"]?.array?.count == 3)
            #expect(document["_attachments"]?.object?.members.count == 1)
            #expect(try await server.send("PUT", "/db/a/f?rev=\(made)", "y", headers: binary).status == 409)
        }
    }
}
