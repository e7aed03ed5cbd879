extension JSONText {
    /// The text with U+FFFD in place of each escaped half of a surrogate pair whose other half is missing.
    ///
    /// JavaScript's strings may hold such halves, and its JSON escapes them; the rest of the world takes them for broken
    /// text. Anything else is left as it is, broken or not.
    package static func replacingLoneSurrogates(in text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var copied = 0
        var index = 0
        while index < text.count {
            guard text[index] == 0x5C else {
                index += 1
                continue
            }
            switch surrogate(text, at: index) {
            case .none: index += 2
            case .high where surrogate(text, at: index + 6) == .low: index += 12
            case .high, .low:
                output.append(contentsOf: text[copied..<index])
                output.append(contentsOf: "\u{FFFD}".utf8)
                index += 6
                copied = index
            }
        }
        guard copied > 0 else { return text }
        output.append(contentsOf: text[copied...])
        return output
    }

    private enum Surrogate { case none, high, low }

    /// Whether `\udXXX` stands at the index, and which half it is.
    private static func surrogate(_ text: [UInt8], at index: Int) -> Surrogate {
        guard index + 5 < text.count, text[index] == 0x5C, text[index + 1] == 0x75,
            text[index + 2] | 0x20 == 0x64
        else { return .none }
        switch text[index + 3] {
        case 0x38, 0x39, 0x41, 0x42, 0x61, 0x62: return .high
        case 0x43...0x46, 0x63...0x66: return .low
        default: return .none
        }
    }
}
