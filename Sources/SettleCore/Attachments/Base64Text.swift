// Base64 text that stays where it is, in the middle of a request's body, until it is decoded piece by piece.
//
//     {"_attachments":{"f":{"data":"SGVsbG8…"}}}
//                                   ^^^^^^^^^ this, of the text as it came
//
// An attachment of some hundred megabytes is in memory once, as the text that the client sent.

/// A part of a text that is known to be base64, as `Base64.decodeStrictly` reads it.
package struct Base64Text: Sendable {
    /// How much text is decoded at a time.
    private static let part = 128 << 10

    private let text: ArraySlice<UInt8>
    /// How many bytes it stands for.
    package let count: Int

    /// Checks a text; nil if it isn't base64.
    package init?(_ text: ArraySlice<UInt8>) {
        self.text = text
        var count = 0
        let isValid = Self.decode(text) { count += $0.count }
        guard isValid else { return nil }
        self.count = count
    }

    /// Hands out the bytes that it stands for, part after part.
    package func decode(_ take: (ArraySlice<UInt8>) throws(SettleError) -> Void) throws(SettleError) {
        _ = try Self.decode(text, take)
    }

    private static func decode<Failure>(
        _ text: ArraySlice<UInt8>,
        _ take: (ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        var decoder = Base64Decoder()
        var bytes: [UInt8] = []
        var rest = text
        while !rest.isEmpty {
            guard decoder.append(rest.prefix(part), to: &bytes) else { return false }
            rest = rest.dropFirst(part)
            try take(bytes[...])
            bytes.removeAll(keepingCapacity: true)
        }
        return decoder.isComplete
    }
}

extension Base64Text: Hashable {
    /// Whether both are the same text.
    package static func == (left: Base64Text, right: Base64Text) -> Bool { left.text == right.text }

    /// Feeds the length, which tells most texts apart.
    package func hash(into hasher: inout Hasher) { hasher.combine(count) }
}
