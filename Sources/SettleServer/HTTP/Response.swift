// What a route answers: status, the few header fields CouchDB sets, and a body.

import SettleCore

/// Status and header fields of an answer.
struct ResponseHead: Sendable {
    /// The type of the body; nil where the answer has none (304).
    enum ContentType: Sendable {
        case json
        case none
        case other(String)
    }

    /// What caches may do with the answer.
    enum CacheControl: Sendable {
        case mustRevalidate
        case noCache
        case none
    }

    var status: Int
    var contentType: ContentType = .json
    var cacheControl: CacheControl = .mustRevalidate
    /// The entity tag, without quotes.
    var entityTag: [UInt8]?
    var location: [UInt8]?
    /// How long a streamed body is, where that is known before it is made.
    var contentLength: UInt64?
    var headers: [(name: String, value: String)] = []

    init(status: Int = 200) {
        self.status = status
    }
}

/// A whole answer.
struct Response: Sendable {
    var head: ResponseHead
    var body: [UInt8]

    init(status: Int = 200, body: [UInt8]) {
        head = ResponseHead(status: status)
        self.body = body
    }

    /// An answer with the same JSON text each time.
    init(status: Int = 200, json: String) {
        self.init(status: status, body: Array((json + "\n").utf8))
    }

    /// `{"ok":true}`.
    static func ok(status: Int = 200) -> Response {
        Response(status: status, json: #"{"ok":true}"#)
    }

    /// 304 for a client whose copy is current.
    static func notModified(_ entityTag: [UInt8]) -> Response {
        var response = Response(status: 304, body: [])
        response.head.contentType = .none
        response.head.cacheControl = .none
        response.head.entityTag = entityTag
        return response
    }

    /// How an error leaves the server; the only place where one does.
    init(error: SettleError) {
        var body = Array(#"{"error":"#.utf8)
        JSONText.appendString(error.name, to: &body)
        body.append(contentsOf: #","reason":"#.utf8)
        error.appendReason(to: &body)
        if let reference = error.reference { body.append(contentsOf: ",\"ref\":\(reference)".utf8) }
        body.append(contentsOf: "}\n".utf8)
        self.init(status: error.status, body: body)
        if error.kind == .methodNotAllowed {
            let methods = error.reason.split(separator: " ")
            if methods.count == 3 {
                head.headers.append(("Allow", String(methods[1])))
            }
        }
    }
}
