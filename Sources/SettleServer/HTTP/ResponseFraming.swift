// How a response is put on the wire: the version and persistence the client asked for, and whether it wants a body.
//
// Heads are written straight into the buffer that goes to the socket, with the body behind them: one write, one
// flush. NIO's encoder would take the same fields apart into strings and back.

import NIOCore
import NIOHTTP1
import Settle
import SettleCore

/// The framing of one response.
struct ResponseFraming {
    /// Whether the connection stays open after the response.
    var keepsAlive = false
    /// The new token of the client's session, if its old one is wearing out.
    var renewedToken: String?
    private var isHead = false
    private var isOldVersion = false
    private var requestID: String?
    /// Whether the client asked to be spared header fields it can do without.
    private var isMinimal = false
    /// Whether the head said how long the streamed body is.
    private var hasLength = false
    /// Whether JSON goes out packed.
    private var packs = false
    /// What packs the streamed body.
    private var packer: WirePacker?

    init() {}

    /// The framing that a request asks for, of a client behind a network or on this machine.
    init(_ head: HTTPRequestHead, isFarAway: Bool = false) {
        // After a request that offers an upgrade, NIO's decoder reads no further one.
        keepsAlive = head.isKeepAlive && !head.headers.contains(name: "Upgrade")
        isMinimal = head.headers.first(name: "Prefer") == "return=minimal"
        isHead = head.method == .HEAD
        isOldVersion = head.version.major < 1 || head.version.minor < 1
        if let id = head.headers.first(name: "X-Couch-Request-ID"), Self.isRequestID(id) {
            requestID = id
        }
        packs = isFarAway && !isHead && !isOldVersion && !isMinimal && head.headers.acceptsGzip
    }

    /// Whether pieces are framed as chunks; where the length is known they are bare, and for an old client, too, whom
    /// the end of the connection tells that it was all.
    private var isChunked: Bool { !isOldVersion && !hasLength }
    /// Whether the body is left out.
    var omitsBody: Bool { isHead }

    /// A whole response.
    func whole(_ response: Response, loop: LoopContext) -> ByteBuffer {
        var response = response
        if packs, response.head.isPackable, let packed = WirePacker.packed(response.body) {
            response.body = packed
            response.head.headers += Self.packedFields
        }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(512 + (isHead ? 0 : response.body.count))
        appendHead(response.head, to: &buffer, loop: loop)
        if response.head.status != 304 {
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(response.body.count))
            buffer.writeStaticString("\r\n")
        }
        appendPersistence(to: &buffer)
        if !isHead {
            buffer.writeBytes(response.body)
        }
        return buffer
    }

    /// The head of a response whose pieces follow.
    mutating func streamHead(_ head: ResponseHead, loop: LoopContext) -> ByteBuffer {
        var (head, buffer) = (head, ByteBuffer())
        packer = packs && head.isPackable ? try? WirePacker() : nil
        if packer != nil { head.headers += Self.packedFields }
        appendHead(head, to: &buffer, loop: loop)
        if let length = head.contentLength {
            hasLength = true
            buffer.writeString("Content-Length: \(length)\r\n")
        } else if isChunked {
            buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        } else {
            keepsAlive = false
        }
        appendPersistence(to: &buffer)
        return buffer
    }

    /// Appends one piece of a streamed body.
    func appendPiece(_ piece: [UInt8], to buffer: inout ByteBuffer) {
        guard !piece.isEmpty, !isHead else { return }
        guard let packer else { return appendFramed(piece, to: &buffer) }
        var packed: [UInt8] = []
        // Should zlib run out of memory, the client sees by the missing end that something is missing.
        try? packer.pack(piece[...], to: &packed)
        appendFramed(packed, to: &buffer)
    }

    private func appendFramed(_ piece: [UInt8], to buffer: inout ByteBuffer) {
        guard isChunked else {
            buffer.writeBytes(piece)
            return
        }
        buffer.reserveCapacity(minimumWritableBytes: piece.count + 16)
        buffer.writeString(String(piece.count, radix: 16))
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(piece)
        buffer.writeStaticString("\r\n")
    }

    /// Appends the end of a streamed body.
    func appendEnd(to buffer: inout ByteBuffer) {
        if let packer {
            var rest: [UInt8] = []
            try? packer.finish(to: &rest)
            appendFramed(rest, to: &buffer)
        }
        if isChunked, !isHead {
            buffer.writeStaticString("0\r\n\r\n")
        }
    }

    private static var packedFields: [(name: String, value: String)] {
        [("Content-Encoding", Attachment.Encoding.gzip.name), ("Vary", "Accept-Encoding")]
    }

    private func appendHead(_ head: ResponseHead, to buffer: inout ByteBuffer, loop: LoopContext) {
        buffer.writeStaticString("HTTP/1.1 ")
        switch head.status {
        case 200: buffer.writeStaticString("200 OK\r\n")
        case 201: buffer.writeStaticString("201 Created\r\n")
        default:
            let phrase = HTTPResponseStatus(statusCode: head.status).reasonPhrase
            buffer.writeString("\(head.status) \(phrase)\r\n")
        }
        buffer.writeBytes(loop.currentFixedFields)
        switch head.contentType {
        case .json: buffer.writeStaticString("Content-Type: application/json\r\n")
        case .other(let type): buffer.writeString("Content-Type: \(type)\r\n")
        case .none: break
        }
        switch head.cacheControl {
        case .mustRevalidate: buffer.writeStaticString("Cache-Control: must-revalidate\r\n")
        case .noCache: buffer.writeStaticString("Cache-Control: no-cache\r\n")
        case .none: break
        }
        if let entityTag = head.entityTag {
            buffer.writeStaticString("ETag: \"")
            buffer.writeBytes(entityTag)
            buffer.writeStaticString("\"\r\n")
        }
        if isMinimal { return }
        if let location = head.location {
            buffer.writeStaticString("Location: ")
            buffer.writeBytes(location)
            buffer.writeStaticString("\r\n")
        }
        for (name, value) in head.headers {
            buffer.writeString("\(name): \(value)\r\n")
        }
        if let renewedToken, !head.headers.contains(where: { $0.name == "Set-Cookie" }) {
            buffer.writeString("Set-Cookie: \(SessionCookie.field(renewedToken))\r\n")
        }
        buffer.writeStaticString("X-CouchDB-Body-Time: 0\r\nX-Couch-Request-ID: ")
        if let requestID {
            buffer.writeString(requestID)
        } else {
            loop.appendRequestID(to: &buffer)
        }
        buffer.writeStaticString("\r\n")
    }

    private func appendPersistence(to buffer: inout ByteBuffer) {
        if !keepsAlive {
            buffer.writeStaticString("Connection: close\r\n")
        } else if isOldVersion {
            buffer.writeStaticString("Connection: keep-alive\r\n")
        }
        buffer.writeStaticString("\r\n")
    }

    private static func isRequestID(_ text: String) -> Bool {
        (1...36).contains(text.utf8.count)
            && text.utf8.allSatisfy { character in
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension ResponseHead {
    /// Whether the body is JSON, which may be packed on the way.
    fileprivate var isPackable: Bool {
        guard case .json = contentType else { return false }
        return status != 304 && contentLength == nil && !headers.contains { $0.name == "Content-Encoding" }
    }
}
