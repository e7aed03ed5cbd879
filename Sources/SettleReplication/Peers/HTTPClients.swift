// The clients through which peers are spoken to: one for every way of connecting, kept as long as the process lives, so
// that thousands of replications share their connections.

import AsyncHTTPClient
import NIOCore
import NIOHTTPCompression
import NIOSSL
import SettleCore
import Synchronization

/// HTTP clients by how they connect.
enum HTTPClients {
    /// A way of connecting.
    struct Key: Hashable {
        var proxy: ProxyEndpoint?
        var tls = TLSOptions()
        /// How many connections to one host are kept at most; a few more are opened in need.
        var connections: Int?
        /// How long a connection may be silent while an answer is due.
        var patience = Duration.seconds(30)
        /// Whether compressed answers are unpacked: all but the content of attachments, which travels as it is stored.
        var unpacks = false
        /// Whether the proxy is sent requests to forward, rather than asked for a tunnel.
        var forwards = false
    }

    private static let clients = Mutex<[Key: HTTPClient]>([:])

    /// The client for a way of connecting.
    ///
    /// - Throws: what is wrong with a certificate's file.
    static func client(_ key: Key) throws(PeerFailure) -> HTTPClient {
        if let client = clients.withLock({ $0[key] }) { return client }
        let made = try HTTPClient(configuration: configuration(key))
        let (client, isNew) = clients.withLock { clients in
            if let other = clients[key] { return (other, false) }
            clients[key] = made
            return (made, true)
        }
        if !isNew { made.shutdown { _ in } }
        return client
    }

    /// Where connections live: the same loops for all clients.
    static var loops: any EventLoopGroup { HTTPClient.defaultEventLoopGroup }

    private static func configuration(_ key: Key) throws(PeerFailure) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        let patience = TimeAmount(key.patience)
        configuration.timeout = .init(connect: min(.seconds(15), patience), read: patience)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(
            key.connections ?? 32,
            2
        )
        // Whether and when to try again is the replicator's decision.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Where to follow, and with what, too (`Redirection`).
        configuration.redirectConfiguration = .disallow
        if key.unpacks { configuration.decompression = .enabled(limit: .none) }
        if key.forwards {
            configuration.http1_1ConnectionDebugInitializer = { AbsoluteTargets.add(to: $0) }
        } else {
            configuration.proxy = key.proxy?.configuration
        }
        if key.tls != TLSOptions() { configuration.tlsConfiguration = try key.tls.configuration() }
        return configuration
    }
}

extension ProxyEndpoint {
    fileprivate var configuration: HTTPClient.Configuration.Proxy {
        switch kind {
        case .socks5: .socksServer(host: host, port: port)
        case .http:
            user.map { user in
                .server(
                    host: host,
                    port: port,
                    authorization: .basic(username: user, password: password ?? "")
                )
            } ?? .server(host: host, port: port)
        }
    }
}

extension TLSOptions {
    fileprivate func configuration() throws(PeerFailure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if !verifiesPeer { configuration.certificateVerification = .none }
        do {
            if let authoritiesFile {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authoritiesFile))
            }
            if let certificateFile, let keyFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificateFile)
                    .map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
            }
        } catch {
            let files = [authoritiesFile, certificateFile, keyFile].compactMap(\.self).joined(separator: ", ")
            throw PeerFailure(
                .status(400),
                name: "bad_request",
                reason: "The certificates cannot be read (\(files)): \(error)"
            )
        }
        return configuration
    }
}
