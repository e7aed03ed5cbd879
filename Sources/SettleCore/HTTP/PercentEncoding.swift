// Percent-encoding as CouchDB reads and writes it.
//
//     read    a%2Fb      the bytes a/b
//             with+space a plus is a space, in paths as in queries (%2B is a plus)
//             100%       a percent sign that no two digits follow stands for itself (the server refuses it first)
//     write   a/b é:     a%2Fb%20%C3%A9:
//
// The subtle thing: what is decoded are bytes. Whether they are UTF-8 is asked where they become an id or a name.

/// Decodes and encodes percent-encoded text.
package enum PercentEncoding {
    /// The bytes that percent-encoded text stands for.
    ///
    /// A plus is a space, but for the credentials in a URL, where it is itself.
    package static func decode(_ text: ArraySlice<UInt8>, plusIsSpace: Bool = true) -> [UInt8] {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return Array(text)
        }
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "%"), index + 2 < text.endIndex,
                let high = hexadecimal(text[index + 1]), let low = hexadecimal(text[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
                continue
            }
            output.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
            index += 1
        }
        return output
    }

    /// Whether two hexadecimal digits follow every percent sign.
    package static func isWellFormed(_ text: String.UTF8View) -> Bool {
        var digitsToCome = 0
        for byte in text {
            if digitsToCome > 0 {
                guard hexadecimal(byte) != nil else { return false }
                digitsToCome -= 1
            } else if byte == UInt8(ascii: "%") {
                digitsToCome = 2
            }
        }
        return digitsToCome == 0
    }

    /// Appends bytes with everything encoded but letters, digits and `_ . - :`, as CouchDB writes `Location`.
    package static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
        for byte in bytes {
            if isPlain(byte) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(digit(byte >> 4))
                output.append(digit(byte & 15))
            }
        }
    }

    /// Bytes as one segment of a path, or one name or value of a query.
    package static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        append(bytes, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// A document's id as it stands in a path: the slash of `_design/` and `_local/` stays one.
    package static func encodedPath(_ id: DocumentID) -> String {
        for prefix in ["_design/", "_local/"] where id.bytes.starts(with: prefix.utf8) {
            return prefix + encoded(id.bytes.dropFirst(prefix.utf8.count))
        }
        return encoded(id.bytes)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: ":"):
            true
        default:
            false
        }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }

    private static func hexadecimal(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
