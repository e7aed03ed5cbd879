import SettleCore
import SettleServer
import Testing

@Suite("Forms over HTTP")
struct FormTests {
    private func form(_ server: TestServer, _ parts: [(disposition: String, content: String)]) -> String {
        parts.map {
            "--b\r\nContent-Disposition: form-data; \($0.disposition)\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\n\r\n\($0.content)\r\n"
        }.joined() + "--b--\r\n"
    }

    private func send(
        _ server: TestServer,
        _ body: String,
        referer: String? = nil,
        type: String = "multipart/form-data; boundary=b"
    ) async throws -> TestResponse {
        try await server.send(
            "POST",
            "/db/a",
            body,
            headers: [
                ("X-Forwarded-Host", "here:5984"), ("Referer", referer ?? "http://here:5984/page?x"),
                ("Content-Type", type),
            ]
        )
    }

    @Test("files are put to the revision that the form names, the new ones first")
    func files() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let old = #"{"n":1,"_attachments":{"old":{"data":"eA=="},"f":{"data":"eQ=="}}}"#
            let put = try await server.send("PUT", "/db/a", old)
            let revision = try #require(try put.json["rev"]?.string)
            let file = (#"name="_attachments"; filename="f""#, "contents")
            let body = form(server, [(#"name="_rev""#, revision), file])
            let answer = try await send(server, body)
            #expect(answer.status == 201)
            #expect(answer.headers["etag"] != nil)
            #expect(answer.headers["location"] == nil)
            let document = try await server.send("GET", "/db/a").json
            #expect(document["n"]?.int == 1)
            #expect(document["_attachments"]?.object?.members.map(\.name) == ["f", "old"])
            #expect(document["_attachments"]?["f"]?["content_type"]?.string == "text/plain")
            #expect(try await server.send("GET", "/db/a/f").body == "contents")
            #expect(try await send(server, body).status == 409)
            let unknown = form(server, [(#"name="_rev""#, "7-x"), file])
            #expect(try await send(server, unknown).json["reason"]?.string == "missing_rev")
        }
    }

    @Test("a form may bring the whole document")
    func document() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let text = #"{"n":2,"_attachments":{"f":{"data":"eQ=="},"g":{"data":"eQ=="}}}"#
            let body = form(
                server,
                [(#"name="_doc""#, text), (#"name="_attachments"; filename="f""#, "contents")]
            )
            #expect(try await send(server, body).status == 201)
            let document = try await server.send("GET", "/db/a").json
            #expect(document["n"]?.int == 2)
            #expect(document["_attachments"]?.object?.members.map(\.name) == ["f", "g"])
            #expect(try await server.send("GET", "/db/a/f").body == "contents")
        }
    }

    @Test("forms of other sites, other bodies and forms that say nothing are refused")
    func refusals() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let empty = form(server, [])
            let missing = try await server.send("POST", "/db/a", empty)
            #expect(try missing.json["reason"]?.string == "Referer header required.")
            for referer in ["http://there:5984/", "here:5984", "/page", "http://here/"] {
                let refused = try await send(server, empty, referer: referer)
                #expect(refused.status == 400)
                #expect(try refused.json["reason"]?.string == "Referer header must match host.")
            }
            #expect(try await send(server, "a=b", type: "application/x-www-form-urlencoded").status == 415)
            #expect(try await send(server, "{}", type: "application/json").status == 415)
            #expect(try await send(server, empty).status == 400)
            #expect(try await server.send("GET", "/db/a").status == 404)
        }
    }
}
