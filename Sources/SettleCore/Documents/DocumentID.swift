// A document's name: any UTF-8 text, compared byte by byte.
//
// Swift's `String` would call "é" (one scalar) and "é" (two) equal; CouchDB keeps them as two documents, and sorts
// ids by their bytes. So an id is its bytes, and a `String` only where people read it.

/// The id of a document, ordered by the bytes of its UTF-8 text.
public struct DocumentID: Hashable, Sendable {
    /// The UTF-8 text.
    public let bytes: [UInt8]

    /// The id with this text.
    public init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The id whose text is these bytes, which are UTF-8 already.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The text, for people.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether this names a design document, `_design/…`.
    public var isDesign: Bool { bytes.starts(with: "_design/".utf8) }

    /// Whether this names a local document, `_local/…`, which never replicates.
    public var isLocal: Bool { bytes.starts(with: "_local/".utf8) }
}

extension DocumentID: Comparable {
    /// Byte order, as `_all_docs` sorts.
    public static func < (left: DocumentID, right: DocumentID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension DocumentID: ExpressibleByStringLiteral, CustomStringConvertible {
    /// The id with this text.
    public init(stringLiteral value: String) { self.init(value) }
    /// The text.
    public var description: String { text }
}
