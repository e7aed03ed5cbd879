// An attachment as a stored revision lists it.
//
//     "hello.txt": content type text/plain, revpos 1, 13 bytes, stored as 33 bytes of gzip, whose MD5 and SHA-256 are …
//
// Name, type and `revpos` belong to the revision; the bytes are a blob that revisions share. `revpos` is the
// generation of the revision that brought the bytes along: a peer that has that ancestor needs a stub only.
//
// The subtle thing: the digest that clients see, and from which revisions are named, is the MD5 of what is *stored*.
// Text is stored compressed, so its digest depends on the compressor, and compressing differently from CouchDB would
// give other revision ids.

/// The entry of one attachment in a stored revision.
package struct Attachment: Hashable, Sendable {
    /// How the stored bytes are encoded.
    package enum Encoding: UInt8, Hashable, Sendable, CaseIterable {
        /// As they are.
        case identity = 0
        /// Compressed with gzip.
        case gzip = 1
    }

    /// The name, as UTF-8.
    package var name: [UInt8]
    /// The media type, as UTF-8.
    package var contentType: [UInt8]
    /// The generation of the revision that brought the content; 0 where a replicated revision didn't say.
    package var revpos: UInt64
    /// How the stored bytes are encoded.
    package var encoding: Encoding
    /// How many bytes the content has, decoded, as far as is known.
    ///
    /// Content that a client compressed itself counts as long as it arrived, unless the client said more.
    package var length: UInt64
    /// How many bytes are stored.
    package var storedLength: UInt64
    /// The MD5 of the stored bytes: 16 bytes.
    package var md5: [UInt8]
    /// Where the stored bytes are.
    package var blob: BlobKey

    /// An entry with all its members.
    package init(
        name: [UInt8],
        contentType: [UInt8],
        revpos: UInt64,
        encoding: Encoding,
        length: UInt64,
        storedLength: UInt64,
        md5: [UInt8],
        blob: BlobKey
    ) {
        self.name = name
        self.contentType = contentType
        self.revpos = revpos
        self.encoding = encoding
        self.length = length
        self.storedLength = storedLength
        self.md5 = md5
        self.blob = blob
    }

    /// What an attachment is if nobody says: `application/octet-stream`.
    package static let defaultContentType = Array("application/octet-stream".utf8)

    /// The name as text.
    package var nameText: String { String(decoding: name, as: UTF8.self) }
    /// The media type as text.
    package var contentTypeText: String { String(decoding: contentType, as: UTF8.self) }
    /// The digest as JSON has it: `md5-` and base64.
    package var digestText: String { "md5-" + Base64.encoded(md5) }
    /// The entity tag, quotes included: the digest's base64.
    package var entityTag: String { "\"" + Base64.encoded(md5) + "\"" }

    /// What the attachment adds to the digest of a revision that has it.
    package var forRevisionDigest: RevisionDigest.Attachment {
        RevisionDigest.Attachment(name: name, contentType: contentType, md5: md5)
    }
}

extension Attachment.Encoding {
    /// The name in JSON and HTTP: `identity` or `gzip`.
    package var name: String {
        switch self {
        case .identity: "identity"
        case .gzip: "gzip"
        }
    }

    /// Reads the `Content-Encoding` of an upload; anything but gzip and identity is a 415.
    package init(contentEncoding: String?) throws(SettleError) {
        let bare = contentEncoding?.lowercased().filter { $0 != " " && $0 != "\t" }
        switch bare {
        case nil, "identity": self = .identity
        case "gzip": self = .gzip
        default:
            throw SettleError(.badContentType, "Only gzip and identity content-encodings are supported")
        }
    }
}

extension Attachment {
    /// Whether content of a type is compressed before it is stored, as CouchDB does by default.
    ///
    /// That is `text/*`, and `application/javascript`, `/json` and `/xml` with or without parameters, in any case.
    package static func isCompressible(contentType: some Sequence<UInt8>) -> Bool {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D]
        let type = contentType.drop { blanks.contains($0) }
            .map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        if type.starts(with: "text/".utf8) { return true }
        return ["application/javascript", "application/json", "application/xml"].contains { name in
            guard type.starts(with: name.utf8) else { return false }
            let rest = type.dropFirst(name.utf8.count).drop { blanks.contains($0) }
            return rest.isEmpty || rest.first == UInt8(ascii: ";")
        }
    }

    /// The generation up to which a peer has a revision's attachments, if it has the revisions in `atts_since`.
    ///
    /// That is the generation of the newest of them on the revision's own path, newest first; 0 if none is. An
    /// attachment with a greater `revpos` is sent in full, any other as a stub.
    package static func knownGeneration(path: some Sequence<RevisionID>, since: [RevisionID]) -> UInt64 {
        guard !since.isEmpty else { return 0 }
        return path.first { since.contains($0) }?.generation ?? 0
    }
}
