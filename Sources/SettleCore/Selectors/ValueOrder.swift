// The order of JSON values, as CouchDB's views have it:
//
//     null < false < true < numbers < strings < arrays < objects
//
// Numbers compare by what they are worth (1 equals 1.0), strings by a collation, arrays element by element, objects
// member by member in the order they are written; what is shorter comes first.

/// Compares values under a collation of strings.
struct ValueOrder<Collator: StringCollator> {
    private let collator: Collator

    init(_ collator: Collator) { self.collator = collator }

    /// Whether two values are in the same place of the order.
    func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        // Most comparisons are of short strings and end here.
        if case .string(let left) = left, case .string(let right) = right {
            if left.hasSameBytes(as: right) { return true }
            if left.isPlain, right.isPlain { return false }
        }
        return compare(left, right) == 0
    }

    /// Negative if the left value comes first, positive if it comes later, else 0.
    func compare(_ left: JSONValue, _ right: JSONValue) -> Int {
        switch (left, right) {
        case (.number(let left), .number(let right)): return left.compare(right)
        case (.string(let left), .string(let right)): return compare(left, right)
        case (.array(let left), .array(let right)):
            for (left, right) in zip(left, right) {
                let result = compare(left, right)
                if result != 0 { return result }
            }
            return left.count - right.count
        case (.object(let left), .object(let right)):
            for (left, right) in zip(left.members, right.members) {
                let names = compare(left.name, right.name)
                let result = names != 0 ? names : compare(left.value, right.value)
                if result != 0 { return result }
            }
            return left.count - right.count
        default: return left.rank - right.rank
        }
    }

    private func compare(_ left: String, _ right: String) -> Int {
        if left.hasSameBytes(as: right) { return 0 }
        let (ours, theirs) = (sortKey(left), sortKey(right))
        if ours == theirs { return 0 }
        return ours.lexicographicallyPrecedes(theirs) ? -1 : 1
    }

    private func sortKey(_ text: String) -> [UInt8] {
        var key: [UInt8] = []
        let bytes = Array(text.utf8)
        collator.appendSortKey(of: bytes, in: bytes.indices, to: &key)
        return key
    }
}

extension String {
    /// Whether this is printable ASCII, of which no two texts are the same to any collation.
    fileprivate var isPlain: Bool { utf8.allSatisfy { (32...126).contains($0) } }
}

extension JSONValue {
    fileprivate var rank: Int {
        switch self {
        case .null: 0
        case .bool(let value): value ? 2 : 1
        case .number: 3
        case .string: 4
        case .array: 5
        case .object: 6
        }
    }
}

extension JSONNumber {
    /// Negative if this is worth less than the other, positive if more, else 0; exact at any size.
    fileprivate func compare(_ other: JSONNumber) -> Int {
        switch (storage, other.storage) {
        case (.integer(let left), .integer(let right)): left < right ? -1 : left > right ? 1 : 0
        case (.double(let left), .double(let right)): left < right ? -1 : left > right ? 1 : 0
        case (.integer(let left), .double(let right)): Self.compare(left, right)
        case (.double(let left), .integer(let right)): -Self.compare(right, left)
        case (.bigInteger(let left), .bigInteger(let right)): Self.compare(left, right)
        case (.bigInteger(let left), .integer): left.first == UInt8(ascii: "-") ? -1 : 1
        case (.integer, .bigInteger(let right)): right.first == UInt8(ascii: "-") ? 1 : -1
        case (.bigInteger, .double(let right)): double < right ? -1 : double > right ? 1 : 0
        case (.double(let left), .bigInteger): left < other.double ? -1 : left > other.double ? 1 : 0
        }
    }

    private static func compare(_ left: Int64, _ right: Double) -> Int {
        if right >= 0x1p63 { return -1 }
        if right < -0x1p63 { return 1 }
        let whole = Int64(right.rounded(.down))
        if left != whole { return left < whole ? -1 : 1 }
        return right > Double(whole) ? -1 : 0
    }

    private static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let minus = UInt8(ascii: "-")
        let isNegative = left.first == minus
        if isNegative != (right.first == minus) { return isNegative ? -1 : 1 }
        let sign = isNegative ? -1 : 1
        if left.count != right.count { return left.count < right.count ? -sign : sign }
        if left == right { return 0 }
        return left.lexicographicallyPrecedes(right) ? -sign : sign
    }
}
