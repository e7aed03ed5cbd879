// A selector's normal form as a tree of conditions, and what each of them means.
//
// `$lt` and its like compare as views sort: null, false, true, numbers, strings, arrays, objects. `_id` alone compares
// by bytes, as documents are listed. An array is more than a value: `$in` asks for one of its elements, `$all`,
// `$elemMatch` and `$allMatch` look inside.

/// What has to be true of a value.
indirect enum SelectorCondition: Hashable, Sendable {
    case every([SelectorCondition])
    case some([SelectorCondition])
    case not(SelectorCondition)
    case field(FieldPath, SelectorCondition)
    case compare(Comparison, JSONValue)
    case isAmong([JSONValue])
    case exists(Bool)
    case hasType(String)
    case remainder(of: Int64, is: Int64)
    case pattern(RegularExpression)
    case beginsWith([UInt8])
    case containsAll([JSONValue])
    case hasCount(Int)
    case someElement(SelectorCondition)
    case everyElement(SelectorCondition)
    case someName(SelectorCondition)

    enum Comparison: Hashable, Sendable { case less, lessOrEqual, equal, unequal, greaterOrEqual, greater }
}

extension SelectorCondition {
    init(_ value: JSONValue) throws(SettleError) {
        guard let (name, argument) = value.condition else {
            self = .every([])
            return
        }
        guard name.isOperator else {
            let condition = try SelectorCondition(argument)
            self = name.utf8.isEmpty ? condition : .field(try FieldPath(name), condition)
            return
        }
        switch name {
        case "$and": self = .every(try Self.list(argument))
        case "$or": self = .some(try Self.list(argument))
        case "$nor": self = .not(.some(try Self.list(argument)))
        case "$not": self = .not(try SelectorCondition(argument))
        case "$lt": self = .compare(.less, argument)
        case "$lte": self = .compare(.lessOrEqual, argument)
        case "$eq": self = .compare(.equal, argument)
        case "$ne": self = .compare(.unequal, argument)
        case "$gte": self = .compare(.greaterOrEqual, argument)
        case "$gt": self = .compare(.greater, argument)
        case "$in": self = .isAmong(argument.array ?? [])
        case "$nin": self = .not(.isAmong(argument.array ?? []))
        case "$exists": self = .exists(argument.bool ?? true)
        case "$type": self = .hasType(argument.string ?? "")
        case "$mod":
            let numbers = argument.array?.map(\.int) ?? []
            guard numbers.count == 2, let divisor = numbers[0], let remainder = numbers[1] else {
                self = .some([])  // beyond 64 bits: no number of a document gets there
                return
            }
            self = .remainder(of: Int64(divisor), is: Int64(remainder))
        case "$regex":
            guard let pattern = try? RegularExpression(argument.string ?? "") else {
                throw SettleError(.badOperand, "Bad argument for operator $regex: \(argument.erlangText)")
            }
            self = .pattern(pattern)
        case "$beginsWith": self = .beginsWith(Array((argument.string ?? "").utf8))
        case "$all": self = .containsAll(argument.array ?? [])
        case "$size": self = .hasCount(argument.int ?? .max)
        case "$elemMatch": self = .someElement(try SelectorCondition(argument))
        case "$allMatch": self = .everyElement(try SelectorCondition(argument))
        case "$keyMapMatch": self = .someName(try SelectorCondition(argument))
        case "$default": self = .every([])
        default: throw SettleError(.invalidOperator, "Invalid operator: \(name)")
        }
    }

    private static func list(_ argument: JSONValue) throws(SettleError) -> [SelectorCondition] {
        var conditions: [SelectorCondition] = []
        for part in argument.array ?? [] { conditions.append(try SelectorCondition(part)) }
        return conditions
    }

    /// The members of a document that decide; nil where the document as a whole is looked at.
    var members: [[UInt8]]? {
        switch self {
        case .every(let parts), .some(let parts):
            var names: Set<[UInt8]> = []
            for part in parts {
                guard let more = part.members else { return nil }
                names.formUnion(more)
            }
            return Array(names)
        case .not(let part): return part.members
        case .field(let path, _): return path.names.first.map { [$0] } ?? []
        default: return nil
        }
    }
}

extension SelectorCondition {
    /// Whether a value is what the condition asks for.
    func matches(_ value: JSONValue, _ order: ValueOrder<some StringCollator>) -> Bool {
        switch self {
        case .every(let parts): parts.allSatisfy { $0.matches(value, order) }
        case .some(let parts): parts.contains { $0.matches(value, order) }
        case .not(let part): !part.matches(value, order)
        case .field(let path, let condition): Self.matches(value, path, condition, order)
        case .compare(let comparison, let other): Self.holds(comparison, value, other, order)
        case .isAmong(let others): Self.isAmong(value, others, order)
        case .exists(let wanted): wanted
        case .hasType(let name): name.hasSameBytes(as: value.typeName)
        case .remainder(let divisor, let remainder): value.remainder(dividedBy: divisor) == remainder
        case .pattern(let pattern): value.string.map { pattern.matches(Array($0.utf8)) } ?? false
        case .beginsWith(let prefix): value.string.map { $0.begins(with: prefix) } ?? false
        case .containsAll(let wanted): Self.containsAll(value, wanted)
        case .hasCount(let count): value.array?.count == count
        case .someElement(let part): value.array?.contains { part.matches($0, order) } ?? false
        case .everyElement(let part):
            value.array.map { !$0.isEmpty && $0.allSatisfy { part.matches($0, order) } } ?? false
        case .someName(let part):
            value.object?.names.contains { part.matches(.string($0), order) } ?? false
        }
    }

    private static func matches(
        _ value: JSONValue,
        _ path: FieldPath,
        _ condition: SelectorCondition,
        _ order: ValueOrder<some StringCollator>
    ) -> Bool {
        switch path.find(in: value) {
        case .found(let field):
            if path.isID { return condition.matches(field, ValueOrder(ByteCollator())) }
            return condition.matches(field, order)
        case .missing:
            if case .exists(false) = condition { return true }
            return false
        case .unreachable: return false
        }
    }

    private static func holds(
        _ comparison: Comparison,
        _ value: JSONValue,
        _ other: JSONValue,
        _ order: ValueOrder<some StringCollator>
    ) -> Bool {
        if case .equal = comparison { return order.areEqual(value, other) }
        if case .unequal = comparison { return !order.areEqual(value, other) }
        let result = order.compare(value, other)
        return switch comparison {
        case .less: result < 0
        case .lessOrEqual: result <= 0
        case .greaterOrEqual: result >= 0
        case .greater: result > 0
        case .equal, .unequal: false
        }
    }

    private static func isAmong(
        _ value: JSONValue,
        _ others: [JSONValue],
        _ order: ValueOrder<some StringCollator>
    ) -> Bool {
        let elements = value.array ?? [value]
        return others.contains { other in elements.contains { order.areEqual($0, other) } }
    }

    private static func containsAll(_ value: JSONValue, _ wanted: [JSONValue]) -> Bool {
        guard let elements = value.array else { return false }
        if wanted.allSatisfy({ elements.contains($0) }) { return true }
        guard wanted.count == 1, case .array = wanted[0] else { return false }
        return ValueOrder(ByteCollator()).areEqual(wanted[0], value)
    }
}

/// The order of strings by their bytes.
struct ByteCollator: StringCollator {
    var version: String { "bytes" }

    func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: text[range])
    }
}

extension JSONValue {
    /// The name of this value's kind, as `$type` has it.
    fileprivate var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The rest of an integer, with the integer's sign; nil if this is none.
    fileprivate func remainder(dividedBy divisor: Int64) -> Int64? {
        guard case .number(let number) = self else { return nil }
        switch number.storage {
        case .integer(let value): return divisor == -1 ? 0 : value % divisor
        case .double: return nil
        case .bigInteger(let text):
            let isNegative = text.first == UInt8(ascii: "-")
            var rest: UInt64 = 0
            for digit in isNegative ? text.dropFirst() : text[...] {
                let (high, low) = rest.multipliedFullWidth(by: 10)
                let (sum, carry) = low.addingReportingOverflow(UInt64(digit - 48))
                rest = divisor.magnitude.dividingFullWidth((high + (carry ? 1 : 0), sum)).remainder
            }
            let signed = Int64(bitPattern: rest)
            return isNegative ? -signed : signed
        }
    }
}

extension String {
    /// Whether this begins with whole characters of a prefix.
    ///
    /// CouchDB compares the last one as it is seen: `e` is no beginning of `é` written as `e` and an accent.
    fileprivate func begins(with prefix: [UInt8]) -> Bool {
        guard utf8.starts(with: prefix) else { return false }
        let end = utf8.index(startIndex, offsetBy: prefix.count)
        guard end < endIndex, end > startIndex else { return true }
        let last = unicodeScalars.index(before: end)
        let tail = String(self[last...])
        return tail.first?.utf8.count == utf8.distance(from: last, to: end)
    }
}
