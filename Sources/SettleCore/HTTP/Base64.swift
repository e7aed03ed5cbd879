// Base64 (RFC 4648 §4), without Foundation: HTTP's Basic credentials, digests, and attachments inside of JSON.

/// Encodes and decodes base64 text.
package enum Base64 {
    /// The bytes that the text stands for; nil if it isn't base64.
    ///
    /// Padding may be left out.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        decode(Array(text), needsPadding: false, skipsBlanks: false)
    }

    /// The bytes that the text stands for; nil if it isn't base64, or isn't padded.
    ///
    /// White space means nothing, as for CouchDB.
    package static func decodeStrictly(_ text: [UInt8]) -> [UInt8]? {
        decode(text, needsPadding: true, skipsBlanks: true)
    }

    /// The text for some bytes, padded.
    package static func encoded(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        append(bytes[...], to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends the text for some bytes, padded.
    package static func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
        let groups = bytes.count / 3
        output.reserveCapacity(output.count + length(of: bytes.count))
        output.append(addingCapacity: groups * 4) { text in
            let (source, digits) = (bytes.span, alphabet.span)
            for group in 0..<groups {
                let bits =
                    Int(source[3 * group]) << 16 | Int(source[3 * group + 1]) << 8
                    | Int(source[3 * group + 2])
                text.append(digits[bits >> 18])
                text.append(digits[bits >> 12 & 63])
                text.append(digits[bits >> 6 & 63])
                text.append(digits[bits & 63])
            }
        }
        let index = bytes.startIndex + 3 * groups
        guard index < bytes.endIndex else { return }
        let isPair = index + 2 == bytes.endIndex
        let bits = Int(bytes[index]) << 16 | (isPair ? Int(bytes[index + 1]) << 8 : 0)
        output.append(alphabet[bits >> 18])
        output.append(alphabet[bits >> 12 & 63])
        output.append(isPair ? alphabet[bits >> 6 & 63] : UInt8(ascii: "="))
        output.append(UInt8(ascii: "="))
    }

    /// How long the padded text for so many bytes is.
    package static func length<Count: BinaryInteger>(of count: Count) -> Count { (count + 2) / 3 * 4 }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    /// What each character stands for: 0…63, or one of the three marks below.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: illegal, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        values[Int(UInt8(ascii: "="))] = padding
        for blank in " \t\r\n".utf8 { values[Int(blank)] = Self.blank }
        return values
    }()
    private static let illegal: UInt8 = 0xFF
    private static let padding: UInt8 = 0xFE
    private static let blank: UInt8 = 0xFD

    private static func decode(_ text: [UInt8], needsPadding: Bool, skipsBlanks: Bool) -> [UInt8]? {
        let values = Self.values
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3 + 3)
        var index = 0
        // Whole groups of four digits, which is nearly all of a text.
        while index + 4 <= text.count {
            let first = values[Int(text[index])]
            let second = values[Int(text[index + 1])]
            let third = values[Int(text[index + 2])]
            let fourth = values[Int(text[index + 3])]
            guard (first | second | third | fourth) < 64 else { break }
            output.append(first << 2 | second >> 4)
            output.append(second << 4 | third >> 2)
            output.append(third << 6 | fourth)
            index += 4
        }
        var bits: UInt32 = 0
        var count = 0
        var paddings = 0
        while index < text.count {
            let value = values[Int(text[index])]
            index += 1
            switch value {
            case blank where skipsBlanks: continue
            case padding: paddings += 1
            case 0..<64 where paddings == 0:
                bits = bits << 6 | UInt32(value)
                count += 1
                if count % 4 != 1 {
                    let shift = UInt32(6 - 2 * ((count - 1) % 4))
                    output.append(UInt8(truncatingIfNeeded: bits >> shift))
                }
            default: return nil
            }
        }
        let isWhole = needsPadding ? paddings < 3 && (count + paddings) % 4 == 0 : paddings <= 2
        return isWhole && count % 4 != 1 ? output : nil
    }
}

/// Writes the base64 text of bytes that come in pieces.
package struct Base64Encoder: Sendable {
    /// Up to two bytes that did not make a group yet.
    private var rest: [UInt8] = []

    /// Starts a text.
    package init() {}

    /// Appends the text for the bytes so far, but for up to two that wait for more.
    package mutating func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
        var bytes = bytes
        if !rest.isEmpty {
            let missing = min(3 - rest.count, bytes.count)
            rest.append(contentsOf: bytes.prefix(missing))
            bytes = bytes.dropFirst(missing)
            guard rest.count == 3 else { return }
            Base64.append(rest[...], to: &output)
            rest.removeAll()
        }
        let whole = bytes.count / 3 * 3
        Base64.append(bytes.prefix(whole), to: &output)
        rest.append(contentsOf: bytes.dropFirst(whole))
    }

    /// Appends the end of the text, with its padding.
    package mutating func finish(to output: inout [UInt8]) {
        Base64.append(rest[...], to: &output)
        rest.removeAll()
    }
}
