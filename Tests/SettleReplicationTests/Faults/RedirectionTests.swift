import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication that is redirected")
struct RedirectionReplicationTests {
    private let account = ServerConfiguration.Administrator(name: "bob", password: "se:cret")

    @Test(
        "follows with the same method and body, also with attachments",
        arguments: [301, 302, 307, 308]
    )
    func follows(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(10)
            try await world.here.attach("picture", bytes: 300_000)
            try await world.there.fill(10, prefix: "t")
            // A database `old` that has moved to `there`, as relative reference.
            world.server.on({ $0.parts.first == "old" }) { request in
                .redirect(status, "/there" + request.path.dropFirst("/old".count))
            }
            let old = world.server.url("old")
            #expect(
                try await Waits().run(Replication(from: .database(world.here), to: .url(old))).failures
                    .isEmpty
            )
            _ = try await Waits().run(Replication(from: .url(old), to: .database(world.here)))
            #expect(try world.isEqual)
            #expect(
                world.server.requests.contains { $0.method == "POST" && $0.parts == ["there", "_bulk_docs"] }
            )
            if status == 301 || status == 308 {
                // What has moved for good is asked for in its new place from then on.
                #expect(world.server.requests("old").count < 10)
            }
        }
    }

    @Test("gets with GET what a 303 says is elsewhere")
    func seeOther() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(3)
            world.server.on("GET", "there", times: 1) { _ in .redirect(303, "../there") }
            world.server.on("GET", "_changes", times: 1) { request in
                .redirect(303, "?" + request.path.split(separator: "?")[1] + "&seen=1")
            }
            #expect(try await world.pull().statistics.documentsWritten == 3)
            #expect(world.server.requests("_changes").contains { $0.path.hasSuffix("&seen=1") })
        }
    }

    @Test("ends when it is sent in a circle, or on and on")
    func circle() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(3)
            world.server.on("POST", "_bulk_get") { _ in .redirect(302, "/there/_bulk_get?again") }
            let error = try await #require(throws: SettleError.self) { try await world.pull() }
            #expect(error.reason.contains("redirects again and again"))
            world.server.on("GET", "there") { request in .redirect(302, request.path + "/x") }
            let other = try await #require(throws: SettleError.self) { try await world.pull() }
            #expect(other.reason.contains("redirects again and again"))
        }
    }

    @Test("does not follow to something that is no web address")
    func nowhere() async throws {
        try await withMisbehavingServer { world in
            world.server.on("GET", "there") { _ in .redirect(302, "file:///etc/passwd") }
            let error = try await #require(throws: SettleError.self) { try await world.pull() }
            #expect(error.reason.contains("302"))
        }
    }

    @Test("takes neither password nor cookie nor headers along to another server, and says so")
    func otherOrigin() async throws {
        try await withMisbehavingServer(administrator: account) { world in
            try await world.there.fill(3)
            let other = try await MisbehavingServer.start(to: world.server.server)
            world.server.on({ $0.parts.first == "there" }) { request in
                .redirect(301, "http://127.0.0.1:\(other.endpoint.port)" + request.path)
            }
            var end = try #require(RemoteEndpoint(url: world.url("bob:se%3Acret@")))
            end.setHeader("X-Token", "sesame")
            let options = ReplicationOptions(source: .remote(end), target: .local(name: "here"))
            let replication = Replication(
                options,
                source: HTTPPeer(end, options),
                target: LocalPeer(world.here),
                serverUUID: "u"
            )
            let error = try await #require(throws: SettleError.self) { try await Waits().run(replication) }
            #expect(error.kind == .replicationAuthentication)
            #expect(error.reason.contains("where no credentials are sent"))
            #expect(!error.reason.contains("se:cret"))
            #expect(!other.requests.isEmpty)
            for request in other.requests {
                #expect(request.header("Authorization") == nil)
                #expect(request.header("Cookie") == nil)
                #expect(request.header("X-Token") == nil)
            }
            // The first server knows who asks.
            #expect(
                world.server.requests.contains {
                    $0.header("Cookie") != nil && $0.header("X-Token") == "sesame"
                }
            )
            try await other.stop()
        }
    }

    @Test("goes to another server that wants no credentials")
    func openOrigin() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5)
            try await world.here.attach("picture", bytes: 300_000)
            let other = try await MisbehavingServer.start(to: world.server.server)
            world.server.on({ $0.parts.first == "there" }) { request in
                .redirect(307, "http://127.0.0.1:\(other.endpoint.port)" + request.path)
            }
            #expect(try await world.push().statistics.documentsWritten == 6)
            #expect(try world.isEqual)
            try await other.stop()
        }
    }
}
