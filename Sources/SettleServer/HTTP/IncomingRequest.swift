import NIOCore
import NIOHTTP1
import SettleCore

/// A request whose body is still coming.
struct IncomingRequest {
    /// What has come of the body: one for all copies of the request, or each part that comes would copy all before it.
    private final class Body {
        var bytes: [UInt8] = []
    }

    private let head: HTTPRequestHead
    private let method: HTTPMethod
    private let target: RequestTarget
    let user: UserContext
    private let body = Body()
    /// How long the body was said to be.
    private var announcedLength = 0
    /// Whether the client waits for leave to send the body.
    let expectsContinue: Bool
    /// Whether the body may be larger than memory and is taken in while it arrives.
    let isStreamed: Bool

    /// Looks at a request's head, and refuses what needs no body to be refused.
    init(_ head: HTTPRequestHead, server: ServerCore) throws(SettleError) {
        let limits = server.configuration
        guard head.uri.utf8.count <= limits.maximumTargetLength else {
            throw SettleError(.targetTooLong)
        }
        guard PercentEncoding.isWellFormed(head.uri.utf8) else {
            throw SettleError(.badRequest, "invalid_url_encoding")
        }
        self.head = head
        target = RequestTarget(head.uri)
        method = Self.method(of: head)
        user = try server.authenticator.user(head.headers)
        if let refusal = Authenticator.refusal(user: user, method: method, path: target.segments) {
            // Whether a database exists is no secret in CouchDB; what is in it is.
            if let name = target.segments.first, method != .PUT, name.first != UInt8(ascii: "_") {
                _ = try server.database(name)
            }
            throw refusal
        }
        isStreamed = method == .PUT && Self.isStreamed(target, head.headers)
        if let encoding = head.headers.first(name: "Content-Encoding"),
            encoding != "gzip", encoding != "identity"
        {
            throw SettleError(.badContentType, "\(encoding) is not a supported content encoding.")
        }
        var expectsContinue = false
        if let length = head.headers.first(name: "Content-Length").flatMap({ Int($0) }) {
            if !isStreamed {
                guard length <= limits.maximumRequestSize else { throw SettleError(.tooLarge) }
                announcedLength = length
            }
            expectsContinue = length > 0
        } else {
            expectsContinue = head.headers.contains(name: "Transfer-Encoding")
        }
        self.expectsContinue =
            expectsContinue && head.headers.first(name: "Expect")?.lowercased() == "100-continue"
    }

    /// Adds bytes of the body; false if there are too many.
    func append(_ bytes: ByteBuffer, limit: Int) -> Bool {
        let count = body.bytes.count + bytes.readableBytes
        guard count <= limit else { return false }
        if count > body.bytes.capacity {
            // A large body is not moved about again and again; but who announces much must have sent some of it.
            body.bytes.reserveCapacity(max(2 * count, min(announcedLength, max(16 * count, 1 << 20))))
        }
        body.bytes.append(contentsOf: bytes.readableBytesView)
        return true
    }

    /// Whether a PUT brings attachments as they are.
    private static func isStreamed(_ target: RequestTarget, _ headers: HTTPHeaders) -> Bool {
        let path = target.segments
        guard path.count > 1 else { return false }
        if AttachmentPath(path) != nil { return true }
        let isDocument = path.count == (path[1].elementsEqual("_design".utf8) ? 3 : 2)
        guard isDocument, let type = headers.first(name: "Content-Type") else { return false }
        return type.utf8.count > 17 && type.prefix(17).lowercased() == "multipart/related"
    }

    /// The request, now that its body is complete, or is taken in by somebody else.
    func finish(listeningAddress: String, peer: String) -> Request {
        Request(
            method: method,
            target: target,
            headers: head.headers,
            body: body.bytes,
            user: user,
            peer: peer,
            listeningAddress: listeningAddress
        )
    }

    /// The method that is meant: a POST may carry another one for clients that can't send it; HEAD is a GET.
    static func method(of head: HTTPRequestHead) -> HTTPMethod {
        var method = head.method
        if method == .POST, let override = head.headers.first(name: "X-HTTP-Method-Override") {
            let known: [HTTPMethod] = [.GET, .HEAD, .POST, .PUT, .DELETE, .TRACE, .CONNECT, .COPY]
            method = known.first { $0.rawValue == override } ?? method
        }
        return method == .HEAD ? .GET : method
    }
}
