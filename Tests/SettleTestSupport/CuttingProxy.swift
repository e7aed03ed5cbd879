// A network that fails: passes bytes on to a port, and cuts every connection that has carried too long an answer.

import NIOCore
import NIOPosix
import Synchronization

/// A proxy that cuts connections after so many bytes of answers.
package final class CuttingProxy: Sendable {
    private let listener: any Channel
    private let counted: Counter

    /// The port to connect to.
    package let port: Int
    /// How many connections were cut.
    package var cuts: Int { counted.value.withLock { $0 } }

    fileprivate final class Counter: Sendable {
        let value = Mutex(0)
        private let most: Int

        init(_ most: Int) { self.most = most }

        /// Whether one more connection may be cut.
        func cut() -> Bool {
            value.withLock { value in
                guard value < most else { return false }
                value += 1
                return true
            }
        }
    }

    private init(_ listener: any Channel, _ counted: Counter) throws {
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        self.listener = listener
        self.counted = counted
        self.port = port
    }

    /// Listens on a port of its own.
    ///
    /// - Parameters:
    ///   - largestAnswer: How many bytes a connection may carry from the server.
    ///   - mostCuts: How many connections are cut; later ones are left alone.
    package static func start(
        to port: Int,
        largestAnswer: Int,
        mostCuts: Int = .max
    ) async throws -> CuttingProxy {
        let counted = Counter(mostCuts)
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            let answers = ForwardingHandler(to: client, limit: largestAnswer, counted)
                            try server.pipeline.syncOperations.addHandler(answers)
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { server in
                        let requests = ForwardingHandler(to: server, limit: .max, counted)
                        try client.pipeline.syncOperations.addHandler(requests)
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return try CuttingProxy(listener, counted)
    }

    /// Stops listening.
    package func stop() async throws { try await listener.close().get() }
}

/// Passes what it reads on to another connection on the same event loop.
private final class ForwardingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private var left: Int
    private let counted: CuttingProxy.Counter

    init(to other: any Channel, limit: Int, _ counted: CuttingProxy.Counter) {
        self.other = other
        left = limit
        self.counted = counted
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        left -= bytes.readableBytes
        guard left < 0, counted.cut() else { return other.writeAndFlush(bytes, promise: nil) }
        other.close(promise: nil)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
}
