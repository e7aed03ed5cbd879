import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

/// Whatever goes wrong, and wherever somebody looks: no password, no cookie, no header of the endpoint.
@Suite("A replication with credentials")
struct CredentialTests {
    private static let secrets = [
        "se:cret", "se%3Acret", "c2U6Y3JldA", "Ym9iOnNlOmNyZXQ=", "sesame", "pro:xy", "pro%3Axy",
    ]

    private func expectNoSecret(_ text: String, _ place: String) {
        for secret in Self.secrets where text.contains(secret) {
            Issue.record("\(place) shows \(secret): \(text)")
        }
    }

    @Test(
        "shows them nowhere, whatever its peer answers",
        arguments: [
            "401", "403", "404", "429", "500", "page", "garbage", "redirect", "close", "proxy", "tls",
        ]
    )
    func errors(fault: String) async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(2)
            var url = world.url("bob:se%3Acret@")
            var proxy: String?
            switch fault {
            case "page": world.server.on("GET", "there") { _ in .page(200) }
            case "garbage": world.server.on("GET", "there") { _ in .answer(200, "nonsense") }
            case "redirect":
                world.server.on("GET", "there") { request in
                    .redirect(302, "http://bob:se%3Acret@127.0.0.1:1" + request.path)
                }
            case "close": world.server.on("GET", "there") { _ in .close }
            case "proxy": proxy = "http://bob:pro%3Axy@127.0.0.1:1"
            case "tls": url = url.replacing("http://", with: "https://")
            default: world.server.on("GET", "there") { _ in .answer(Int(fault) ?? 500) }
            }
            var end = try #require(RemoteEndpoint(url: url))
            end.setHeader("X-Token", "sesame")
            end.proxy = proxy.flatMap { ProxyEndpoint(url: $0) }
            let options = ReplicationOptions(source: .remote(end), target: .local(name: "here"))
            let peer = HTTPPeer(end, options)
            let replication = Replication(
                options,
                source: peer,
                target: LocalPeer(world.here),
                serverUUID: "u"
            )
            let error = try await #require(throws: SettleError.self) { try await Waits().run(replication) }
            expectNoSecret("\(error)", "the error")
            expectNoSecret(error.reason, "the reason")
            expectNoSecret(peer.shownName, "the name")
            expectNoSecret("\(replication.status)", "the status")
        }
    }

    @Test("shows them neither in `_active_tasks`, nor in `_scheduler`, nor in the job's document's state")
    func server() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(3)
            let endpoint = try #require(world.server.server)
            let source = """
                {"url":"\(world.url("bob:se%3Acret@"))","headers":{"X-Token":"sesame"}}
                """
            func put(_ id: String, _ source: String, continuous: Bool) async throws {
                let body = """
                    {"source":\(source),"target":"here","continuous":\(continuous)}
                    """
                let answer = try await endpoint.send(
                    HTTPRequest(
                        "PUT",
                        "/_replicator/\(id)",
                        headers: [("Content-Type", "application/json")],
                        body: Array(body.utf8)
                    )
                )
                #expect(answer.status == 201)
            }
            try await put("runs", source, continuous: true)
            try await put("fails", source.replacing("/there", with: "/none"), continuous: false)
            func get(_ path: String) async throws -> String {
                try await endpoint.send(HTTPRequest("GET", path)).text
            }
            for _ in 0..<200 {
                let jobs = try await get("/_scheduler/docs")
                if jobs.contains("running"), jobs.contains("crashing") { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            let jobs = try await get("/_scheduler/docs")
            #expect(jobs.contains("runs") && jobs.contains("fails"))
            #expect(try await get("/_active_tasks").contains("replication"))
            for path in [
                "/_active_tasks", "/_scheduler/docs", "/_scheduler/jobs", "/_scheduler/docs/_replicator/runs",
                "/_scheduler/docs/_replicator/fails",
            ] {
                expectNoSecret(try await get(path), path)
            }
            // The document is as its author wrote it; what the server adds to it has no secrets.
            let failed = try JSONValue(parsing: Array(try await get("/_replicator/fails").utf8))
            for member in failed.object?.members ?? [] where member.name.hasPrefix("_replication") {
                expectNoSecret(member.value.text, member.name)
            }
        }
    }
}
