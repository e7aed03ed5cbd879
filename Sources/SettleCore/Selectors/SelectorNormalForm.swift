// The normal form of a selector, in CouchDB's three steps.
//
//     as written      {"a":{"b":1,"c":{"$gt":2}},"$not":{"d":{"$in":[3]}}}
//     operators       {"$and":[{"a":{"$and":[{"b":{"$eq":1}},{"c":{"$gt":2}}]}},{"$not":{"d":{"$in":[3]}}}]}
//     fields          {"$and":[{"$and":[{"a.b":{"$eq":1}},{"a.c":{"$gt":2}}]},{"$not":{"d":{"$in":[3]}}}]}
//     negations       {"$and":[{"$and":[…]},{"d":{"$nin":[3]}}]}
//
// Objects of one member are conditions; the form holds no others, apart from the values that are compared with.

struct SelectorNormalForm {
    /// The form, an object.
    let value: JSONValue

    init(_ selector: JSONObject) throws(SettleError) {
        guard !selector.isEmpty else {
            value = .object(JSONObject())
            return
        }
        let form = Self.negations(try Self.fields(try Self.operators(.object(selector)), below: ""))
        if case .object(let object) = form, object.members.contains(where: { $0.name.utf8.isEmpty }) {
            throw SettleError(.invalidSelector, "One or more conditions is missing a field name.")
        }
        value = form
    }

    // MARK: every condition names its operator

    private static func operators(_ value: JSONValue) throws(SettleError) -> JSONValue {
        guard case .object(let object) = value, let member = object.members.first else {
            return .condition("$eq", value)
        }
        guard object.count == 1 else {
            var parts: [JSONValue] = []
            for member in object.members {
                parts.append(try operators(.condition(member.name, member.value)))
            }
            return .condition("$and", .array(parts))
        }
        guard member.name.isOperator else { return .condition(member.name, try operators(member.value)) }
        return try checked(member.name, member.value)
    }

    private static func checked(_ name: String, _ argument: JSONValue) throws(SettleError) -> JSONValue {
        switch name {
        case "$and", "$or", "$nor":
            guard let parts = argument.array else { throw wrong(name, argument) }
            var checked: [JSONValue] = []
            for part in parts { checked.append(try operators(part)) }
            return .condition(name, .array(checked))
        case "$not", "$elemMatch", "$allMatch", "$keyMapMatch":
            guard argument.object != nil else { throw wrong(name, argument) }
            return .condition(name, try operators(argument))
        case "$text":
            switch argument {
            case .string, .number, .bool: return .condition("$default", .condition(name, argument))
            default: throw wrong(name, argument)
            }
        case "$where", "$geoWithin", "$geoIntersects", "$near", "$nearSphere":
            throw SettleError(.unsupportedOperator, "Unsupported operator: \(name)")
        default:
            try check(name, argument)
            return .condition(name, argument)
        }
    }

    private static func check(_ name: String, _ argument: JSONValue) throws(SettleError) {
        let isRight: Bool
        switch name {
        case "$in", "$nin", "$all": isRight = argument.array != nil
        case "$exists": isRight = argument.bool != nil
        case "$type": isRight = argument.string != nil
        case "$size": isRight = argument.isInteger && !argument.text.hasPrefix("-")
        case "$mod":
            isRight =
                argument.array.map { $0.count == 2 && $0.allSatisfy(\.isInteger) && $0[0].int != 0 } ?? false
        case "$regex":
            guard let pattern = argument.string else { throw unknown(name) }
            isRight = (try? RegularExpression(pattern)) != nil
        case "$beginsWith":
            guard argument.string != nil else { throw unknown(name) }
            isRight = true
        case "$lt", "$lte", "$eq", "$ne", "$gte", "$gt", "$default": isRight = true
        default: throw unknown(name)
        }
        guard isRight else { throw wrong(name, argument) }
    }

    private static func wrong(_ name: String, _ argument: JSONValue) -> SettleError {
        SettleError(.badOperand, "Bad argument for operator \(name): \(argument.erlangText)")
    }

    private static func unknown(_ name: String) -> SettleError {
        SettleError(.invalidOperator, "Invalid operator: \(name)")
    }

    // MARK: every field has its whole path

    private static func fields(_ value: JSONValue, below path: String) throws(SettleError) -> JSONValue {
        guard let (name, argument) = value.condition else {
            throw SettleError(.badField, "Invalid field normalization on selector: \(value.erlangText)")
        }
        switch name {
        case "$and", "$or", "$nor":
            var parts: [JSONValue] = []
            for part in argument.array ?? [] { parts.append(try fields(part, below: path)) }
            return .condition(name, .array(parts))
        case "$not": return .condition(name, try fields(argument, below: path))
        case "$elemMatch", "$allMatch", "$keyMapMatch":
            return .condition(path, .condition(name, try fields(argument, below: "")))
        case "$default":
            guard path.utf8.isEmpty, argument.condition?.name == "$text" else {
                throw SettleError(.badField, "Invalid field normalization on selector: \(value.erlangText)")
            }
            return value
        case _ where name.isOperator: return .condition(path, value)
        default: return try fields(argument, below: path.utf8.isEmpty ? name : "\(path).\(name)")
        }
    }

    // MARK: negations stand inside

    private static func negations(_ value: JSONValue) -> JSONValue {
        guard let (name, argument) = value.condition else { return value }
        switch name {
        case "$not": return negated(argument)
        case "$nor": return .condition("$and", .array((argument.array ?? []).map { negated($0) }))
        case "$and", "$or": return .condition(name, .array((argument.array ?? []).map { negations($0) }))
        default: return value
        }
    }

    private static func negated(_ value: JSONValue) -> JSONValue {
        guard let (name, argument) = value.condition else { return value }
        switch name {
        case "$not": return negations(argument)
        case "$nor": return .condition("$or", .array((argument.array ?? []).map { negations($0) }))
        case "$and": return .condition("$or", .array((argument.array ?? []).map { negated($0) }))
        case "$or": return .condition("$and", .array((argument.array ?? []).map { negated($0) }))
        case "$exists": return .condition(name, .bool(!(argument.bool ?? false)))
        default: break
        }
        if let opposite = opposites[name] { return .condition(opposite, argument) }
        return name.isOperator ? .condition("$not", value) : .condition(name, negated(argument))
    }

    private static let opposites = [
        "$lt": "$gte", "$lte": "$gt", "$eq": "$ne", "$ne": "$eq", "$gte": "$lt", "$gt": "$lte", "$in": "$nin",
        "$nin": "$in",
    ]
}

extension JSONValue {
    /// An object of one member.
    static func condition(_ name: String, _ argument: JSONValue) -> JSONValue {
        .object(JSONObject([(name, argument)]))
    }

    /// The member of an object that has just one.
    var condition: (name: String, argument: JSONValue)? {
        guard case .object(let object) = self, object.count == 1, let member = object.members.first else {
            return nil
        }
        return (member.name, member.value)
    }

    fileprivate var isInteger: Bool {
        if case .number(let number) = self { number.isInteger } else { false }
    }
}

extension String {
    /// Whether this is a name that stands for an operator.
    var isOperator: Bool { utf8.first == UInt8(ascii: "$") }
}
