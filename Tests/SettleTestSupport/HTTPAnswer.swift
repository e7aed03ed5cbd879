// An answer, and how it comes out of the bytes of a connection.

import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPCompression

package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The last header of this name, whatever its case.
    package func header(_ name: String) -> String? {
        headers.last { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The same answer with a gzip coding of its body taken off; the header stays.
    package func decoded() throws -> HTTPAnswer {
        guard header("Content-Encoding") == "gzip", !body.isEmpty else { return self }
        let channel = EmbeddedChannel(handler: NIOHTTPResponseDecompressor(limit: .none))
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Encoding": "gzip"])
        try channel.writeInbound(HTTPClientResponsePart.head(head))
        try channel.writeInbound(HTTPClientResponsePart.body(ByteBuffer(bytes: body)))
        try channel.writeInbound(HTTPClientResponsePart.end(nil))
        var plain: [UInt8] = []
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            if case .body(let buffer) = part { plain += buffer.readableBytesView }
        }
        return HTTPAnswer(status: status, headers: headers, body: plain)
    }
}

/// Reads one answer from bytes that come in any portions.
package struct HTTPAnswerParser {
    private enum Stage {
        case head
        case counted(Int)
        case untilClose
        case chunkSize
        case chunk(Int)
        case trailer
    }

    private let requestMethod: String
    private var stage = Stage.head
    private var pending: [UInt8] = []
    private var answer = HTTPAnswer(status: 0, headers: [], body: [])

    package init(requestMethod: String) {
        self.requestMethod = requestMethod
    }

    /// Takes the next bytes; the answer, once it is complete.
    package mutating func receive(_ bytes: some Collection<UInt8>) throws -> HTTPAnswer? {
        pending += bytes
        while true {
            switch stage {
            case .head:
                guard let line = takeLine() else { return nil }
                if try readHeadLine(line) { return answer }
            case .counted(let length):
                guard pending.count >= length else { return nil }
                answer.body = Array(pending.prefix(length))
                return answer
            case .untilClose:
                return nil
            case .chunkSize:
                guard let line = takeLine() else { return nil }
                guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else {
                    throw HTTPExchangeError.malformed("chunk size \(line)")
                }
                stage = size == 0 ? .trailer : .chunk(size)
            case .chunk(let size):
                guard pending.count >= size + 2 else { return nil }
                answer.body += pending.prefix(size)
                pending.removeFirst(size + 2)
                stage = .chunkSize
            case .trailer:
                guard let line = takeLine() else { return nil }
                if line.isEmpty { return answer }
            }
        }
    }

    /// The connection was closed: the answer, if that is how it ends.
    package mutating func receiveEnd() throws -> HTTPAnswer? {
        guard case .untilClose = stage else { return nil }
        answer.body = pending
        return answer
    }

    /// Takes in one line of the head; true if the answer ends with it.
    private mutating func readHeadLine(_ line: String) throws -> Bool {
        if answer.status == 0 {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
                throw HTTPExchangeError.malformed("status line \(line)")
            }
            answer.status = status
            return false
        }
        if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            answer.headers.append((String(line[..<colon]), String(value)))
            return false
        }
        guard line.isEmpty else { throw HTTPExchangeError.malformed("header \(line)") }
        return endHead()
    }

    private mutating func endHead() -> Bool {
        if (100..<200).contains(answer.status) {
            answer = HTTPAnswer(status: 0, headers: [], body: [])
            return false
        }
        if requestMethod == "HEAD" || answer.status == 204 || answer.status == 304 { return true }
        if answer.header("Transfer-Encoding")?.lowercased() == "chunked" {
            stage = .chunkSize
        } else if let length = answer.header("Content-Length").flatMap(Int.init) {
            stage = .counted(length)
        } else {
            stage = .untilClose
        }
        return false
    }

    private mutating func takeLine() -> String? {
        guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        var line = pending[..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        pending.removeSubrange(...end)
        return text
    }
}
