// Sums, products and order of numbers as Erlang has them: integers of any length are exact, and one double makes the
// result a double.
//
//     9223372036854775807 + 1 = 9223372036854775808        1 + 2.0 = 3.0        1 and 1.0 are neither less

extension JSONNumber {
    /// The sum; infinite where a double can't hold it.
    package func adding(_ other: JSONNumber) -> JSONNumber {
        if case .integer(let left) = storage, case .integer(let right) = other.storage {
            let (sum, overflow) = left.addingReportingOverflow(right)
            if !overflow { return JSONNumber(storage: .integer(sum)) }
        }
        guard let left = LongInteger(self), let right = LongInteger(other) else {
            return JSONNumber(double + other.double)
        }
        return left.adding(right).number
    }

    /// The product with itself; infinite where a double can't hold it.
    package var squared: JSONNumber {
        if case .integer(let value) = storage {
            let (product, overflow) = value.multipliedReportingOverflow(by: value)
            if !overflow { return JSONNumber(storage: .integer(product)) }
        }
        guard let value = LongInteger(self) else { return JSONNumber(double * double) }
        return value.multiplied(by: value).number
    }

    /// Whether this is the lesser of two numbers.
    package func isLess(than other: JSONNumber) -> Bool {
        switch (storage, other.storage) {
        case (.integer(let left), .integer(let right)): return left < right
        case (.double(let left), .double(let right)): return left < right
        case (.integer(let left), .double(let right)): return Self.order(left, right) < 0
        case (.double(let left), .integer(let right)): return Self.order(right, left) > 0
        default:
            guard let left = LongInteger(self), let right = LongInteger(other) else {
                return double < other.double
            }
            return left.isLess(than: right)
        }
    }

    /// -1, 0 or 1 as an integer is less than, equal to or greater than a double, exactly.
    private static func order(_ integer: Int64, _ double: Double) -> Int {
        guard let whole = Int64(exactly: double.rounded(.towardZero)) else { return double > 0 ? -1 : 1 }
        if integer != whole { return integer < whole ? -1 : 1 }
        let fraction = double - double.rounded(.towardZero)
        return fraction == 0 ? 0 : fraction > 0 ? -1 : 1
    }
}

/// An integer of any length: nine decimal digits a word, the least first.
private struct LongInteger {
    private static let base: UInt64 = 1_000_000_000
    private var isNegative: Bool
    private var words: [UInt64]

    private init(isNegative: Bool, words: [UInt64]) {
        var words = words
        while words.last == 0 { words.removeLast() }
        self.words = words
        self.isNegative = isNegative && !words.isEmpty
    }

    /// Nil for a double.
    init?(_ number: JSONNumber) {
        guard number.isInteger else { return nil }
        var text: [UInt8] = []
        number.append(to: &text)
        let isNegative = text.first == 0x2D
        var rest = text.dropFirst(isNegative ? 1 : 0)
        var words: [UInt64] = []
        while !rest.isEmpty {
            words.append(rest.suffix(9).reduce(0) { $0 * 10 + UInt64($1 - 0x30) })
            rest = rest.dropLast(9)
        }
        self.init(isNegative: isNegative, words: words)
    }

    var number: JSONNumber {
        var text: [UInt8] = isNegative ? [0x2D] : []
        text.append(contentsOf: String(words.last ?? 0).utf8)
        for word in words.dropLast().reversed() {
            let digits = String(word).utf8
            text.append(contentsOf: repeatElement(0x30, count: 9 - digits.count))
            text.append(contentsOf: digits)
        }
        if let short = Int64(String(decoding: text, as: UTF8.self)) {
            return JSONNumber(storage: .integer(short))
        }
        return JSONNumber(storage: .bigInteger(text))
    }

    func adding(_ other: LongInteger) -> LongInteger {
        if isNegative == other.isNegative {
            var sum: [UInt64] = []
            var carry: UInt64 = 0
            for index in 0..<max(words.count, other.words.count) {
                carry +=
                    (index < words.count ? words[index] : 0)
                    + (index < other.words.count ? other.words[index] : 0)
                sum.append(carry % Self.base)
                carry /= Self.base
            }
            return LongInteger(isNegative: isNegative, words: sum + [carry])
        }
        guard !Self.isLess(words, other.words) else { return other.adding(self) }
        var difference: [UInt64] = []
        var borrow: UInt64 = 0
        for index in words.indices {
            let subtrahend = (index < other.words.count ? other.words[index] : 0) + borrow
            borrow = words[index] < subtrahend ? 1 : 0
            difference.append(words[index] + borrow * Self.base - subtrahend)
        }
        return LongInteger(isNegative: isNegative, words: difference)
    }

    func multiplied(by other: LongInteger) -> LongInteger {
        var product = [UInt64](repeating: 0, count: words.count + other.words.count + 1)
        for (place, word) in words.enumerated() {
            var carry: UInt64 = 0
            for (offset, factor) in other.words.enumerated() {
                carry += product[place + offset] + word * factor
                product[place + offset] = carry % Self.base
                carry /= Self.base
            }
            product[place + other.words.count] += carry
        }
        return LongInteger(isNegative: isNegative != other.isNegative, words: product)
    }

    func isLess(than other: LongInteger) -> Bool {
        if isNegative != other.isNegative { return isNegative }
        return isNegative ? Self.isLess(other.words, words) : Self.isLess(words, other.words)
    }

    private static func isLess(_ left: [UInt64], _ right: [UInt64]) -> Bool {
        if left.count != right.count { return left.count < right.count }
        return left.reversed().lexicographicallyPrecedes(right.reversed())
    }
}
