// The spelling of JSON: how strings and numbers are written wherever Settle writes them.
//
// CouchDB's spelling, since its clients compare texts and its replicas compare bodies:
//
//     "\n\t\"\\\b\f\r"  short escapes        /  é  U+007F  as they are        \u0000 \u001F  upper-case digits
//     1.0  0.001  1000.0  1.5e-7  1.7976931348623157e+308  doubles: shortest digits that read back the same, a
//                                                          point unless there is an exponent
//
// The subtle thing: a double is written plainly from 1e-6 up to below 1e21 and with an exponent outside (so 1e20
// takes 21 digits and `.0`), and negative zero is written `0.0`.

/// Writes the words of JSON as CouchDB writes them.
package enum JSONText {
    /// Appends text, which is UTF-8, as a string with quotes and escapes.
    package static func appendString(_ text: [UInt8], to output: inout [UInt8]) {
        appendString(text[...], to: &output)
    }

    /// Appends text, which is UTF-8, as a string with quotes and escapes.
    package static func appendString(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        output.append(0x22)
        var copied = text.startIndex
        var index = copied
        while index < text.endIndex {
            let byte = text[index]
            if byte < 0x20 || byte == 0x22 || byte == 0x5C {
                output.append(contentsOf: text[copied..<index])
                appendEscape(byte, to: &output)
                copied = index + 1
            }
            index += 1
        }
        output.append(contentsOf: text[copied...])
        output.append(0x22)
    }

    /// Appends text as a string with quotes and escapes.
    package static func appendString(_ text: String, to output: inout [UInt8]) {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else {
            output.append(0x22)
            output.append(contentsOf: text.utf8)
            output.append(0x22)
            return
        }
        appendString(Array(text.utf8)[...], to: &output)
    }

    /// Appends what stands for a quote, a backslash or a control character.
    private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(0x5C)
        switch byte {
        case 0x08: output.append(0x62)
        case 0x09: output.append(0x74)
        case 0x0A: output.append(0x6E)
        case 0x0C: output.append(0x66)
        case 0x0D: output.append(0x72)
        case 0x22, 0x5C: output.append(byte)
        default:
            output.append(contentsOf: [0x75, 0x30, 0x30, 0x30 + byte >> 4])
            output.append(byte & 15 < 10 ? 0x30 + byte & 15 : 0x37 + byte & 15)
        }
    }

    /// Appends an integer.
    package static func appendInteger(_ value: some BinaryInteger, to output: inout [UInt8]) {
        output.append(contentsOf: String(value).utf8)
    }

    /// Appends a double; `null` for infinities and NaN, which JSON doesn't have.
    package static func appendDouble(_ value: Double, to output: inout [UInt8]) {
        guard value.isFinite else {
            output.append(contentsOf: "null".utf8)
            return
        }
        guard value != 0 else {
            output.append(contentsOf: "0.0".utf8)
            return
        }
        // Swift finds the same shortest digits but lays them out otherwise: `100000.0`, `1e-05`, `5e+20`.
        var digits: [UInt8] = []
        var integerDigits = 0
        var exponent = 0
        var text = value.magnitude.description.utf8[...]
        if let mark = text.firstIndex(of: 0x65) {
            exponent = Int(Substring(text[text.index(after: mark)...])) ?? 0
            text = text[..<mark]
        }
        var seenPoint = false
        for character in text {
            if character == 0x2E {
                seenPoint = true
            } else {
                digits.append(character)
                if !seenPoint { integerDigits += 1 }
            }
        }
        let leadingZeros = digits.prefix { $0 == 0x30 }.count
        let trailingZeros = digits.reversed().prefix { $0 == 0x30 }.count
        if value < 0 { output.append(0x2D) }
        let significant = digits[leadingZeros..<digits.count - trailingZeros]
        appendDecimal(significant, exponent: exponent + integerDigits - leadingZeros - 1, to: &output)
    }

    /// Lays out digits, none of them a zero at either end, of which the first counts 10 to the `exponent`.
    private static func appendDecimal(_ digits: ArraySlice<UInt8>, exponent: Int, to output: inout [UInt8]) {
        switch exponent {
        case -6..<0:
            output.append(contentsOf: "0.".utf8)
            output.append(contentsOf: repeatElement(0x30, count: -exponent - 1))
            output.append(contentsOf: digits)
        case 0..<21:
            let whole = digits.prefix(exponent + 1)
            output.append(contentsOf: whole)
            output.append(contentsOf: repeatElement(0x30, count: exponent + 1 - whole.count))
            output.append(0x2E)
            let fraction = digits.dropFirst(exponent + 1)
            if fraction.isEmpty { output.append(0x30) } else { output.append(contentsOf: fraction) }
        default:
            output.append(contentsOf: digits.prefix(1))
            if digits.count > 1 {
                output.append(0x2E)
                output.append(contentsOf: digits.dropFirst())
            }
            output.append(0x65)
            output.append(exponent < 0 ? 0x2D : 0x2B)
            appendInteger(exponent.magnitude, to: &output)
        }
    }
}
