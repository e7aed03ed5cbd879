// An entry of `_attachments` that tells all about its content but the content, as Settle peers show it to each other:
//
//     {"content_type":"text/plain","revpos":2,"digest":"md5-…","length":1000,"stub":true,
//      "encoding":"gzip","encoded_length":120,"sha256":"…"}
//
// Whoever holds the bytes with that SHA-256 needs nothing else to have the attachment. The subtle thing: the digest and the
// lengths are what the peer *says*. They count only if they are also what the holder knows of its bytes.

extension Attachment {
    /// Reads an entry; nil if it does not name its content by SHA-256, or lacks something.
    package init?(name: [UInt8], described properties: JSONObject) {
        guard let blob = properties["sha256"]?.string.flatMap({ BlobKey(text: $0) }),
            let content = try? IncomingAttachment.follows(properties, of: name),
            case .follows(let length?, let storedLength?, let encoding) = content,
            let md5 = try? IncomingAttachment.digest(properties["digest"], of: name), md5.count == 16
        else { return nil }
        self.init(
            name: name,
            contentType: properties["content_type"]?.string.map { Array($0.utf8) } ?? Self.defaultContentType,
            revpos: IncomingAttachment.count(properties["revpos"]) ?? 0,
            encoding: encoding,
            length: length,
            storedLength: storedLength,
            md5: md5,
            blob: blob
        )
    }
}
