import NIOCore
import NIOPosix
import SettleCore
import Synchronization

/// A TCP connection that sends bytes as they are and keeps what comes back.
final class TestConnection: Sendable {
    private let channel: any Channel
    private let received: Received

    struct TimedOut: Error {
        let received: String
    }

    /// What has come back so far.
    private final class Received: Sendable {
        struct State {
            var bytes: [UInt8] = []
            var isClosed = false
        }
        let state = Mutex(State())
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let received: Received

        init(_ received: Received) {
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            received.state.withLock { $0.bytes += bytes }
        }

        func channelInactive(context: ChannelHandlerContext) {
            received.state.withLock { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    init(port: Int) async throws {
        let received = Received()
        self.received = received
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// Stops or goes on reading from the socket.
    func setReading(_ isReading: Bool) async throws {
        try await channel.setOption(.autoRead, value: isReading).get()
        if isReading { channel.read() }
    }

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    func close() async {
        try? await channel.close().get()
    }

    /// All that has come back.
    var text: String { String(decoding: received.state.withLock { $0.bytes }, as: UTF8.self) }
    /// How much has come back.
    var count: Int { received.state.withLock { $0.bytes.count } }
    /// Whether the other side has closed the connection.
    var isClosed: Bool { received.state.withLock { $0.isClosed } }

    /// Waits until something holds.
    func wait(until condition: () -> Bool) async throws {
        for _ in 0..<4000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw TimedOut(received: String(text.suffix(2000)))
    }

    /// Sends a request and waits for its response.
    func exchange(
        _ method: String,
        _ target: String,
        _ body: String = "",
        headers: [(String, String)] = []
    ) async throws -> TestResponse {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        if !body.isEmpty { head += "Content-Length: \(body.utf8.count)\r\n" }
        if !body.isEmpty, !headers.contains(where: { $0.0 == "Content-Type" }) {
            head += "Content-Type: application/json\r\n"
        }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try await send(head + "\r\n" + body)
        return try await response(isHead: method == "HEAD")
    }

    /// Waits for the next response and takes it off what has come back.
    func response(isHead: Bool = false) async throws -> TestResponse {
        var response: TestResponse?
        try await wait {
            let (bytes, isClosed) = received.state.withLock { ($0.bytes, $0.isClosed) }
            guard let (parsed, length) = Self.parse(bytes, isHead: isHead, isClosed: isClosed) else {
                return false
            }
            received.state.withLock { $0.bytes.removeFirst(length) }
            response = parsed
            return true
        }
        guard let response else { throw TimedOut(received: text) }
        return response
    }

    private static func parse(_ bytes: [UInt8], isHead: Bool, isClosed: Bool) -> (TestResponse, Int)? {
        let mark = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: mark) }) else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description
        }
        let start = end + 4
        if isHead || status == 304 || status == 100 {
            return (TestResponse(status: status, headers: headers, body: ""), start)
        }
        if let length = headers["content-length"].flatMap({ Int($0) }) {
            guard bytes.count >= start + length else { return nil }
            let body = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
            return (TestResponse(status: status, headers: headers, body: body), start + length)
        }
        if headers["transfer-encoding"] == "chunked" {
            guard let (body, length) = chunks(bytes, from: start) else { return nil }
            return (TestResponse(status: status, headers: headers, body: body), length)
        }
        guard isClosed else { return nil }
        let body = String(decoding: bytes[start...], as: UTF8.self)
        return (TestResponse(status: status, headers: headers, body: body), bytes.count)
    }

    private static func chunks(_ bytes: [UInt8], from start: Int) -> (String, Int)? {
        var body: [UInt8] = []
        var position = start
        while true {
            guard let end = bytes[position...].firstIndex(of: 13),
                let length = Int(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16),
                bytes.count >= end + 4 + length
            else { return nil }
            body += bytes[(end + 2)..<(end + 2 + length)]
            position = end + 4 + length
            if length == 0 { return (String(decoding: body, as: UTF8.self), position) }
        }
    }
}

extension String {
    /// How many pieces a separator cuts the text into.
    func pieces(between separator: String) -> Int {
        split(separator: separator, omittingEmptySubsequences: false).count
    }
}
