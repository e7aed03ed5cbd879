import Foundation
import NIOSSL
import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication with TLS")
struct TransportSecurityTests {
    private func certificate(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Fixtures/certificates/\(name).pem").standardized.path
    }

    /// A world whose server speaks TLS.
    private func withSecureServer(
        askingForCertificates: Bool = false,
        _ body: (MisbehavingWorld, _ url: String) async throws -> Void
    ) async throws {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate("server")).map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate("server-key"), format: .pem))
        )
        if askingForCertificates {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .file(certificate("authority"))
        }
        let context = try NIOSSLContext(configuration: configuration)
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            let server = try await MisbehavingServer.start(to: world.server.server, tls: context)
            try await body(world, server.url("there", scheme: "https"))
            try await server.stop()
        }
    }

    private func pull(
        _ world: MisbehavingWorld,
        _ url: String,
        proxy: String? = nil,
        _ configure: (inout TLSOptions) -> Void = { _ in }
    ) async throws -> ReplicationResult {
        try await Waits().run(
            try Replication(from: .url(url), to: .database(world.here)) { options in
                options.source.configure { endpoint in
                    endpoint.proxy = proxy.flatMap { ProxyEndpoint(url: $0) }
                    configure(&endpoint.tls)
                }
            }
        )
    }

    @Test("does not talk to somebody whom nobody it trusts has vouched for, and says why")
    func unknown() async throws {
        try await withSecureServer { world, url in
            for authorities in [nil, certificate("stranger")] {
                let error = try await #require(throws: SettleError.self) {
                    try await pull(world, url) { $0.authoritiesFile = authorities }
                }
                #expect(error.reason.contains("no trusted connection to \(url)/"))
                #expect(error.reason.contains("CERTIFICATE_VERIFY_FAILED"))
            }
        }
    }

    @Test("trusts the authorities in the file that it is given")
    func authority() async throws {
        try await withSecureServer { world, url in
            let result = try await pull(world, url) { $0.authoritiesFile = certificate("authority") }
            #expect(result.statistics.documentsWritten == 10)
        }
    }

    @Test("does not ask who it is where that is switched off")
    func unverified() async throws {
        try await withSecureServer { world, url in
            let result = try await pull(world, url) { $0.verifiesPeer = false }
            #expect(result.statistics.documentsWritten == 10)
        }
    }

    @Test("shows its own certificate to a server that wants one, and is told when it has none")
    func clientCertificate() async throws {
        try await withSecureServer(askingForCertificates: true) { world, url in
            let error = try await #require(throws: SettleError.self) {
                try await pull(world, url) { $0.authoritiesFile = certificate("authority") }
            }
            #expect(
                error.reason.contains("no trusted connection") || error.reason.contains("does not answer")
            )
            let result = try await pull(world, url) { tls in
                tls.authoritiesFile = certificate("authority")
                tls.certificateFile = certificate("client")
                tls.keyFile = certificate("client-key")
            }
            #expect(result.statistics.documentsWritten == 10)
        }
    }

    @Test("says which file it cannot read")
    func noFile() async throws {
        try await withSecureServer { world, url in
            let error = try await #require(throws: SettleError.self) {
                try await pull(world, url) { $0.authoritiesFile = "/nowhere/authority.pem" }
            }
            #expect(error.kind == .badRequest)
            #expect(error.reason.contains("/nowhere/authority.pem"))
        }
    }

    @Test("goes through an HTTP proxy in a tunnel, with the proxy's credentials")
    func tunnel() async throws {
        try await withSecureServer { world, url in
            let proxy = try await TunnelProxy.start(credentials: "bob:se:cret")
            let address = "127.0.0.1:\(proxy.endpoint.port)"
            let result = try await pull(world, url, proxy: "http://bob:se%3Acret@\(address)") {
                $0.authoritiesFile = certificate("authority")
            }
            #expect(result.statistics.documentsWritten == 10)
            #expect(proxy.asked.allSatisfy { $0.hasPrefix("CONNECT 127.0.0.1:") } && !proxy.asked.isEmpty)
            let error = try await #require(throws: SettleError.self) {
                try await pull(world, url, proxy: "http://bob:wrong@\(address)") { $0.verifiesPeer = false }
            }
            #expect(error.reason.contains("wants to know who we are"))
            #expect(!error.reason.contains("wrong"))
            try await proxy.stop()
        }
    }

    @Test("goes through a SOCKS proxy, too")
    func socks() async throws {
        try await withSecureServer { world, url in
            let proxy = try await TunnelProxy.start()
            let result = try await pull(world, url, proxy: "socks5://127.0.0.1:\(proxy.endpoint.port)") {
                $0.authoritiesFile = certificate("authority")
            }
            #expect(result.statistics.documentsWritten == 10)
            #expect(proxy.asked.allSatisfy { $0.hasPrefix("SOCKS ") } && !proxy.asked.isEmpty)
            try await proxy.stop()
        }
    }

    @Test("does not take a server without TLS for one with")
    func plain() async throws {
        try await withMisbehavingServer { world in
            let url = world.server.url("there", scheme: "https")
            let error = try await #require(throws: SettleError.self) { try await pull(world, url) }
            #expect(error.reason.contains(url))
        }
    }
}
