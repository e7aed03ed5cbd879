import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Synchronization

@testable import SettleReplication

/// A source and a target in a folder of their own, either of which is reached through a server that misbehaves.
struct MisbehavingWorld: Sendable {
    let server: MisbehavingServer
    let folder: DatabaseFolder
    /// The databases `here`, beside the test, and `there`, behind the server.
    let here: Database
    let there: Database

    /// A URL of `there`.
    func url(_ account: String = "") -> String { server.url("there", account: account) }

    /// Copies what is there to here; the waits that this takes are noted and skipped.
    func pull(
        _ account: String = "",
        waits: Waits = Waits(),
        configure: (inout ReplicationOptions) -> Void = { _ in }
    ) async throws -> ReplicationResult {
        try await waits.run(
            try Replication(from: .url(url(account)), to: .database(here), configure: configure)
        )
    }

    /// Copies what is here to there.
    func push(
        _ account: String = "",
        waits: Waits = Waits(),
        configure: (inout ReplicationOptions) -> Void = { _ in }
    ) async throws -> ReplicationResult {
        try await waits.run(
            try Replication(from: .database(here), to: .url(url(account)), configure: configure)
        )
    }

    /// Whether both have the same.
    var isEqual: Bool { get throws { try here.contents() == there.contents() } }
}

/// The waits that replications ask for, which take no time.
final class Waits: Sendable {
    private let noted = Mutex<[Duration]>([])

    /// The waits so far, in their order.
    var all: [Duration] { noted.withLock { $0 } }

    /// Runs a replication without its waits.
    func run(_ replication: Replication) async throws -> ReplicationResult {
        let waiting = Waiting { [self] delay in
            noted.withLock { $0.append(delay) }
            try Task.checkCancellation()
            await Task.yield()
        }
        return try await Waiting.$current.withValue(waiting) { try await replication.run() }
    }
}

/// Runs a test between two databases, one of them behind a server that misbehaves.
func withMisbehavingServer(
    administrator: ServerConfiguration.Administrator? = nil,
    _ body: (MisbehavingWorld) async throws -> Void
) async throws {
    try await withServer(administrator: administrator) { settle, url in
        let port = Int(url.split(separator: ":").last ?? "") ?? 0
        let server = try await MisbehavingServer.start(to: HTTPEndpoint(port: port))
        let world = MisbehavingWorld(
            server: server,
            folder: settle.folder,
            here: try settle.folder.create("here"),
            there: try settle.folder.create("there")
        )
        do {
            try await body(world)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }
}

extension Database {
    /// Writes documents `d0`, `d1`, ….
    func fill(_ count: Int, prefix: String = "d") async throws {
        for number in 0..<count { try await put("\(prefix)\(number)", ["n": .number(JSONNumber(number))]) }
    }
}
