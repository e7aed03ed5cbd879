// A server that answers as servers should not, in front of one that answers as it should.
//
//     let server = try await MisbehavingServer.start(to: settle)
//     server.on("POST", "_bulk_docs", times: 2) { _ in .answer(503, #"{"error":"x","reason":"y"}"#) }
//     …
//     #expect(server.requests("_bulk_docs").count == 3)
//
// Requests are read whole and looked up among the rules, the newest first; one that no rule is for goes to the server
// behind. Whatever a rule says goes out byte for byte, so that an answer may be cut anywhere or contradict itself.

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
import Synchronization

/// A server for tests that breaks its answers as it is told.
package final class MisbehavingServer: Sendable {
    /// What to do with a request.
    package enum Reaction: Sendable {
        /// Let the server behind answer it.
        case pass
        /// Let it answer, and change that.
        case change(@Sendable (inout HTTPAnswer) -> Void)
        /// Let it answer, and send only the first so many bytes, head included; then close.
        case cut(Int)
        /// Send these bytes, then close.
        case bytes([UInt8])
        /// Answer this.
        case reply(HTTPAnswer)
        /// Never answer.
        case silence
        /// Close the connection.
        case close

        /// A JSON text, with a status and further headers.
        package static func answer(
            _ status: Int,
            _ body: String = #"{"error":"by_the_test","reason":"The test wants it so."}"#,
            _ headers: [(name: String, value: String)] = []
        ) -> Reaction {
            let type =
                headers.contains { $0.name == "Content-Type" } ? [] : [("Content-Type", "application/json")]
            return .reply(HTTPAnswer(status: status, headers: type + headers, body: Array(body.utf8)))
        }

        /// The error page of a proxy.
        package static func page(_ status: Int) -> Reaction {
            .answer(status, "<html><body>Sorry</body></html>", [("Content-Type", "text/html")])
        }

        package static func redirect(_ status: Int, _ location: String) -> Reaction {
            .answer(status, "", [("Location", location)])
        }
    }

    fileprivate struct Rule: Sendable {
        let matches: @Sendable (HTTPRequest) -> Bool
        var left: Int
        let reaction: @Sendable (HTTPRequest) -> Reaction
    }

    fileprivate struct State {
        var server: HTTPEndpoint?
        var rules: [Rule] = []
        var requests: [HTTPRequest] = []
        var connections = 0
    }

    private let listener: any Channel
    fileprivate let state: Log
    /// Where to connect to.
    package let endpoint: HTTPEndpoint

    fileprivate final class Log: Sendable {
        let state: Mutex<State>
        init(_ server: HTTPEndpoint?) { state = Mutex(State(server: server)) }
    }

    private init(_ listener: any Channel, _ state: Log) throws {
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        self.listener = listener
        self.state = state
        endpoint = HTTPEndpoint(port: port)
    }

    /// Listens on a port of its own, in front of a server or of none; with TLS, if it is given what that takes.
    package static func start(to server: HTTPEndpoint?, tls: NIOSSLContext? = nil) async throws
        -> MisbehavingServer
    {
        let state = Log(server)
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    state.state.withLock { $0.connections += 1 }
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try pipeline.addHandler(MisbehavingHandler(state))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return try MisbehavingServer(listener, state)
    }

    package func stop() async throws { try await listener.close().get() }

    /// What stands behind.
    package var server: HTTPEndpoint? { state.state.withLock { $0.server } }

    /// The URL of a database of this server.
    package func url(_ database: String, scheme: String = "http", account: String = "") -> String {
        "\(scheme)://\(account)127.0.0.1:\(endpoint.port)/\(database)"
    }

    /// Decides about requests of a method whose path, without the query, has a part of this name; so many times.
    package func on(
        _ method: String,
        _ part: String,
        times: Int = .max,
        _ reaction: @escaping @Sendable (HTTPRequest) -> Reaction
    ) {
        on({ $0.method == method && $0.parts.contains(part) }, times: times, reaction)
    }

    /// Decides about requests that match; so many times.
    package func on(
        _ matches: @escaping @Sendable (HTTPRequest) -> Bool,
        times: Int = .max,
        _ reaction: @escaping @Sendable (HTTPRequest) -> Reaction
    ) {
        state.state.withLock {
            $0.rules.insert(Rule(matches: matches, left: times, reaction: reaction), at: 0)
        }
    }

    /// Behaves from now on.
    package func behave() { state.state.withLock { $0.rules = [] } }

    /// The requests that came so far.
    package var requests: [HTTPRequest] { state.state.withLock { $0.requests } }

    /// Those whose path has a part of this name.
    package func requests(_ part: String) -> [HTTPRequest] { requests.filter { $0.parts.contains(part) } }

    /// How many connections were opened.
    package var connections: Int { state.state.withLock { $0.connections } }
}

extension HTTPRequest {
    /// The path without the query, between its slashes.
    package var parts: [String] {
        path.prefix { $0 != "?" }.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    }

    /// The last header of this name, whatever its case.
    package func header(_ name: String) -> String? {
        headers.last { $0.name.lowercased() == name.lowercased() }?.value
    }
}

extension HTTPRequest {
    /// Takes scheme, host and port off a target that is a whole URL.
    fileprivate mutating func takeServer() -> HTTPEndpoint? {
        guard path.hasPrefix("http://") else { return nil }
        let rest = path.dropFirst("http://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = String(rest[slash...])
        let parts = rest[..<slash].split(separator: ":")
        return HTTPEndpoint(host: String(parts.first ?? ""), port: Int(parts.last ?? "") ?? 80)
    }
}

extension HTTPAnswer {
    /// The answer as bytes, framed by its length.
    fileprivate var bytes: [UInt8] {
        var head = "HTTP/1.1 \(status) Status\r\n"
        for (name, value) in headers
        where !["content-length", "transfer-encoding", "connection"].contains(name.lowercased()) {
            head += "\(name): \(value)\r\n"
        }
        let length = header("X-Length") ?? String(body.count)
        return Array("\(head)Content-Length: \(length)\r\n\r\n".utf8) + body
    }
}

extension MisbehavingServer.Log {
    /// The reaction to a request, and the server behind.
    fileprivate func react(_ request: HTTPRequest) -> (MisbehavingServer.Reaction, HTTPEndpoint?) {
        let (reaction, server) = state.withLock { state in
            state.requests.append(request)
            let index = state.rules.firstIndex { $0.left > 0 && $0.matches(request) }
            if let index { state.rules[index].left -= 1 }
            return (index.map { state.rules[$0].reaction }, state.server)
        }
        return (reaction?(request) ?? .pass, server)
    }

    /// What goes out for a request, and whether the connection ends with it; nil for silence.
    fileprivate func answer(_ request: HTTPRequest) async throws -> (bytes: [UInt8], closes: Bool)? {
        let (reaction, server) = react(request)
        switch reaction {
        case .silence: return nil
        case .close: return ([], true)
        case .bytes(let bytes): return (bytes, true)
        case .reply(let answer): return (answer.bytes, answer.header("X-Length") != nil)
        case .pass, .cut, .change: break
        }
        var forwarded = request
        // A request whose target is a whole URL is for the server named there: this is a proxy then.
        let named = forwarded.takeServer()
        guard let server = named ?? server else {
            return (HTTPAnswer(status: 404, headers: [], body: []).bytes, false)
        }
        forwarded.headers.removeAll {
            ["host", "content-length", "transfer-encoding", "connection"].contains($0.name.lowercased())
        }
        var answer = try await server.send(forwarded)
        switch reaction {
        case .change(let change): change(&answer)
        case .cut(let count): return (Array(answer.bytes.prefix(count)), true)
        default: break
        }
        return (answer.bytes, answer.header("X-Length") != nil)
    }
}

/// Reads requests of one connection whole, and answers them one after the other.
private final class MisbehavingHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let log: MisbehavingServer.Log
    private var request: HTTPRequest?

    init(_ log: MisbehavingServer.Log) { self.log = log }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            request = HTTPRequest(
                head.method.rawValue,
                head.uri,
                headers: head.headers.map { ($0.name, $0.value) },
                body: []
            )
        case .body(let bytes): request?.body?.append(contentsOf: bytes.readableBytesView)
        case .end:
            guard var request else { return }
            self.request = nil
            if request.body == [], request.method == "GET" { request.body = nil }
            let (log, channel, whole) = (log, context.channel, request)
            Task {
                let answer = (try? await log.answer(whole)) ?? nil
                guard let answer else { return }
                try? await channel.writeAndFlush(ByteBuffer(bytes: answer.bytes))
                if answer.closes { try? await channel.close() }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
