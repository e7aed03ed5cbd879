import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication through a proxy")
struct ProxyTests {
    private func pull(_ world: MisbehavingWorld, through proxy: String) async throws -> ReplicationResult {
        try await Waits().run(
            try Replication(from: .url(world.url()), to: .database(world.here)) { options in
                options.source.configure { $0.proxy = ProxyEndpoint(url: proxy) }
            }
        )
    }

    @Test("that speaks HTTP sends it whole URLs, and the proxy's own credentials")
    func forward() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            try await world.there.attach("picture", bytes: 300_000)
            let proxy = try await MisbehavingServer.start(to: nil)
            proxy.on({ $0.header("Proxy-Authorization") != "Basic Ym9iOnNlOmNyZXQ=" }) { _ in .page(407) }
            let address = "127.0.0.1:\(proxy.endpoint.port)"
            #expect(
                try await pull(world, through: "http://bob:se%3Acret@\(address)").statistics.documentsWritten
                    == 11
            )
            #expect(try world.isEqual)
            #expect(!proxy.requests.isEmpty)
            #expect(proxy.requests.allSatisfy { $0.path.hasPrefix("\(world.url())") })
            #expect(
                proxy.requests.allSatisfy { $0.header("Host") == "127.0.0.1:\(world.server.endpoint.port)" }
            )
            // What comes out of the proxy is for the database's eyes.
            #expect(world.server.requests.count == proxy.requests.count)

            let other = try world.folder.create("other")
            let error = try await #require(throws: SettleError.self) {
                try await Waits().run(
                    try Replication(from: .url(world.url()), to: .database(other)) { options in
                        options.source.configure {
                            $0.proxy = ProxyEndpoint(url: "http://bob:wrong@\(address)")
                        }
                    }
                )
            }
            #expect(error.reason.contains("407"))
            #expect(!error.reason.contains("wrong"))
            try await proxy.stop()
        }
    }

    @Test("gets documents with attachments to their target, too")
    func push() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(10)
            try await world.here.attach("picture", bytes: 300_000)
            let proxy = try await MisbehavingServer.start(to: nil)
            let url = "http://127.0.0.1:\(proxy.endpoint.port)"
            let result = try await Waits().run(
                try Replication(from: .database(world.here), to: .url(world.url())) { options in
                    options.target.configure { $0.proxy = ProxyEndpoint(url: url) }
                }
            )
            #expect(result.statistics.documentsWritten == 11)
            #expect(try world.isEqual)
            try await proxy.stop()
        }
    }

    @Test("that speaks SOCKS 5")
    func socks() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            let proxy = try await TunnelProxy.start()
            let result = try await pull(world, through: "socks5://127.0.0.1:\(proxy.endpoint.port)")
            #expect(result.statistics.documentsWritten == 10)
            #expect(proxy.asked.contains("SOCKS 127.0.0.1:\(world.server.endpoint.port)"))
            try await proxy.stop()
        }
    }

    @Test("that is not there says so, and names the proxy")
    func absent() async throws {
        try await withMisbehavingServer { world in
            for proxy in ["http://127.0.0.1:1", "socks5://127.0.0.1:1"] {
                let error = try await #require(throws: SettleError.self) {
                    try await pull(world, through: proxy)
                }
                #expect(error.reason.contains("does not answer through the proxy 127.0.0.1:1"))
            }
        }
    }
}
