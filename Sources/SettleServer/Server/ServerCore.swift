// What every connection shares: the databases, the limits, and the services behind some of the routes. Immutable or
// locked, so that any event loop may ask it anything at any time.

import Logging
import NIOPosix
import Settle
import SettleCore
import SettleReplication
import Synchronization

/// The part of a server that answers requests; it knows no sockets.
final class ServerCore: Sendable {
    /// Bodies larger than this are parsed off the event loop, which would stand still for other clients otherwise.
    static let offLoopBodySize = 64 * 1024

    let configuration: ServerConfiguration
    let folder: DatabaseFolder
    let logger: Logger
    let threadPool: NIOThreadPool
    let replication: ReplicationJobs
    let authenticator: Authenticator
    let identifiers = IdentifierSource()
    let events: EventLog
    let settings: SettingsStore
    let statistics = Statistics()
    let started = ContinuousClock.now
    private let address = Mutex("")

    init(
        configuration: ServerConfiguration,
        folder: DatabaseFolder,
        replication: ReplicationJobs,
        threadPool: NIOThreadPool,
        logger: Logger
    ) throws(SettleError) {
        self.configuration = configuration
        self.folder = folder
        self.replication = replication
        self.threadPool = threadPool
        self.logger = logger
        let settings = try SettingsStore(path: "\(folder.path)/.settle-config.json")
        self.settings = settings
        authenticator = Authenticator(administrator: configuration.administrator, settings: settings)
        try Self.createSystemDatabases(in: folder)
        events = EventLog(folder: folder)
    }

    /// Where the server listens, as `host:port`.
    var listeningAddress: String {
        get { address.withLock { $0 } }
        set { address.withLock { $0 = newValue } }
    }

    /// Answers a request; every error becomes a response here.
    func answer(_ request: Request) -> Answer {
        statistics.requests.add(1, ordering: .relaxed)
        do throws(SettleError) {
            return try route(request)
        } catch {
            if error.status >= 500, error.kind != .notImplemented {
                logger.error(
                    "A request failed",
                    metadata: [
                        "method": "\(request.method)", "target": "\(request.target.text)",
                        "error": "\(error)",
                    ]
                )
            }
            return .now(Response(error: error))
        }
    }

    /// The database that a segment of a path names.
    func database(_ segment: [UInt8]) throws(SettleError) -> Database {
        let name = String(decoding: segment, as: UTF8.self)
        guard let database = try folder.open(name) else { throw Database.doesNotExist }
        return database
    }

    /// Makes the databases that clients expect on every server, where they are not there yet.
    private static func createSystemDatabases(in folder: DatabaseFolder) throws(SettleError) {
        for name in ["_users", "_replicator"] {
            do throws(SettleError) {
                if try folder.open(name) == nil { _ = try folder.create(name) }
            } catch {
                // Another process was faster.
                if error.kind != .fileExists { throw error }
            }
        }
    }
}
