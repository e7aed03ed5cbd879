// A proxy that passes bytes on, without reading them, to wherever its client says: with HTTP's `CONNECT`, or SOCKS 5.

import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A proxy for tests.
package final class TunnelProxy: Sendable {
    private let listener: any Channel
    private let log: TunnelLog
    /// Where to connect to.
    package let endpoint: HTTPEndpoint

    private init(_ listener: any Channel, _ log: TunnelLog) throws {
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        self.listener = listener
        self.log = log
        endpoint = HTTPEndpoint(port: port)
    }

    /// Listens on a port of its own; `credentials`, written `user:password`, are asked for if given.
    package static func start(credentials: String? = nil) async throws -> TunnelProxy {
        let log = TunnelLog()
        let expected = credentials.map { "Basic " + Data($0.utf8).base64EncodedString() }
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TunnelHandler(log, expected))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return try TunnelProxy(listener, log)
    }

    package func stop() async throws { try await listener.close().get() }

    /// What clients wanted to be connected with, such as `CONNECT peer.example:443` or `SOCKS 127.0.0.1:80`.
    package var asked: [String] { log.asked.withLock { $0 } }
}

private final class TunnelLog: Sendable {
    let asked = Mutex<[String]>([])
}

/// Reads what the client wants, then is a tunnel.
private final class TunnelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let log: TunnelLog
    private let credentials: String?
    private var pending: [UInt8] = []
    private var greeted = false
    private var other: (any Channel)?
    private var isConnecting = false

    init(_ log: TunnelLog, _ credentials: String?) {
        self.log = log
        self.credentials = credentials
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if let other { return other.writeAndFlush(bytes, promise: nil) }
        pending += bytes.readableBytesView
        guard !isConnecting else { return }
        if pending.first == 5 { readSOCKS(context) } else { readConnect(context) }
    }

    func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }

    private func readConnect(_ context: ChannelHandlerContext) {
        let text = String(decoding: pending, as: UTF8.self)
        guard text.contains("\r\n\r\n") else { return }
        let lines = text.split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        pending = []
        let given = lines.first { $0.lowercased().hasPrefix("proxy-authorization: ") }?.dropFirst(21)
        guard words.count > 1, words[0] == "CONNECT",
            credentials.map({ $0 == given.map(String.init) }) ?? true
        else {
            write(
                context.channel,
                Array("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n".utf8)
            )
            return
        }
        let parts = words[1].split(separator: ":")
        connect(
            context,
            "CONNECT",
            String(parts[0]),
            Int(parts.last ?? "") ?? 0,
            answer: Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
        )
    }

    private func readSOCKS(_ context: ChannelHandlerContext) {
        if !greeted {
            guard pending.count >= 2, pending.count >= 2 + Int(pending[1]) else { return }
            pending.removeFirst(2 + Int(pending[1]))
            greeted = true
            write(context.channel, [5, 0])
        }
        guard pending.count > 5 else { return }
        let length = pending[3] == 1 ? 4 : pending[3] == 4 ? 16 : Int(pending[4]) + 1
        guard pending.count >= 6 + length else { return }
        let address = pending[4..<(4 + length)]
        let host =
            pending[3] == 1
            ? address.map { String($0) }.joined(separator: ".")
            : String(decoding: address.dropFirst(), as: UTF8.self)
        let port = Int(pending[4 + length]) << 8 | Int(pending[5 + length])
        pending.removeFirst(6 + length)
        connect(context, "SOCKS", host, port, answer: [5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    }

    private func connect(
        _ context: ChannelHandlerContext,
        _ kind: String,
        _ host: String,
        _ port: Int,
        answer: [UInt8]
    ) {
        log.asked.withLock { $0.append("\(kind) \(host):\(port)") }
        isConnecting = true
        let client = context.channel
        let mine = NIOLoopBound(self, eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { server in
                server.eventLoop.makeCompletedFuture {
                    try server.pipeline.syncOperations.addHandler(TunnelEnd(client))
                }
            }
            .connect(host: host, port: port)
            .whenComplete { result in
                guard case .success(let server) = result else { return client.close(promise: nil) }
                mine.value.other = server
                client.writeAndFlush(ByteBuffer(bytes: answer), promise: nil)
                server.writeAndFlush(ByteBuffer(bytes: mine.value.pending), promise: nil)
            }
    }

    private func write(_ channel: any Channel, _ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }
}

/// Passes what a server sends on to the client.
private final class TunnelEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: any Channel

    init(_ client: any Channel) { self.client = client }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        client.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
}
