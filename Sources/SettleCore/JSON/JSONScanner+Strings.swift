// Strings: from quote to quote, checked as UTF-8 and for escapes, and unescaped where somebody wants the text.

extension JSONScanner {
    /// Moves from an opening quote past the closing one; says whether there were escapes between them.
    ///
    /// The content lies from one after where the position was to one before where it is.
    mutating func string() throws(JSONError) -> Bool {
        var index = position + 1
        var hasEscapes = false
        while index < end {
            let byte = input[index]
            if byte >= 0x20, byte < 0x80, byte != 0x22, byte != 0x5C {
                index += 1
            } else if byte == 0x22 {
                position = index + 1
                return hasEscapes
            } else if byte >= 0x80 {
                index = try endOfScalar(at: index)
            } else if byte == 0x5C {
                hasEscapes = true
                index = try endOfEscape(at: index)
            } else {
                throw JSONError(offset: index, problem: .controlCharacter)
            }
        }
        throw JSONError(offset: end, problem: .unexpectedEnd)
    }

    /// The index after the scalar whose first byte, 0x80 or above, stands at `index`.
    private func endOfScalar(at index: Int) throws(JSONError) -> Int {
        let lead = input[index]
        let count: Int
        // What the second byte may be; all later ones are 0x80...0xBF. (Unicode, table 3-7.)
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw JSONError(offset: index, problem: .invalidUTF8)
        }
        guard index + count <= end,
            second.contains(input[index + 1]),
            count < 3 || input[index + 2] & 0xC0 == 0x80,
            count < 4 || input[index + 3] & 0xC0 == 0x80
        else { throw JSONError(offset: index, problem: .invalidUTF8) }
        return index + count
    }

    /// The index after the escape whose backslash stands at `index`.
    private func endOfEscape(at index: Int) throws(JSONError) -> Int {
        guard index + 1 < end else { throw JSONError(offset: end, problem: .unexpectedEnd) }
        switch input[index + 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return index + 2
        case 0x75: break
        default: throw JSONError(offset: index + 1, problem: .invalidEscape)
        }
        let unit = try codeUnit(at: index + 2)
        guard unit & 0xF800 == 0xD800 else { return index + 6 }
        guard unit < 0xDC00, index + 7 < end, input[index + 6] == 0x5C, input[index + 7] == 0x75 else {
            throw JSONError(offset: index, problem: .loneSurrogate)
        }
        let other = try codeUnit(at: index + 8)
        guard other & 0xFC00 == 0xDC00 else { throw JSONError(offset: index, problem: .loneSurrogate) }
        return index + 12
    }

    /// The value of the four hexadecimal digits at `index`.
    private func codeUnit(at index: Int) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for offset in index..<index + 4 {
            guard offset < end else { throw JSONError(offset: end, problem: .unexpectedEnd) }
            guard let nibble = Self.nibble(input[offset]) else {
                throw JSONError(offset: offset, problem: .invalidEscape)
            }
            unit = unit << 4 | nibble
        }
        return unit
    }

    private static func nibble(_ character: UInt8) -> UInt32? {
        switch character {
        case 0x30...0x39: UInt32(character) - 0x30
        case 0x41...0x46: UInt32(character) - 0x37
        case 0x61...0x66: UInt32(character) - 0x57
        default: nil
        }
    }
}

extension JSONScanner {
    /// Appends what a string's content, already moved over, stands for.
    func unescape(_ content: Range<Int>, to output: inout [UInt8]) {
        var copied = content.lowerBound
        var index = copied
        while index < content.upperBound {
            guard input[index] == 0x5C else {
                index += 1
                continue
            }
            output.append(contentsOf: input[copied..<index])
            let character = input[index + 1]
            index += 2
            switch character {
            case 0x62: output.append(0x08)
            case 0x66: output.append(0x0C)
            case 0x6E: output.append(0x0A)
            case 0x72: output.append(0x0D)
            case 0x74: output.append(0x09)
            case 0x75:
                var scalar = hexadecimal(at: index)
                index += 4
                if scalar & 0xFC00 == 0xD800 {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + hexadecimal(at: index + 2) & 0x3FF
                    index += 6
                }
                Self.append(scalar, to: &output)
            default: output.append(character)
            }
            copied = index
        }
        output.append(contentsOf: input[copied..<content.upperBound])
    }

    /// What a string's content stands for, as bytes of its own.
    func text(_ content: Range<Int>, hasEscapes: Bool) -> [UInt8] {
        guard hasEscapes else { return Array(input[content]) }
        var text: [UInt8] = []
        text.reserveCapacity(content.count)
        unescape(content, to: &text)
        return text
    }

    /// The four hexadecimal digits at `index`, which were checked when the string was moved over.
    private func hexadecimal(at index: Int) -> UInt32 {
        input[index..<index + 4].reduce(0) { $0 << 4 | (Self.nibble($1) ?? 0) }
    }

    private static func append(_ scalar: UInt32, to output: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
        switch scalar {
        case ..<0x80:
            output.append(UInt8(scalar))
        case ..<0x800:
            output.append(UInt8(0xC0 | scalar >> 6))
            output.append(tail(0))
        case ..<0x10000:
            output.append(UInt8(0xE0 | scalar >> 12))
            output.append(tail(6))
            output.append(tail(0))
        default:
            output.append(UInt8(0xF0 | scalar >> 18))
            output.append(tail(12))
            output.append(tail(6))
            output.append(tail(0))
        }
    }
}
