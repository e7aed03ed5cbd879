import Crypto
import SettleCore
import SettleServer
import Testing

@Suite("Content that peers hold, by its SHA-256")
struct HeldContentTests {
    private static let key = Base64.encoded(Array(SHA256.hash(data: Array("tiny".utf8))))
    private static let digest = "md5-" + Base64.encoded(Array(Insecure.MD5.hash(data: Array("tiny".utf8))))

    /// A database with a document `a` that has an attachment `f`; answers with its revision.
    private func fill(_ server: TestServer) async throws -> String {
        _ = try await server.send("PUT", "/db")
        let body = #"{"_attachments":{"f":{"content_type":"image/png","data":"dGlueQ=="}}}"#
        return try #require(try await server.send("PUT", "/db/a", body).json["rev"]?.string)
    }

    /// A replicated document whose attachment is a stub that names content.
    private func reference(_ id: String, digest: String = digest, length: Int = 4, key: String = key)
        -> String
    {
        #"{"_id":"\#(id)","_rev":"1-x","_attachments":{"g":{"stub":true,"content_type":"image/gif","revpos":1,"#
            + #""digest":"\#(digest)","length":\#(length),"sha256":"\#(key)"}}}"#
    }

    @Test("is shown by its key to those who ask, and to nobody else")
    func shown() async throws {
        try await TestServer.run { server in
            let revision = try await fill(server)
            let plain = try await server.send("GET", "/db/a")
            #expect(try plain.json["_attachments"]?["f"]?["sha256"] == nil)
            for path in ["/db/a?att_sha256=true", "/db/a?att_sha256=true&rev=\(revision)"] {
                let entry = try await server.send("GET", path).json["_attachments"]?["f"]
                #expect(entry?["sha256"]?.string == Self.key)
                #expect(entry?["stub"] == true)
            }
            let body = #"{"docs":[{"id":"a","rev":"\#(revision)"}]}"#
            let answer = try await server.send("POST", "/db/_bulk_get?att_sha256=true", body)
            #expect(answer.body.contains(#""sha256":"\#(Self.key)""#))
        }
    }

    @Test("does not travel to those who say that they hold it")
    func held() async throws {
        try await TestServer.run { server in
            let revision = try await fill(server)
            let accept = [("Accept", "multipart/mixed"), ("Content-Type", "application/json")]
            for (held, isSent) in [(Self.key, false), ("AAAA", true)] {
                let body = #"{"docs":[{"id":"a","rev":"\#(revision)","atts_held":["\#(held)"]}]}"#
                let answer = try await server.send(
                    "POST",
                    "/db/_bulk_get?revs=true&attachments=true",
                    body,
                    headers: accept
                )
                #expect(answer.body.contains("tiny") == isSent)
                #expect(answer.body.contains(#""sha256":"\#(Self.key)""#) == !isSent)
                #expect(answer.body.contains(#""follows":true"#) == isSent)
            }
        }
    }

    @Test("is told apart from what is missing")
    func difference() async throws {
        try await TestServer.run { server in
            _ = try await fill(server)
            let other = Base64.encoded([UInt8](repeating: 1, count: 32))
            let body = #"{"sha256":["\#(Self.key)","\#(other)","nonsense"]}"#
            let answer = try await server.send("POST", "/db/_attachments_diff", body)
            #expect(answer.status == 200)
            #expect(answer.body == #"{"missing":["\#(other)"]}"# + "\n")
            #expect(try await server.send("GET", "/db/_attachments_diff").status == 405)
            #expect(try await server.send("POST", "/db/_attachments_diff", "{}").status == 400)
            #expect(try await server.send("POST", "/none/_attachments_diff", body).status == 404)
        }
    }

    @Test("may stand behind a stub of a replicated document, if all that is said of it is true")
    func references() async throws {
        try await TestServer.run { server in
            _ = try await fill(server)
            #expect(try await server.send("PUT", "/db/b?new_edits=false", reference("b")).status == 201)
            #expect(try await server.send("GET", "/db/b/g").body == "tiny")
            #expect(try await server.send("GET", "/db/b").json["_attachments"]?["g"]?["revpos"] == 1)
            let batch = #"{"new_edits":false,"docs":[\#(reference("c"))]}"#
            #expect(try await server.send("POST", "/db/_bulk_docs", batch).body == "[]\n")
            #expect(try await server.send("GET", "/db/c/g").body == "tiny")
            let lies = [
                reference("d", digest: "md5-AAAAAAAAAAAAAAAAAAAAAA=="), reference("d", length: 3),
                reference("d", key: Base64.encoded([UInt8](repeating: 1, count: 32))),
            ]
            for lie in lies {
                let answer = try await server.send("PUT", "/db/d?new_edits=false", lie)
                #expect(answer.status == 412)
                #expect(try answer.json["error"] == "missing_stub")
                let batch = #"{"new_edits":false,"docs":[\#(lie)]}"#
                #expect(try await server.send("POST", "/db/_bulk_docs", batch).status == 412)
            }
        }
    }

    @Test("stands behind no stub of an edit: that means the parent's attachment")
    func interactive() async throws {
        try await TestServer.run { server in
            _ = try await fill(server)
            let body = reference("b").replacing(#""_rev":"1-x","#, with: "")
            #expect(try await server.send("PUT", "/db/b", body).status == 412)
        }
    }
}
