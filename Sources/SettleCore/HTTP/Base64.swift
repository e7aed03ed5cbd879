// Base64 (RFC 4648 §4), without Foundation: HTTP's Basic credentials, digests, and attachments inside of JSON.

/// Encodes and decodes base64 text.
package enum Base64 {
    /// The bytes that the text stands for; nil if it isn't base64.
    ///
    /// Padding may be left out.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        decode(Array(text), Base64Decoder(needsPadding: false, skipsBlanks: false))
    }

    /// The bytes that the text stands for; nil if it isn't base64, or isn't padded.
    ///
    /// White space means nothing, as for CouchDB.
    package static func decodeStrictly(_ text: [UInt8]) -> [UInt8]? { decode(text, Base64Decoder()) }

    private static func decode(_ text: [UInt8], _ decoder: Base64Decoder) -> [UInt8]? {
        var decoder = decoder
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3 + 3)
        return decoder.append(text[...], to: &output) && decoder.isComplete ? output : nil
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

    fileprivate static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )
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

/// Reads base64 text that comes in pieces.
package struct Base64Decoder: Sendable {
    private let needsPadding: Bool
    private let skipsBlanks: Bool
    /// The digits of the group that is not complete, and how many there are.
    private var bits: UInt32 = 0
    private var digits: UInt32 = 0
    private var paddings = 0

    /// Begins a text, which is read as `Base64.decodeStrictly` does, or otherwise.
    package init(needsPadding: Bool = true, skipsBlanks: Bool = true) {
        self.needsPadding = needsPadding
        self.skipsBlanks = skipsBlanks
    }

    /// Whether the text may end here.
    package var isComplete: Bool {
        let isPadded = needsPadding ? paddings < 3 && (Int(digits) + paddings) % 4 == 0 : paddings <= 2
        return isPadded && digits != 1
    }

    /// Appends what the text stands for, but for a group that is not complete; false if it isn't base64.
    package mutating func append(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) -> Bool {
        var text = text
        while !text.isEmpty {
            if digits == 0, paddings == 0 { text = text.dropFirst(Self.appendGroups(text, to: &output)) }
            guard let character = text.popFirst() else { break }
            switch Self.values[Int(character)] {
            case Self.blank where skipsBlanks: continue
            case Self.padding: paddings += 1
            case let value where value < 64 && paddings == 0:
                bits = bits << 6 | UInt32(value)
                digits = (digits + 1) % 4
                if digits != 1 {
                    output.append(UInt8(truncatingIfNeeded: bits >> ((8 - 2 * digits) % 8)))
                }
            default: return false
            }
        }
        return true
    }

    /// Appends what the whole groups of digits at the beginning stand for, which is nearly all of a text; gives how many
    /// characters they have.
    private static func appendGroups(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) -> Int {
        var done = 0
        output.append(addingCapacity: text.count / 4 * 3) { bytes in
            let (source, values) = (text.span, values.span)
            while done + 4 <= source.count {
                let first = values[Int(source[done])]
                let second = values[Int(source[done + 1])]
                let third = values[Int(source[done + 2])]
                let fourth = values[Int(source[done + 3])]
                guard (first | second | third | fourth) < 64 else { break }
                bytes.append(first << 2 | second >> 4)
                bytes.append(second << 4 | third >> 2)
                bytes.append(third << 6 | fourth)
                done += 4
            }
        }
        return done
    }

    /// What each character stands for: 0…63, or one of the three marks below.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: illegal, count: 256)
        for (value, character) in Base64.alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        values[Int(UInt8(ascii: "="))] = padding
        for blank in " \t\r\n".utf8 { values[Int(blank)] = Self.blank }
        return values
    }()
    private static let illegal: UInt8 = 0xFF
    private static let padding: UInt8 = 0xFE
    private static let blank: UInt8 = 0xFD
}
