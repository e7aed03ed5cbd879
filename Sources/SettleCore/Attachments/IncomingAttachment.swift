// An attachment as a document from outside lists it.
//
//     "a.txt": {"content_type": "text/plain", "data": "aGVsbG8="}            content in base64
//     "b.bin": {"follows": true, "length": 3}                                content in a later part of the body
//     "c.txt": {"stub": true, "revpos": 2}                                   content the stored parent has
//
// `stub` and `follows` count only where they are `true`, and in that order; anything else must have `data`.
//
// A stub between Settle peers may name its content by SHA-256 (`"sha256":"…"`): then it stands for content that the database
// holds anywhere. Only who takes replicated revisions looks at that.
//
// The subtle things: `digest`, `length` and `encoding` mean nothing beside `data`. A stub's `revpos`, where given,
// must be that of the attachment it stands for. And names are looked at last: an entry that makes no sense fails
// before one with a bad name.

/// One entry of `_attachments` in a document that is about to be written.
package struct IncomingAttachment: Hashable, Sendable {
    /// Where the content is.
    package enum Content: Hashable, Sendable {
        /// Here, in base64.
        case data(Base64Text)
        /// In the next part of the body: decoded length, length as sent, where given, and encoding as sent.
        case follows(length: UInt64?, encodedLength: UInt64?, encoding: Attachment.Encoding)
        /// With the parent, or with an ancestor for a replicated revision.
        case stub
    }

    /// The name, as UTF-8.
    package var name: [UInt8]
    /// The media type, as UTF-8; the default if none was given.
    package var contentType: [UInt8]
    /// `revpos`, if it was given; new content of a replicated revision has 0 otherwise.
    package var revpos: UInt64?
    /// The MD5 that the content must have: 16 bytes; never beside `data`.
    package var digest: [UInt8]?
    /// Where the content is.
    package var content: Content
    /// The content that a stub of a Settle peer names by its SHA-256, wherever the database has it.
    package var reference: Attachment?

    /// The name as text.
    package var nameText: String { String(decoding: name, as: UTF8.self) }

    /// Reads what the entries of `_attachments` mean, in order.
    package static func parse(_ member: IncomingAttachments?) throws(SettleError) -> [IncomingAttachment] {
        var attachments: [IncomingAttachment] = []
        for entry in member?.entries ?? [] { attachments.append(try IncomingAttachment(entry)) }
        for attachment in attachments { try validate(name: attachment.name) }
        return attachments
    }

    /// Throws if an attachment may not have this name.
    package static func validate(name: [UInt8]) throws(SettleError) {
        guard name.first == UInt8(ascii: "_") else { return }
        let text = String(decoding: name, as: UTF8.self)
        throw SettleError(.badRequest, "Attachment name '\(text)' starts with prohibited character '_'")
    }

    private init(_ entry: IncomingAttachments.Entry) throws(SettleError) {
        let (name, properties) = (entry.name, entry.properties)
        self.name = name
        switch properties["content_type"] {
        case nil: contentType = Attachment.defaultContentType
        case .string(let type): contentType = Array(type.utf8)
        default: throw Self.failure("content_type", of: name)
        }
        revpos = Self.count(properties["revpos"])
        if properties["stub"]?.bool == true {
            content = .stub
            digest = nil
            reference = Attachment(name: name, described: properties)
        } else if properties["follows"]?.bool == true {
            content = try Self.follows(properties, of: name)
            digest = try Self.digest(properties["digest"], of: name)
        } else {
            guard let data = entry.data.flatMap({ Base64Text($0) }) else {
                throw Self.failure("data", of: name)
            }
            content = .data(data)
            digest = nil
        }
    }

    /// Reads how long the content is, and how it is encoded, from an entry without the content itself.
    static func follows(_ properties: JSONObject, of name: [UInt8]) throws(SettleError) -> Content {
        let length = count(properties["length"])
        guard let encodingName = properties["encoding"] else {
            return .follows(length: length, encodedLength: length, encoding: .identity)
        }
        let known = Attachment.Encoding.allCases.first { encodingName == .string($0.name) }
        guard let encoding = known else { throw failure("encoding", of: name) }
        let encodedLength = properties["encoded_length"].flatMap(count) ?? length
        return .follows(length: length, encodedLength: encodedLength, encoding: encoding)
    }

    /// Reads `md5-…`; any other digest says nothing.
    static func digest(_ value: JSONValue?, of name: [UInt8]) throws(SettleError) -> [UInt8]? {
        guard let text = value?.string, text.utf8.starts(with: "md5-".utf8) else { return nil }
        guard let md5 = Base64.decodeStrictly(Array(text.utf8.dropFirst(4))) else {
            throw failure("digest", of: name)
        }
        return md5.isEmpty ? nil : md5
    }

    static func count(_ value: JSONValue?) -> UInt64? {
        value?.int.flatMap { UInt64(exactly: $0) }
    }

    private static func failure(_ what: String, of name: [UInt8]) -> SettleError {
        SettleError(.badRequest, "Invalid attachment \(what) for \(String(decoding: name, as: UTF8.self))")
    }
}

extension IncomingAttachment {
    /// Throws unless the content that arrived has the length that was announced.
    package func check(receivedLength: UInt64) throws(SettleError) {
        guard case .follows(_, let expected?, _) = content, expected != receivedLength else { return }
        let word = receivedLength < expected ? "shorter" : "longer"
        throw SettleError(.badRequest, "attachment \(word) than expected")
    }

    /// Throws unless the content that arrived has the digest that was announced.
    ///
    /// `receivedMD5` is that of the bytes as they arrived, before the store compresses them.
    package func check(receivedMD5: [UInt8]) throws(SettleError) {
        guard let digest, digest != receivedMD5 else { return }
        throw SettleError(.contentDigestMismatch)
    }

    /// The error for a stub that stands for nothing.
    package static func missingStub(_ name: [UInt8], in document: DocumentID) -> SettleError {
        let id = String(decoding: document.bytes, as: UTF8.self)
        let name = String(decoding: name, as: UTF8.self)
        return SettleError(.missingStub, "Invalid attachment stub in \(id) for \(name)")
    }
}
