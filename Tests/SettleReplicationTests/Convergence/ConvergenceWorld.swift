// The peers of a convergence test, and the network between them.
//
// Some are databases of this process, which replications here ask directly; others belong to servers that can be killed,
// in network namespaces where the machine allows that. Every connection between two of them goes through a proxy, which
// stays where it is when the server behind it comes back on another port: so replications keep their names, and
// their checkpoints count.

import Foundation
import Settle
import SettleCore
import SettleServer
import SettleTestSupport

@testable import SettleReplication

/// A server and where it keeps its databases.
actor ConvergencePeer {
    private enum Server {
        /// A server of this process.
        case here(SettleServer)
        case process(ServerProcess)
    }

    nonisolated let directory = TemporaryDirectory()
    nonisolated let namespace: NetworkNamespace?
    /// The databases, if the server is one of this process.
    nonisolated let folder: DatabaseFolder?
    private var server: Server
    private(set) var endpoint: HTTPEndpoint

    /// A server of this process.
    init() async throws {
        namespace = nil
        var configuration = ServerConfiguration(folder: directory.path)
        configuration.port = 0
        configuration.administrator = .init(name: "admin", password: "adminpw")
        let folder = try DatabaseFolder(path: directory.path, options: StoreOptions(syncsCommits: false))
        let server = try SettleServer(configuration: configuration, folder: folder)
        self.folder = folder
        self.server = .here(server)
        endpoint = HTTPEndpoint(port: try await server.start())
    }

    /// A server in a process of its own.
    init(in namespace: NetworkNamespace?) throws {
        self.namespace = namespace
        folder = nil
        let process = try Self.start(directory, namespace)
        (server, endpoint) = (.process(process), process.endpoint)
    }

    private static func start(
        _ directory: TemporaryDirectory,
        _ namespace: NetworkNamespace?
    ) throws -> ServerProcess {
        // What was handed to the system survives a killed process; waiting for the disk would only take time.
        try ServerProcess(folder: directory.path, environment: ["SETTLE_UNSAFE_NOSYNC": "1"], in: namespace)
    }

    /// Kills the server and starts it again, at another endpoint; a server of this process stays.
    func kill() throws -> HTTPEndpoint {
        guard case .process(let process) = server else { return endpoint }
        process.kill()
        let next = try Self.start(directory, namespace)
        (server, endpoint) = (.process(next), next.endpoint)
        return endpoint
    }

    func stop() async {
        switch server {
        case .here(let server): await server.shutdown()
        case .process(let process): process.kill()
        }
    }
}

/// Peers, and lines between them.
actor ConvergenceWorld {
    static let peerCount = 4
    private let peers: [ConvergencePeer]
    /// From an observer's address and to a peer.
    private var lines: [Line: CuttingProxy] = [:]
    private var random: SeededGenerator

    private struct Line: Hashable {
        /// Where the proxy listens, as the observer can reach it.
        let host: String
        let peer: Int
    }

    /// Two peers in this process, two in processes of their own.
    init(seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        peers = [
            try await ConvergencePeer(), try await ConvergencePeer(),
            try ConvergencePeer(in: NetworkNamespace()), try ConvergencePeer(in: NetworkNamespace()),
        ]
    }

    func stop() async throws {
        for line in lines.values { try await line.stop() }
        for peer in peers { await peer.stop() }
    }

    func endpoint(_ peer: Int) async -> HTTPEndpoint { await peers[peer].endpoint }

    /// The URL of a database, as an observer sees it: a peer, or the tests themselves.
    func url(_ database: String, of peer: Int, seenBy observer: Int?, cuts: Int?) async throws -> String {
        let host = observer.flatMap { peers[$0].namespace?.gateway } ?? "127.0.0.1"
        let line = Line(host: host, peer: peer)
        let proxy: CuttingProxy
        if let known = lines[line] {
            proxy = known
        } else {
            let started = try await CuttingProxy.start(
                to: endpoint(peer),
                listeningOn: host,
                seed: random.next()
            )
            // Somebody else may have come first.
            proxy = lines[line] ?? started
            lines[line] = proxy
        }
        proxy.set(cuts.map { .atRandom(within: $0) } ?? .never)
        return "http://admin:adminpw@\(host):\(proxy.endpoint.port)/\(database)"
    }

    /// How many connections were cut.
    var cuts: Int { lines.values.reduce(0) { $0 + $1.cuts } }

    func kill(_ peer: Int) async throws {
        let endpoint = try await peers[peer].kill()
        for (line, proxy) in lines where line.peer == peer { proxy.server = endpoint }
    }

    /// The peer's folder, if it is one of this process.
    func folder(_ peer: Int) -> DatabaseFolder? { peers[peer].folder }

    func path(_ database: String, of peer: Int) -> String {
        "\(peers[peer].directory.path)/\(database).settle"
    }
}
