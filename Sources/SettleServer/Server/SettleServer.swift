public import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
public import Settle
public import SettleCore
import SettleReplication

/// Serves the databases of a folder over CouchDB's HTTP interface.
///
/// For example:
///
///     let server = try SettleServer(configuration: ServerConfiguration(folder: "data"))
///     let port = try await server.start()
///     …
///     await server.shutdown()
public final class SettleServer: Sendable {
    /// The databases that are served.
    public let folder: DatabaseFolder
    let core: ServerCore
    private let group: MultiThreadedEventLoopGroup
    private let listener = ListeningChannel()
    private let logger: Logger

    /// Prepares a server; nothing listens yet.
    ///
    /// - Parameters:
    ///   - configuration: Where to listen and what to take.
    ///   - folder: The folder of `configuration`, if it is open already.
    ///   - logger: Where to tell what goes wrong.
    /// - Throws: `forbidden` for an address that others can reach, without an administrator; errors of the folder.
    public init(
        configuration: ServerConfiguration,
        folder: DatabaseFolder? = nil,
        logger: Logger = Logger(label: "settle")
    ) throws(SettleError) {
        guard configuration.isLoopback || configuration.administrator != nil else {
            throw SettleError(
                .forbidden,
                "Without an administrator the server only listens on the loopback, not on \(configuration.host)."
            )
        }
        self.logger = logger
        let opened: DatabaseFolder
        if let folder { opened = folder } else { opened = try DatabaseFolder(path: configuration.folder) }
        self.folder = opened
        let threads = configuration.eventLoopThreads
        group = MultiThreadedEventLoopGroup(numberOfThreads: threads > 0 ? threads : 2 * System.coreCount)
        core = try ServerCore(
            configuration: configuration,
            folder: opened,
            replication: ReplicationJobs(folder: opened, serverUUID: opened.uuid),
            threadPool: NIOThreadPool(numberOfThreads: max(2, System.coreCount)),
            logger: logger
        )
    }

    /// Begins to listen.
    ///
    /// - Returns: The port, which the system chose if the configuration says 0.
    /// - Throws: `internalError` with the system's reason where the address can't be taken.
    public func start() async throws(SettleError) -> Int {
        core.threadPool.start()
        let core = core
        do {
            let loops = try await LoopContexts(group)
            // Once before there are connections: when the first connections of several event loops need the same
            // generic types at the same moment, Swift 6.3's runtime can crash while it makes them.
            let loop = group.next()
            _ = try await loop.submit { Self.handlers(core, loops.context(of: loop)).count }.get()
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .childChannelOption(.maxMessagesPerRead, value: 4)
                .childChannelOption(
                    .writeBufferWaterMark,
                    value: .init(low: 64 * 1024, high: LoopContext.pieceSize)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers(
                            Self.handlers(core, loops.context(of: channel.eventLoop))
                        )
                    }
                }
                .bind(host: core.configuration.host, port: core.configuration.port).get()
            let port = channel.localAddress?.port ?? core.configuration.port
            core.listeningAddress = "\(core.configuration.host):\(port)"
            listener.set(channel, loops)
            core.applySettings(of: "replicator")
            core.replication.start()
            return port
        } catch {
            throw SettleError(
                .internalError,
                "Can't listen on \(core.configuration.host):\(core.configuration.port): \(error)"
            )
        }
    }

    /// What a connection's bytes pass through.
    private static func handlers(_ core: ServerCore, _ loop: LoopContext) -> [any ChannelHandler] {
        var limits = NIOHTTPDecoderLimitConfiguration()
        // The target counts as a field.
        limits.maxHeaderFieldSize = core.configuration.maximumTargetLength + 1024
        return [
            ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
            ),
            AttachmentCoding(),
            NIOHTTPRequestDecompressor(limit: .size(core.configuration.maximumRequestSize)),
            HTTPConnection(server: core, loop: loop),
        ]
    }

    /// Stops listening, ends feeds, lets requests in work finish, and returns when all connections are closed.
    public func shutdown() async {
        if let (channel, loops) = listener.take() {
            try? await channel.close().get()
            await core.replication.shutdown()
            await loops.shutDown(graceMilliseconds: 10_000)
        }
        try? await core.threadPool.shutdownGracefully()
        try? await group.shutdownGracefully()
    }
}
