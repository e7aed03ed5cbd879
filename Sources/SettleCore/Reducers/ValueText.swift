/// A JSON text that lies among other bytes: a row's value, or a reduction.
struct ValueText {
    let bytes: [UInt8]
    let range: Range<Int>

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        self.range = range
    }

    var text: ArraySlice<UInt8> { bytes[range] }

    /// The value as a tree; null if the text is none.
    var value: JSONValue { (try? JSONValue(parsing: bytes, in: range)) ?? .null }

    /// The value if it is a number.
    var number: JSONNumber? {
        if let integer = shortInteger { return JSONNumber(storage: .integer(integer)) }
        guard let first = text.first, first == 0x2D || (0x30...0x39).contains(first) else { return nil }
        var reader = JSONReader(bytes, in: range)
        return try? reader.number()
    }

    /// The value if it is an integer of up to 18 digits, read without further ado.
    var shortInteger: Int64? {
        guard !range.isEmpty else { return nil }
        let isNegative = bytes[range.lowerBound] == 0x2D
        let digits = isNegative ? range.dropFirst() : range
        guard (1...18).contains(digits.count) else { return nil }
        var value: Int64 = 0
        for index in digits {
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        return isNegative ? -value : value
    }
}

extension RowRun {
    /// Shows the values of the rows, in ascending order.
    @inline(__always)
    func forEachValue(_ body: (ValueText) -> Void) {
        let bytes = node.bytes
        for row in rows { body(ValueText(bytes, ViewRow.value(in: bytes, payload: node.payload(row)))) }
    }
}

extension ReductionGroup {
    /// Shows the reductions, in the order of their rows.
    @inline(__always)
    func forEachText(_ body: (ValueText) -> Void) throws(SettleError) {
        try forEach { (bytes, range) in body(ValueText(bytes, range)) }
    }
}
