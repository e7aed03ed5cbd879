import SettleCore
import SettleServer
import Testing

@Suite("Sessions over HTTP")
struct SessionTests {
    private func withServer(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run({ $0.administrator = .init(name: "bob", password: "se:cret") }, body)
    }

    private func logIn(_ server: TestServer) async throws -> String {
        let answer = try await server.send(
            "POST",
            "/_session",
            "name=bob&password=se%3Acret",
            headers: [("Content-Type", "application/x-www-form-urlencoded")]
        )
        #expect(answer.status == 200)
        return try #require(SessionCookie.value(in: answer.headers["set-cookie"] ?? ""))
    }

    @Test("a cookie is as good as the password, until somebody changes a letter of it")
    func cookie() async throws {
        try await withServer { server in
            #expect(try await server.send("GET", "/_all_dbs").status == 401)
            let cookie = try await logIn(server)
            let headers = [("Cookie", "other=1; AuthSession=\(cookie)")]
            #expect(try await server.send("GET", "/_all_dbs", headers: headers).status == 200)
            let session = try await server.send("GET", "/_session", headers: headers)
            #expect(try session.json["info"]?["authenticated"] == "cookie")
            #expect(try session.json["userCtx"] == ["name": "bob", "roles": ["_admin"]])
            #expect(session.headers["set-cookie"] == nil)
            let forged = SessionToken.text(name: "bob", time: 2_000_000_000, key: Array("guess".utf8))
            let answer = try await server.send(
                "GET",
                "/_all_dbs",
                headers: [("Cookie", "AuthSession=\(forged)")]
            )
            #expect(answer.status == 401)
            let broken = try await server.send(
                "GET",
                "/_session",
                headers: [("Cookie", "AuthSession=nonsense")]
            )
            #expect(broken.status == 400)
        }
    }

    @Test(
        "a login names its user as `name` or `username`, in a form or in JSON",
        arguments: [
            ("application/x-www-form-urlencoded", "username=bob&password=se%3Acret"),
            ("application/json", #"{"name":"bob","password":"se:cret"}"#),
            ("application/json", #"{"username":"bob","password":"se:cret"}"#),
        ]
    )
    func spellings(type: String, body: String) async throws {
        try await withServer { server in
            let answer = try await server.send("POST", "/_session", body, headers: [("Content-Type", type)])
            #expect(answer.status == 200)
            #expect(try answer.json["name"] == "bob")
        }
    }

    @Test(
        "a session that has used up a tenth of its time is renewed with the answer, and one that is over is none"
    )
    func renewal() async throws {
        try await withServer { server in
            let cookie = [("Cookie", "AuthSession=\(try await logIn(server))")]
            let timeout = "/_node/_local/_config/chttpd_auth/timeout"
            // The age of the session is rounded to seconds: nothing is older than a tenth of a negative time.
            #expect(try await server.send("PUT", timeout, "\"-1\"", headers: cookie).status == 200)
            #expect(try await server.send("GET", "/_all_dbs", headers: cookie).status == 401)
            let basic = [("Authorization", "Basic Ym9iOnNlOmNyZXQ=")]
            #expect(try await server.send("PUT", timeout, "\"1\"", headers: basic).status == 200)
            let token = try SessionToken(parsing: try await logIn(server))
            #expect(
                token.isCurrent(at: token.time, timeout: 1)
                    && !token.isCurrent(at: token.time + 1, timeout: 1)
            )
            #expect(
                !token.isDue(at: token.time + 60, timeout: 600)
                    && token.isDue(at: token.time + 61, timeout: 600)
            )
        }
    }

    @Test("wrong credentials take the cookie away, and a way to go on is followed only on this server")
    func wrong() async throws {
        try await withServer { server in
            let json = [("Content-Type", "application/json")]
            let wrong = try await server.send(
                "POST",
                "/_session?fail=/_up",
                #"{"name":"bob","password":"x"}"#,
                headers: json
            )
            #expect(wrong.status == 302)
            #expect(wrong.headers["set-cookie"]?.hasPrefix("AuthSession=;") == true)
            let right = #"{"name":"bob","password":"se:cret"}"#
            let next = try await server.send("POST", "/_session?next=//elsewhere/", right, headers: json)
            #expect(next.status == 302)
            let location = try #require(next.headers["location"])
            #expect(location.hasPrefix("http://") && location.hasSuffix("//elsewhere/"))
            let away = try await server.send("POST", "/_session?next=http://x/", right, headers: json)
            #expect(away.status == 400)
            let unused = #"{"name":"bob","password":"x"}"#
            #expect(try await server.send("POST", "/_session?next=x", unused, headers: json).status == 401)
            #expect(try await server.send("POST", "/_session", "{}", headers: json).status == 400)
            let out = try await server.send("DELETE", "/_session")
            #expect(out.status == 200)
            #expect(out.headers["set-cookie"]?.hasPrefix("AuthSession=;") == true)
        }
    }
}
