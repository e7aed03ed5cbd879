// Where a row stands in a view: a byte string that sorts as CouchDB sorts rows.
//
//     collation key ‖ document id, each 00 as 00 01 ‖ 00 00 ‖ ordinal (4 bytes, big-endian)
//
// Rows sort by key, then by the bytes of the document's id, then by the ordinal, which tells apart the rows of one
// document under one key. The id is escaped and ended because a plain one would not be delimited: the row of "a" would
// get among those of "a\0".
//
// The subtle thing: an id is UTF-8 and UTF-8 has no FF, so a prefix followed by FF stands behind every row that begins
// with the prefix. Hence all of CouchDB's bounds, inclusive or not, with a document id or without, come to one
// half-open range.

/// Puts sort keys and bounds together.
package enum ViewRowKey {
    /// Appends what follows the collation key, up to where the ordinal begins.
    package static func append(documentID id: [UInt8], to bytes: inout [UInt8]) {
        appendEscaped(id, to: &bytes)
        bytes.append(0)
        bytes.append(0)
    }

    /// Appends the ordinal, which ends a sort key.
    package static func append(ordinal: UInt32, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: ordinal >> 24))
        bytes.append(UInt8(truncatingIfNeeded: ordinal >> 16))
        bytes.append(UInt8(truncatingIfNeeded: ordinal >> 8))
        bytes.append(UInt8(truncatingIfNeeded: ordinal))
    }

    private static func appendEscaped(_ id: [UInt8], to bytes: inout [UInt8]) {
        guard id.contains(0) else {
            bytes.append(contentsOf: id)
            return
        }
        for byte in id {
            bytes.append(byte)
            if byte == 0 { bytes.append(1) }
        }
    }

    // MARK: Bounds

    /// The bound before every row of a key, or of a key and a document.
    package static func start(_ collationKey: [UInt8], _ document: DocumentID? = nil) -> [UInt8] {
        var bound = collationKey
        if let document { append(documentID: document.bytes, to: &bound) }
        return bound
    }

    /// The bound after every row of a key, or of a key and a document.
    package static func end(_ collationKey: [UInt8], _ document: DocumentID? = nil) -> [UInt8] {
        var bound = start(collationKey, document)
        // An ordinal may well begin with FF, in theory: five of them stand behind all.
        bound.append(contentsOf: repeatElement(0xFF, count: document == nil ? 1 : 5))
        return bound
    }

    /// The bound right after one row: where the next page begins.
    package static func after(_ sortKey: [UInt8]) -> [UInt8] { sortKey + [0] }
}
