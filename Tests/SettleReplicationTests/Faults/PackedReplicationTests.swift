import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication over a slow way")
struct PackedReplicationTests {
    /// A copy through a peer that packs as if it were far away.
    private func push(_ world: MisbehavingWorld) async throws -> ReplicationResult {
        try await replication(world, pulling: false)
    }

    private func replication(_ world: MisbehavingWorld, pulling: Bool) async throws -> ReplicationResult {
        let end = try #require(RemoteEndpoint(url: world.url()))
        let local = ReplicationEndpoint.local(name: "here")
        let options = ReplicationOptions(
            source: pulling ? .remote(end) : local,
            target: pulling ? local : .remote(end)
        )
        var peer = HTTPPeer(end, options)
        peer.packs = true
        let here = LocalPeer(world.here)
        return try await Waits().run(
            Replication(
                options,
                source: pulling ? peer : here,
                target: pulling ? here : peer,
                serverUUID: "u"
            )
        )
    }

    @Test("sends its questions and its documents packed, small ones aside")
    func packs() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(200)
            try await world.there.fill(1, prefix: "t")
            #expect(try await push(world).statistics.documentsWritten == 200)
            let documents = world.server.requests("_bulk_docs")
            #expect(documents.count { $0.header("Content-Encoding") == "gzip" } > 0)
            #expect(
                world.server.requests("_revs_diff").allSatisfy { $0.header("Content-Encoding") == "gzip" }
            )
            for request in documents + world.server.requests("_revs_diff")
            where request.header("Content-Encoding") == "gzip" {
                #expect(request.body?.starts(with: [0x1f, 0x8b]) == true)
            }
            #expect(world.server.requests("_local").allSatisfy { $0.header("Content-Encoding") == nil })
            #expect(
                world.server.requests.allSatisfy {
                    $0.header("Accept-Encoding") == "gzip" || $0.parts.contains("picture")
                }
            )
            #expect(world.server.requests("_bulk_docs").allSatisfy { $0.header("Content-Length") != nil })
        }
    }

    @Test("goes back to plain bodies where packed ones are not understood", arguments: [400, 415])
    func refused(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(300)
            try await world.there.fill(1, prefix: "t")
            world.server.on({ $0.header("Content-Encoding") == "gzip" }) { _ in
                .answer(status, #"{"error":"bad_request","reason":"invalid UTF-8 JSON"}"#)
            }
            let result = try await push(world)
            #expect(result.failures.isEmpty)
            #expect(result.statistics.documentsWritten == 300)
            #expect(world.server.requests.count { $0.header("Content-Encoding") == "gzip" } <= 2)
        }
    }

    @Test("takes packed answers")
    func packedAnswers() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(200)
            world.server.on({ _ in true }) { request in
                guard request.header("Accept-Encoding") == "gzip" else { return .pass }
                return .change { answer in
                    guard let packed = WirePacker.packed(answer.body) else { return }
                    answer.body = packed
                    answer.headers.append(("Content-Encoding", "gzip"))
                }
            }
            #expect(try await replication(world, pulling: true).statistics.documentsWritten == 200)
        }
    }

    @Test("reads again what was packed and cut")
    func packedAndCut() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(200)
            world.server.on("POST", "_bulk_get", times: 2) { _ in
                .change { answer in
                    guard let packed = WirePacker.packed(answer.body) else { return }
                    answer.body = packed.dropLast(20)
                    answer.headers.append(("Content-Encoding", "gzip"))
                }
            }
            #expect(try await replication(world, pulling: true).statistics.documentsWritten == 200)
        }
    }

    @Test("neither packs nor asks for it on one machine")
    func loopback() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(200)
            try await world.there.fill(200, prefix: "t")
            _ = try await world.push()
            _ = try await world.pull()
            for request in world.server.requests {
                #expect(request.header("Content-Encoding") == nil)
                #expect(request.header("Accept-Encoding") ?? "identity" == "identity")
            }
        }
    }
}
