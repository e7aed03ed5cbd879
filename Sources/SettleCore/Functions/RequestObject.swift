// What a design document's function learns of the request that it answers: its `req`.
//
//     function(doc, req) { return doc ? [doc, req.method + " " + req.query.x] : [null, req.body] }
//
// The members are those of CouchDB 3.5, the odd ones too: a request without a body has the body "undefined".

/// The members of `req`.
package struct RequestObject: Sendable {
    /// What `GET /db` answers, a JSON text.
    package var information: [UInt8]
    /// An identifier that no document has yet.
    package var uuid: String
    /// The document that the path names; nil if it names none.
    package var documentID: DocumentID?
    package var method: String
    /// The path and query as they were sent.
    package var target: RequestTarget
    /// The path that was asked for before it was rewritten.
    package var requestedTarget: RequestTarget
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// The client's address.
    package var peer: String
    /// `{"db":…,"name":…,"roles":[…]}`, a JSON text.
    package var userContext: [UInt8]
    /// The database's security object, a JSON text.
    package var security: [UInt8]

    package init(
        information: [UInt8],
        uuid: String,
        documentID: DocumentID?,
        method: String,
        target: RequestTarget,
        requestedTarget: RequestTarget,
        headers: [(name: String, value: String)],
        body: [UInt8],
        peer: String,
        userContext: [UInt8],
        security: [UInt8]
    ) {
        self.information = information
        self.uuid = uuid
        self.documentID = documentID
        self.method = method
        self.target = target
        self.requestedTarget = requestedTarget
        self.headers = headers
        self.body = body
        self.peer = peer
        self.userContext = userContext
        self.security = security
    }

    /// The object's JSON text.
    package var text: [UInt8] {
        var text = Array(#"{"info":"#.utf8)
        text.append(contentsOf: information.isEmpty ? Array("{}".utf8) : information)
        Self.append(name: "id", to: &text)
        if let documentID {
            JSONText.appendString(documentID.bytes, to: &text)
        } else {
            text.append(contentsOf: "null".utf8)
        }
        Self.append(name: "uuid", to: &text)
        JSONText.appendString(uuid, to: &text)
        Self.append(name: "method", to: &text)
        JSONText.appendString(method, to: &text)
        Self.append(name: "requested_path", to: &text)
        Self.append(requestedTarget.segments, to: &text)
        Self.append(name: "path", to: &text)
        // The database's name is a segment of the path, and the first one.
        Self.append(target.segments, to: &text)
        Self.append(name: "raw_path", to: &text)
        JSONText.appendString(requestedTarget.text, to: &text)
        Self.append(name: "query", to: &text)
        Self.append(target.query.items, to: &text)
        Self.append(name: "headers", to: &text)
        Self.append(headers, to: &text)
        Self.append(name: "body", to: &text)
        JSONText.appendString(body.isEmpty ? "undefined" : String(decoding: body, as: UTF8.self), to: &text)
        Self.append(name: "peer", to: &text)
        JSONText.appendString(peer, to: &text)
        Self.append(name: "form", to: &text)
        Self.append(form, to: &text)
        Self.append(name: "cookie", to: &text)
        Self.append(cookies, to: &text)
        Self.append(name: "userCtx", to: &text)
        text.append(contentsOf: userContext)
        Self.append(name: "secObj", to: &text)
        text.append(contentsOf: security.isEmpty ? Array("{}".utf8) : security)
        text.append(UInt8(ascii: "}"))
        return text
    }

    private func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// The fields of a form that was sent as the body.
    private var form: [(name: String, value: String)] {
        guard let type = header("content-type"), type.hasPrefix("application/x-www-form-urlencoded") else {
            return []
        }
        return QueryParameters(body[...]).items
    }

    private var cookies: [(name: String, value: String)] {
        guard let text = header("cookie") else { return [] }
        return text.split(separator: ";").compactMap { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return nil }
            return (String(pair[0].drop { $0 == " " }), String(pair[1]))
        }
    }

    private static func append(name: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: ","))
        JSONText.appendString(name, to: &text)
        text.append(UInt8(ascii: ":"))
    }

    private static func append(_ segments: [[UInt8]], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        for (index, segment) in segments.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            JSONText.appendString(String(decoding: segment, as: UTF8.self), to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    private static func append(_ items: [(name: String, value: String)], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (index, item) in items.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            JSONText.appendString(item.name, to: &text)
            text.append(UInt8(ascii: ":"))
            JSONText.appendString(item.value, to: &text)
        }
        text.append(UInt8(ascii: "}"))
    }
}
