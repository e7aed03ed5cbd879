/// Integers of any size, from decimal digits.
enum BinaryDigits {
    /// The value of decimal digits in words of 64 bits, the lowest first and none of them zero at the end; takes
    /// quadratic time.
    static func words(of digits: ArraySlice<UInt8>) -> [UInt64] {
        var words: [UInt64] = []
        var rest = digits
        while !rest.isEmpty {
            let chunk = rest.prefix(18)
            rest = rest.dropFirst(18)
            var carry: UInt64 = chunk.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
            let factor: UInt64 = chunk.reduce(1) { factor, _ in factor * 10 }
            for index in words.indices {
                let product = words[index].multipliedFullWidth(by: factor)
                let (sum, overflow) = product.low.addingReportingOverflow(carry)
                words[index] = sum
                carry = product.high + (overflow ? 1 : 0)
            }
            if carry > 0 { words.append(carry) }
        }
        return words
    }
}
