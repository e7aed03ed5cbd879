// Numbers in collation keys: exact, whatever they are.
//
//     value = ± 1.mantissa × 2^exponent
//
//     22 ‹exponent› ‹mantissa›    positive; 21 is zero; 20 and the complement of both: negative
//
//     5   = 1.01₂ × 2²        22 82 40
//     5.0 the same            22 82 40
//     0.5 = 1.0₂ × 2⁻¹        22 7F 00
//     2⁵³+1 differs from 2⁵³ though no double does: 22 B5 …
//
// The exponent takes one byte (80 is 2⁰) from -112 to 112 and four outside: 01 or FE, then three bytes. The mantissa
// comes seven bits a byte; the eighth, the lowest, says whether there are more. Zeros at its end are left out, so that
// equal values have equal bytes, whether they were integers, doubles or a hundred thousand digits.
//
// The subtle thing: rounding an integer to a double would be simpler and wrong. It would make equal what CouchDB
// orders, and keys that are equal are one group.

extension CollationKey {
    /// How far from 2⁰ an exponent may be in one byte.
    private static let shortExponents = -112...112

    /// Appends the number that a scanner moved over.
    static func appendNumber(_ token: JSONNumberToken, in scanner: JSONScanner, to key: inout [UInt8]) {
        if let value = token.int64 {
            appendInteger(magnitude: value.magnitude, isNegative: value < 0, to: &key)
        } else if token.isInteger {
            let digits = scanner.input[token.range].dropFirst(token.isNegative ? 1 : 0)
            appendBigInteger(words: BinaryDigits.words(of: digits), isNegative: token.isNegative, to: &key)
        } else {
            appendDouble(scanner.double(token), to: &key)
        }
    }

    private static func appendInteger(magnitude: UInt64, isNegative: Bool, to key: inout [UInt8]) {
        guard magnitude != 0 else {
            key.append(Tag.zero)
            return
        }
        let zeros = magnitude.leadingZeroBitCount
        let mask = appendSignAndExponent(63 - zeros, isNegative: isNegative, to: &key)
        // Twice, since a shift by 64 would leave the bits where they are.
        appendMantissa((magnitude << UInt64(zeros)) << 1, mask: mask, to: &key)
    }

    private static func appendDouble(_ value: Double, to key: inout [UInt8]) {
        guard value != 0 else {
            key.append(Tag.zero)
            return
        }
        // Also normalises the smallest doubles: `significand` is 1 or more for them too.
        let mask = appendSignAndExponent(Int(value.exponent), isNegative: value < 0, to: &key)
        appendMantissa(value.significand.bitPattern << 12, mask: mask, to: &key)
    }

    private static func appendBigInteger(words: [UInt64], isNegative: Bool, to key: inout [UInt8]) {
        guard let last = words.last else {
            key.append(Tag.zero)
            return
        }
        var remaining = words.count * 64 - 1 - last.leadingZeroBitCount
        let mask = appendSignAndExponent(remaining, isNegative: isNegative, to: &key)
        let lowest = words.indices.first { words[$0] != 0 } ?? 0
        let trailingZeros = lowest * 64 + words[lowest].trailingZeroBitCount
        repeat {
            // The next seven bits below bit `remaining`; beyond the end they are zeros.
            var bits: UInt8 = 0
            for position in stride(from: remaining - 1, to: remaining - 8, by: -1) {
                bits <<= 1
                if position >= 0, words[position / 64] >> UInt64(position % 64) & 1 == 1 { bits |= 1 }
            }
            remaining -= 7
            key.append((bits << 1 | (remaining > trailingZeros ? 1 : 0)) ^ mask)
        } while remaining > trailingZeros
    }

    /// Appends sign and exponent; gives what the mantissa's bytes are combined with.
    private static func appendSignAndExponent(_ exponent: Int, isNegative: Bool, to key: inout [UInt8])
        -> UInt8
    {
        key.append(isNegative ? Tag.negative : Tag.positive)
        let mask: UInt8 = isNegative ? 0xFF : 0
        if shortExponents.contains(exponent) {
            key.append(UInt8(0x80 + exponent) ^ mask)
        } else {
            let biased = exponent + (exponent < 0 ? 1 << 23 : 0)
            key.append((exponent < 0 ? 0x01 : 0xFE) ^ mask)
            key.append(UInt8(truncatingIfNeeded: biased >> 16) ^ mask)
            key.append(UInt8(truncatingIfNeeded: biased >> 8) ^ mask)
            key.append(UInt8(truncatingIfNeeded: biased) ^ mask)
        }
        return mask
    }

    /// Appends bits from the highest one on, seven a byte.
    private static func appendMantissa(_ bits: UInt64, mask: UInt8, to key: inout [UInt8]) {
        var rest = bits
        repeat {
            let group = UInt8(truncatingIfNeeded: rest >> 56) & 0xFE
            rest <<= 7
            key.append((group | (rest != 0 ? 1 : 0)) ^ mask)
        } while rest != 0
    }
}
