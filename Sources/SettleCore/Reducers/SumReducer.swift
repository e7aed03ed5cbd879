// `_sum`: numbers, arrays of numbers element by element (a number counts as an array of one), objects of these member
// by member.
//
//     3, [1,2]        gives [4,2]          {"a":1}, {"a":2,"b":[1]}       gives {"a":3,"b":[1]}
//
// Whatever does not fit makes the sum an object that says so, which then is the sum of everything it is added to.

/// Adds values up in the order of their rows.
struct SumReducer {
    private enum Sum {
        case integer(Int64)
        case value(JSONValue)
        /// An object that says what did not fit.
        case failure(JSONValue)
    }

    private var sum = Sum.integer(0)

    /// Adds a value.
    mutating func add(_ text: ValueText) {
        switch sum {
        case .failure: return
        case .integer(let left):
            if let right = text.shortInteger {
                let (total, overflow) = left.addingReportingOverflow(right)
                if !overflow {
                    sum = .integer(total)
                    return
                }
            }
            add(text, to: .number(JSONNumber(left)))
        case .value(let value):
            if case .number(let left) = value, let right = text.number {
                sum = Self.checked(left.adding(right), right)
            } else {
                add(text, to: value)
            }
        }
    }

    private static func checked(_ number: JSONNumber, _ cause: JSONNumber) -> Sum {
        if case .double(let value) = number.storage, !value.isFinite {
            return .failure(Mismatch.value(.number(cause)).object)
        }
        return .value(.number(number))
    }

    private mutating func add(_ text: ValueText, to left: JSONValue) {
        do throws(Mismatch) {
            let total = try Self.sum(text.value, left)
            if case .number(let number) = total {
                sum = Self.checked(number, number)
            } else {
                sum = .value(total)
            }
        } catch {
            sum = .failure(error.object)
        }
    }

    /// The sum's JSON text, or what `limit` makes of one that is hardly smaller than what it is made of.
    ///
    /// `inputSize` are the bytes that went in, as Erlang counts them; it is only called if the sum is large.
    func reduction<Failure>(
        limit: ReduceLimit,
        inputSize: () throws(Failure) -> Int
    ) throws(Failure) -> [UInt8] {
        var text: [UInt8] = []
        switch sum {
        case .integer(let value): JSONText.appendInteger(value, to: &text)
        case .value(let value), .failure(let value): value.append(to: &text)
        }
        guard limit == .enforced, text.count > 1024 else { return text }
        let output = IncomingDocument.term(of: text).count + 1
        guard output > ReduceLimit.threshold else { return text }
        let input = try inputSize()
        guard Double(output) * ReduceLimit.ratio > Double(input) else { return text }
        let error: JSONValue = [
            "error": "builtin_reduce_error",
            "reason": .string(ReduceLimit.reason(input: input, output: output)),
        ]
        return Array(error.text.utf8)
    }

    // MARK: Values

    /// Why two values have no sum.
    private enum Mismatch: Error {
        case value(JSONValue)
        /// One of them says itself what did not fit.
        case earlier(JSONValue)

        var object: JSONValue {
            switch self {
            case .earlier(let object): object
            case .value(let value):
                [
                    "error": "builtin_reduce_error",
                    "reason": .string(
                        "The _sum function requires that map values be numbers, arrays of numbers, or objects. "
                            + "Objects cannot be mixed with other data structures. Objects can be arbitrarily "
                            + "nested, provided that the values for all fields are themselves numbers, arrays of "
                            + "numbers, or objects."
                    ),
                    "caused_by": value,
                ]
            }
        }
    }

    private static func sum(_ value: JSONValue, _ sum: JSONValue) throws(Mismatch) -> JSONValue {
        switch (value, sum) {
        case (.number(let right), .number(let left)): return .number(left.adding(right))
        case (.array(let right), .array(let left)): return .array(try Self.sum(left, right))
        case (.number, .array(let left)): return .array(try Self.sum(left, [value]))
        case (.array(let right), .number): return .array(try Self.sum([sum], right))
        case (.object(let right), _):
            if right["error"]?.string?.utf8.elementsEqual("builtin_reduce_error".utf8) == true {
                throw .earlier(value)
            }
            if sum == 0 { return value }
            guard case .object(let left) = sum else { throw .value(value) }
            return .object(try Self.sum(left, right))
        default: throw .value(value)
        }
    }

    private static func sum(_ left: [JSONValue], _ right: [JSONValue]) throws(Mismatch) -> [JSONValue] {
        var sums: [JSONValue] = []
        for index in 0..<max(left.count, right.count) {
            guard index < left.count else {
                sums.append(right[index])
                continue
            }
            guard index < right.count else {
                sums.append(left[index])
                continue
            }
            guard case .number(let one) = left[index], case .number(let other) = right[index] else {
                throw .value(.array(Array(left[index...])))
            }
            sums.append(.number(one.adding(other)))
        }
        return sums
    }

    /// Member by member, in the order of the names.
    private static func sum(_ left: JSONObject, _ right: JSONObject) throws(Mismatch) -> JSONObject {
        var left = sorted(left)[...]
        var right = sorted(right)[...]
        var members: [(String, JSONValue)] = []
        while let one = left.first, let other = right.first {
            if one.name.utf8.elementsEqual(other.name.utf8) {
                members.append((one.name, try sum(other.value, one.value)))
                left.removeFirst()
                right.removeFirst()
            } else if one.name.utf8.lexicographicallyPrecedes(other.name.utf8) {
                members.append((one.name, one.value))
                left.removeFirst()
            } else {
                members.append((other.name, other.value))
                right.removeFirst()
            }
        }
        for member in left + right { members.append((member.name, member.value)) }
        return JSONObject(members)
    }

    private static func sorted(_ object: JSONObject) -> [JSONObject.Member] {
        object.members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}
