package import SettleCore

/// The order of JSON values told directly, value against value: what collation keys must agree with.
package struct CollationLaw {
    package var order: CollationKey.Order
    /// Compares two strings: negative, zero or positive.
    package var compareStrings: ([UInt8], [UInt8]) -> Int

    package init(_ order: CollationKey.Order, compareStrings: @escaping ([UInt8], [UInt8]) -> Int) {
        self.order = order
        self.compareStrings = compareStrings
    }

    /// Strings by their bytes, the shorter one first.
    package static func bytes(_ left: [UInt8], _ right: [UInt8]) -> Int {
        left.lexicographicallyPrecedes(right) ? -1 : left == right ? 0 : 1
    }

    /// Negative, zero or positive.
    package func compare(_ left: JSONValue, _ right: JSONValue) -> Int {
        let (leftRank, rightRank) = (rank(left), rank(right))
        guard leftRank == rightRank else { return leftRank - rightRank }
        switch (left, right) {
        case (.number(let left), .number(let right)):
            return ExactNumber(left).compare(ExactNumber(right))
        case (.string(let left), .string(let right)): return compare(left, right)
        case (.array(let left), .array(let right)):
            for (left, right) in zip(left, right) {
                let result = compare(left, right)
                guard result == 0 else { return result }
            }
            return left.count - right.count
        case (.object(let left), .object(let right)):
            for (left, right) in zip(left.members, right.members) {
                let names = compare(left.name, right.name)
                guard names == 0 else { return names }
                let values = compare(left.value, right.value)
                guard values == 0 else { return values }
            }
            return left.members.count - right.members.count
        default: return 0
        }
    }

    private func compare(_ left: String, _ right: String) -> Int {
        compareStrings(Array(left.utf8), Array(right.utf8))
    }

    private func rank(_ value: JSONValue) -> Int {
        let isRaw = order == .raw
        return switch value {
        case .null: isRaw ? 4 : 0
        case .bool(let value): value ? (isRaw ? 5 : 2) : (isRaw ? 3 : 1)
        case .number: isRaw ? 0 : 3
        case .string: isRaw ? 8 : 4
        case .array: isRaw ? 7 : 5
        case .object: isRaw ? 6 : 6
        }
    }
}

/// A number times 2 to the 1074, which makes an integer of every double: digits of 32 bits, the lowest first.
private struct ExactNumber {
    var isNegative = false
    var digits: [UInt32] = []

    init(_ number: JSONNumber) {
        switch number.storage {
        case .integer(let value):
            isNegative = value < 0
            digits = [UInt32(truncatingIfNeeded: value.magnitude), UInt32(value.magnitude >> 32)]
            shift(by: 1074)
        case .bigInteger(let text):
            isNegative = text.first == 0x2D
            for character in text.drop(while: { $0 == 0x2D }) {
                var carry = UInt64(character - 0x30)
                for index in digits.indices {
                    carry += UInt64(digits[index]) * 10
                    digits[index] = UInt32(truncatingIfNeeded: carry)
                    carry >>= 32
                }
                if carry > 0 { digits.append(UInt32(carry)) }
            }
            shift(by: 1074)
        case .double(let value):
            isNegative = value < 0
            let fraction = value.significandBitPattern
            let isSubnormal = value.exponentBitPattern == 0
            let whole = isSubnormal ? fraction : fraction | 1 << 52
            digits = [UInt32(truncatingIfNeeded: whole), UInt32(whole >> 32)]
            shift(by: isSubnormal ? 0 : Int(value.exponentBitPattern) - 1)
        }
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { isNegative = false }
    }

    private mutating func shift(by bits: Int) {
        var carry: UInt32 = 0
        for index in digits.indices where bits % 32 > 0 {
            let digit = digits[index]
            digits[index] = digit << UInt32(bits % 32) | carry
            carry = digit >> UInt32(32 - bits % 32)
        }
        digits = Array(repeating: 0, count: bits / 32) + digits + [carry]
    }

    func compare(_ other: ExactNumber) -> Int {
        guard isNegative == other.isNegative else { return isNegative ? -1 : 1 }
        let magnitudes = compareMagnitude(other)
        return isNegative ? -magnitudes : magnitudes
    }

    private func compareMagnitude(_ other: ExactNumber) -> Int {
        guard digits.count == other.digits.count else { return digits.count - other.digits.count }
        for (left, right) in zip(digits.reversed(), other.digits.reversed()) where left != right {
            return left < right ? -1 : 1
        }
        return 0
    }
}

/// Random view keys: small trees over few values, so that many are equal or nearly so.
package struct KeyGenerator {
    package var random: SeededGenerator

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private static let numbers = [
        "0", "0.0", "-0.0", "1", "1.0", "-1", "-1.0", "1.5", "2", "10", "1e10", "9007199254740991",
        "9007199254740992",
        "9007199254740992.0", "9007199254740993", "9007199254740994.0", "9223372036854775807",
        "9223372036854775808",
        "9223372036854775808.0", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "18446744073709551616.0", "18446744073709551617", "1e300",
        "1.7976931348623157e308",
        "-1.7976931348623157e308", "2.2250738585072014e-308", "1.5e-323", "1e-100", "0.1",
        "0.30000000000000004",
        "1" + String(repeating: "0", count: 308), "1" + String(repeating: "0", count: 400),
        "-9" + String(repeating: "9", count: 400),
    ]

    private static let scalars: [Unicode.Scalar] = [
        "a", "b", "A", "B", "e", "é", "e", "\u{301}", "z", "ä", "ß", "s", " ", "_", "-", "`", "0", "9",
        "\u{0}", "\u{1}",
        "\u{1F}", "\u{7F}", "\"", "\\", "日", "本", "я", "\u{FFFF}", "\u{FFFE}", "\u{10FFFF}", "😀", "\u{D7FF}",
        "\u{E000}", "\u{FFF0}", "\u{AD}", "ﬁ", "Ω",
    ]

    package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    package mutating func number() -> JSONValue {
        let text =
            switch below(4) {
            case 0: String(below(20) - 10)
            case 1: "\(Double(below(400) - 200) / 16)"
            case 2: "\(Int64(bitPattern: random.next()))"
            default: Self.numbers[below(Self.numbers.count)]
            }
        return (try? JSONValue(parsing: Array(text.utf8))) ?? .null
    }

    package mutating func string() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<below(5) { text.append(Self.scalars[below(Self.scalars.count)]) }
        return String(text)
    }

    /// A string of ASCII characters, all of them likely.
    package mutating func ascii() -> [UInt8] {
        let length = below(8) == 0 ? below(400) : below(12)
        let isRun = below(3) == 0
        return (0..<length).map { _ in isRun ? [0x61, 0x61, 0x61, 0x42, 0x01][below(5)] : UInt8(below(128)) }
    }

    package mutating func value(depth: Int = 3) -> JSONValue {
        switch below(depth > 0 ? 10 : 6) {
        case 0: .null
        case 1: .bool(below(2) == 0)
        case 2, 3: number()
        case 4, 5: .string(string())
        case 6, 7, 8: .array((0..<below(4)).map { _ in value(depth: depth - 1) })
        default: .object(JSONObject((0..<below(3)).map { _ in (string(), value(depth: depth - 1)) }))
        }
    }
}
