/// A JSON text that lies among other bytes: a row's value, or a reduction.
struct ValueText {
    let bytes: [UInt8]
    let range: Range<Int>

    /// The value of a view's row.
    init(_ row: IndexRow) {
        bytes = row.node.bytes
        // A slice counts as the node does.
        range = ViewRow.value(of: row.payload).indices
    }

    init(_ reduction: ArraySlice<UInt8>) {
        bytes = Array(reduction)
        range = 0..<bytes.count
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
        let isNegative = text.first == 0x2D
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
