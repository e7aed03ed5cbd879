// Numbers: an integer keeps all its digits, anything with a point or an exponent is a double.
//
//     1  -0  12345678901234567890123  integers         1.0  1e3  -2.5E-7  doubles
//
// `1` and `1.0` are two values: they hash to different revisions and print differently. The digits are added up while
// they are moved over, so that an ordinary number needs no second look at its text.
//
// The subtle thing: CouchDB reads a double with a point correctly rounded, and so it does one without a point
// (`5e-324`) unless that is too small for a normal double or has 32 characters or more. Then it multiplies integer
// and power of ten, and `5e-324` becomes 0.0. Revisions depend on it, so `double` does the same.

/// One number as it stands in a text.
struct JSONNumberToken {
    /// Where it stands.
    var range: Range<Int>
    var isNegative: Bool
    /// How many digits stand before the exponent, on both sides of the point.
    var digits: Int
    /// Their value, without point and sign; only meaningful up to 19 digits.
    var magnitude: UInt64
    /// How many of the digits follow the point.
    var fractionDigits: Int
    /// What stands after `e`, bounded so that it can be calculated with.
    var exponent: Int
    var hasExponent: Bool

    /// Whether this is an integer, however large: neither point nor exponent.
    var isInteger: Bool { fractionDigits == 0 && !hasExponent }

    /// The integer's value where it is one and fits.
    var int64: Int64? {
        guard isInteger, digits <= 19 else { return nil }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }
}

extension JSONScanner {
    /// Moves over a number that begins at the position with `-` or a digit.
    mutating func number() throws(JSONError) -> JSONNumberToken {
        let start = position
        let isNegative = current == 0x2D
        if isNegative { position += 1 }
        var magnitude: UInt64 = 0
        let firstDigit = position
        if current == 0x30 {
            position += 1
        } else {
            try moveOverDigits(addingTo: &magnitude)
        }
        var token = JSONNumberToken(
            range: start..<position,
            isNegative: isNegative,
            digits: position - firstDigit,
            magnitude: magnitude,
            fractionDigits: 0,
            exponent: 0,
            hasExponent: false
        )
        if current == 0x2E || current | 0x20 == 0x65 { try moveOverFraction(of: &token) }
        token.range = start..<position
        guard token.digits <= 300, !token.hasExponent else {
            let isHeld = token.isInteger ? token.digits <= Self.maximumDigits : double(token).isFinite
            guard isHeld else { throw JSONError(offset: start, problem: .numberOutOfRange) }
            return token
        }
        return token
    }

    /// Moves over what follows the integer part: point, exponent, or both.
    private mutating func moveOverFraction(of token: inout JSONNumberToken) throws(JSONError) {
        if current == 0x2E {
            position += 1
            let first = position
            try moveOverDigits(addingTo: &token.magnitude)
            token.fractionDigits = position - first
            token.digits += token.fractionDigits
        }
        guard current | 0x20 == 0x65 else { return }
        token.hasExponent = true
        position += 1
        let isNegative = current == 0x2D
        if isNegative || current == 0x2B { position += 1 }
        guard (0x30...0x39).contains(current) else { throw unexpected() }
        while (0x30...0x39).contains(current) {
            token.exponent = min(token.exponent * 10 + Int(current - 0x30), 1 << 40)
            position += 1
        }
        if isNegative { token.exponent.negate() }
    }

    /// Moves over one digit or more.
    @inline(__always)
    private mutating func moveOverDigits(addingTo magnitude: inout UInt64) throws(JSONError) {
        guard current >= 0x30, current <= 0x39 else { throw unexpected() }
        while true {
            let digit = current &- 0x30
            guard digit <= 9 else { return }
            magnitude = magnitude &* 10 &+ UInt64(digit)
            position += 1
        }
    }

    /// The value of a number that is not an integer.
    func double(_ token: JSONNumberToken) -> Double {
        let scale = token.exponent - token.fractionDigits
        if token.digits <= 19, token.magnitude < 1 << 53, scale >= -22, scale <= 22,
            token.fractionDigits > 0 || token.range.count < 32
        {
            // Both factors are exact, so one rounding gives the nearest double.
            let magnitude = Double(token.magnitude)
            let value = scale < 0 ? magnitude / Self.powersOfTen[-scale] : magnitude * Self.powersOfTen[scale]
            return token.isNegative ? -value : value
        }
        let text = String(decoding: input[token.range], as: UTF8.self)
        let value = Double(text) ?? .infinity
        guard token.fractionDigits == 0 else { return value }
        let isZero = token.digits == 1 && token.magnitude == 0
        guard token.range.count >= 32 || !(value.isNormal || isZero) else { return value }
        let integer = Double(text.prefix(token.digits + (token.isNegative ? 1 : 0))) ?? .infinity
        return integer * (Double("1e\(token.exponent)") ?? .infinity)
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]
}
