// A network that fails: passes bytes on to a server, and cuts connections at random or chosen places.
//
// Whoever talks through it sees what a bad line does: a request of which the server got half, an answer that ends in the
// middle of a header, an attachment that stops. The server may be replaced by another one meanwhile.

import NIOCore
import NIOPosix
import Synchronization

/// A proxy in front of a server, which cuts connections as long as it is told to.
package final class CuttingProxy: Sendable {
    /// When connections are cut.
    package enum Cuts: Sendable {
        case never
        /// After so many bytes of answers; no more than so many connections.
        case afterAnswer(Int, most: Int = .max)
        /// After so many bytes either way, at most: half of all connections before a hundredth of that.
        case atRandom(within: Int)
    }

    private struct State {
        var server: HTTPEndpoint
        var cuts: Cuts
        var random: SeededGenerator
        var count = 0
        var bytes = 0
        /// What requests say, and what the server hears instead: texts of the same length.
        var misheard: [(said: [UInt8], heard: [UInt8])] = []
    }

    fileprivate final class Plan: Sendable {
        private let state: Mutex<State>

        init(_ server: HTTPEndpoint, _ cuts: Cuts, seed: UInt64) {
            state = Mutex(State(server: server, cuts: cuts, random: SeededGenerator(seed: seed)))
        }

        var server: HTTPEndpoint {
            get { state.withLock { $0.server } }
            set { state.withLock { $0.server = newValue } }
        }

        var count: Int { state.withLock { $0.count } }

        var bytes: Int { state.withLock { $0.bytes } }

        func mishear(_ said: String, as heard: String) {
            precondition(said.utf8.count == heard.utf8.count)
            state.withLock { $0.misheard.append((Array(said.utf8), Array(heard.utf8))) }
        }

        /// Counts bytes that travel, and changes what is misheard in a request.
        func pass(_ bytes: inout ByteBuffer, isRequest: Bool) {
            let misheard = state.withLock { state in
                state.bytes += bytes.readableBytes
                return state.misheard
            }
            guard isRequest else { return }
            for (said, heard) in misheard {
                while let range = bytes.readableBytesView.firstRange(of: said) {
                    bytes.setBytes(heard, at: range.lowerBound)
                }
            }
        }

        func set(_ cuts: Cuts) { state.withLock { $0.cuts = cuts } }

        /// How many bytes of requests and of answers a new connection may carry.
        func limits() -> (requests: Int, answers: Int) {
            state.withLock { state in
                switch state.cuts {
                case .never: return (.max, .max)
                case .afterAnswer(let count, _): return (.max, count)
                case .atRandom(let count):
                    let isEarly = Bool.random(using: &state.random)
                    let limit = Int.random(in: 0...(isEarly ? count / 100 : count), using: &state.random)
                    return Bool.random(using: &state.random) ? (limit, .max) : (.max, limit)
                }
            }
        }

        /// Whether one more connection may be cut.
        func cut() -> Bool {
            state.withLock { state in
                switch state.cuts {
                case .never: return false
                case .afterAnswer(_, let most): guard state.count < most else { return false }
                case .atRandom: break
                }
                state.count += 1
                return true
            }
        }
    }

    private let listener: any Channel
    private let plan: Plan

    /// Where to connect to.
    package let endpoint: HTTPEndpoint
    /// How many connections were cut.
    package var cuts: Int { plan.count }
    /// How many bytes have travelled, both ways together.
    package var bytes: Int { plan.bytes }

    /// Lets the server hear something else than what requests say, such as another path: a text of the same length.
    ///
    /// So a server that knows something behaves like one that does not.
    package func mishear(_ said: String, as heard: String) { plan.mishear(said, as: heard) }

    /// What stands behind the proxy; new connections go to it.
    package var server: HTTPEndpoint {
        get { plan.server }
        set { plan.server = newValue }
    }

    /// Cuts otherwise from now on; `never` spares also the connections that there are.
    package func set(_ cuts: Cuts) { plan.set(cuts) }

    private init(_ listener: any Channel, host: String, _ plan: Plan) throws {
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        self.listener = listener
        self.plan = plan
        endpoint = HTTPEndpoint(host: host, port: port)
    }

    /// Listens on a port of its own, in front of a server.
    package static func start(
        to server: HTTPEndpoint,
        cutting cuts: Cuts = .never,
        listeningOn host: String = "127.0.0.1",
        seed: UInt64 = 1
    ) async throws -> CuttingProxy {
        let plan = Plan(server, cuts, seed: seed)
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                let limits = plan.limits()
                let server = plan.server
                return ClientBootstrap(group: client.eventLoop)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture {
                            let answers = ForwardingHandler(
                                to: client,
                                limit: limits.answers,
                                plan,
                                isRequest: false
                            )
                            try server.pipeline.syncOperations.addHandler(answers)
                        }
                    }
                    .connect(host: server.host, port: server.port)
                    .flatMapThrowing { server in
                        let requests = ForwardingHandler(
                            to: server,
                            limit: limits.requests,
                            plan,
                            isRequest: true
                        )
                        try client.pipeline.syncOperations.addHandler(requests)
                    }
                    .flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: host, port: 0).get()
        return try CuttingProxy(listener, host: host, plan)
    }

    /// Stops listening.
    package func stop() async throws { try await listener.close().get() }
}

/// Passes what it reads on to another connection on the same event loop.
private final class ForwardingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private var left: Int
    private let plan: CuttingProxy.Plan
    private let isRequest: Bool

    init(to other: any Channel, limit: Int, _ plan: CuttingProxy.Plan, isRequest: Bool) {
        self.isRequest = isRequest
        self.other = other
        left = limit
        self.plan = plan
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        plan.pass(&bytes, isRequest: isRequest)
        guard bytes.readableBytes > left, plan.cut() else {
            if left < .max { left = max(0, left - bytes.readableBytes) }
            return other.writeAndFlush(bytes, promise: nil)
        }
        // What comes before the cut still arrives.
        if let rest = bytes.readSlice(length: left), left > 0 { other.writeAndFlush(rest, promise: nil) }
        other.close(promise: nil)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
}
