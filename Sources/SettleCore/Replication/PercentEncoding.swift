// Percent-encoding of what a replicator puts into URLs.

/// Percent-encoding as RFC 3986 has it.
package enum PercentEncoding {
    /// The text in which everything but letters, digits and `-._~` is encoded; safe in a path segment and in a query.
    package static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        var result: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default:
                result.append(UInt8(ascii: "%"))
                result.append(hexadecimal(byte >> 4))
                result.append(hexadecimal(byte & 15))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A document's id as it stands in a path: the slash of `_design/` and `_local/` stays one.
    package static func encodedPath(_ id: DocumentID) -> String {
        for prefix in ["_design/", "_local/"] where id.bytes.starts(with: prefix.utf8) {
            return prefix + encoded(id.bytes.dropFirst(prefix.utf8.count))
        }
        return encoded(id.bytes)
    }

    /// The bytes with `%XX` replaced; what isn't of that form stays.
    package static func decoded(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let bytes = Array(bytes)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = Character(UnicodeScalar(bytes[index + 1])).hexDigitValue,
                let low = Character(UnicodeScalar(bytes[index + 2])).hexDigitValue
            {
                result.append(UInt8(high << 4 | low))
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 48 + nibble : 55 + nibble
    }
}
