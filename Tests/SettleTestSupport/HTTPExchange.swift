// One HTTP request, sent byte for byte as written, and its answer.
//
// Client libraries tidy up what they send: they normalise paths, add headers, choose a framing. Tests of a server
// must be able to send `/db/a%2Fb`, a body in nine-byte chunks or no `Accept` header at all, so this is a socket and
// two pure pieces: the request as bytes (`HTTPRequest.pieces`) and the answer out of bytes (`HTTPAnswerParser`).

import NIOCore
import NIOPosix

/// A request exactly as it goes over the wire.
package struct HTTPRequest: Sendable {
    package var method: String
    /// Percent-encoded already; sent as it stands.
    package var path: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?
    /// Sends the body with chunked transfer coding in pieces of this many bytes.
    package var chunkSize: Int?

    package init(
        _ method: String,
        _ path: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil,
        chunkSize: Int? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.chunkSize = chunkSize
    }

    /// The bytes to write, one element per write.
    func pieces(host: String) -> [[UInt8]] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in headers {
            head += "\(name): \(value)\r\n"
        }
        if chunkSize != nil {
            head += "Transfer-Encoding: chunked\r\n"
        } else if let body {
            head += "Content-Length: \(body.count)\r\n"
        } else if method == "PUT" || method == "POST" {
            head += "Content-Length: 0\r\n"
        }
        var bytes = Array(head.utf8) + Array("\r\n".utf8)
        guard let chunkSize else {
            bytes += body ?? []
            return [bytes]
        }
        var pieces = [bytes]
        var rest = (body ?? [])[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(chunkSize)
            pieces.append(Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8))
            rest = rest.dropFirst(chunkSize)
        }
        return pieces + [Array("0\r\n\r\n".utf8)]
    }
}

/// A server to talk to.
package struct HTTPEndpoint: Sendable {
    package let host: String
    package let port: Int

    package init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    /// Sends a request over a connection of its own and reads the whole answer.
    package func send(_ request: HTTPRequest, timeout: Duration = .seconds(30)) async throws -> HTTPAnswer {
        try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
            group.addTask { try await exchange(request) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw HTTPExchangeError.timeout(request.method, request.path)
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw HTTPExchangeError.noAnswer }
            return answer
        }
    }

    private func exchange(_ request: HTTPRequest) async throws -> HTTPAnswer {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            do {
                for piece in request.pieces(host: "\(host):\(port)") {
                    try await outbound.write(ByteBuffer(bytes: piece))
                }
            } catch is ChannelError {
                // A server may answer and close before it has read a body that it refuses.
            }
            var parser = HTTPAnswerParser(requestMethod: request.method)
            for try await buffer in inbound {
                if let answer = try parser.receive(buffer.readableBytesView) { return answer }
            }
            guard let answer = try parser.receiveEnd() else { throw HTTPExchangeError.noAnswer }
            return answer
        }
    }
}

package enum HTTPExchangeError: Error {
    case timeout(String, String)
    case noAnswer
    case malformed(String)
}
