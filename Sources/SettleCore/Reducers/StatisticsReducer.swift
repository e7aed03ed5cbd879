// `_stats`: sum, count, least, greatest and sum of squares of numbers; of arrays, element by element; of objects that
// already have these five.
//
//     [1,10], [3,30]    gives    [{"sum":4,"count":2,"min":1,"max":3,"sumsqr":10}, {"sum":40,…}]

/// What `_stats` finds, value by value.
struct StatisticsReducer {
    /// The five numbers, or one result per element of arrays.
    private indirect enum Result {
        case numbers(Numbers)
        case list([Result])
    }

    private struct Numbers {
        var sum: JSONNumber
        var count: JSONNumber
        var least: JSONNumber
        var greatest: JSONNumber
        var squares: JSONNumber

        init(_ number: JSONNumber) {
            sum = number
            count = JSONNumber(1)
            least = number
            greatest = number
            squares = number.squared
        }

        /// Numbers that the map function has counted together.
        init(_ object: JSONObject) throws(Mismatch) {
            func number(_ name: String) throws(Mismatch) -> JSONNumber {
                guard let value = object[name] else {
                    let members = ErlangText.pretty(.object(object)).dropFirst().dropLast()
                    throw Mismatch("user _stats input missing required field \(name) (\(members))")
                }
                guard case .number(let number) = value else {
                    throw Mismatch(
                        "non-numeric _stats input received for \(name): \(ErlangText.plain(value))"
                    )
                }
                return number
            }
            sum = try number("sum")
            count = try number("count")
            least = try number("min")
            greatest = try number("max")
            squares = try number("sumsqr")
        }

        mutating func add(_ later: Numbers) {
            sum = later.sum.adding(sum)
            count = later.count.adding(count)
            // Of equal numbers, 1 and 1.0, the later one counts.
            if !least.isLess(than: later.least) { least = later.least }
            if !later.greatest.isLess(than: greatest) { greatest = later.greatest }
            squares = later.squares.adding(squares)
        }

        func append(to text: inout [UInt8]) {
            for (name, number) in [
                (#"{"sum":"#, sum), (#","count":"#, count), (#","min":"#, least), (#","max":"#, greatest),
                (#","sumsqr":"#, squares),
            ] {
                text.append(contentsOf: name.utf8)
                number.append(to: &text)
            }
            text.append(0x7D)
        }
    }

    private struct Mismatch: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }

        static func values(_ value: String) -> Mismatch {
            Mismatch(
                "The _stats function requires that map values be numbers or arrays of numbers, not '\(value)'"
            )
        }
    }

    private var result: Result?
    private var failure: [UInt8]?

    /// Adds a value, or another reduction of this reducer's.
    mutating func add(_ text: ValueText) {
        guard failure == nil else { return }
        if text.text.first == 0 {
            failure = Array(text.text)
            return
        }
        do throws(Mismatch) {
            if let number = text.number, case .numbers(var numbers) = result {
                numbers.add(Numbers(number))
                result = .numbers(numbers)
            } else if let result {
                self.result = try Self.adding(text.value, to: result)
            } else {
                result = try Self.first(text.value)
            }
        } catch {
            failure = Reduction.failure("invalid_value", error.reason)
        }
    }

    private static func first(_ value: JSONValue) throws(Mismatch) -> Result {
        switch value {
        case .number(let number): return .numbers(Numbers(number))
        case .object(let object): return .numbers(try Numbers(object))
        case .array(let elements):
            var results: [Result] = []
            for element in elements { results.append(try first(element)) }
            return .list(results)
        default: throw Mismatch("non-numeric _stats input: \(ErlangText.plain(value))")
        }
    }

    private static func adding(_ value: JSONValue, to result: Result) throws(Mismatch) -> Result {
        switch (value, result) {
        case (.array(let elements), .list(let results)):
            guard elements.count == results.count else { throw .values(ErlangText.pretty(value)) }
            var sums: [Result] = []
            for (element, result) in zip(elements, results) { sums.append(try adding(element, to: result)) }
            return .list(sums)
        case (.number(let number), .numbers(var numbers)):
            numbers.add(Numbers(number))
            return .numbers(numbers)
        case (.object(let object), .numbers(var numbers)):
            numbers.add(try Numbers(object))
            return .numbers(numbers)
        default: throw .values(ErlangText.pretty(value))
        }
    }

    /// The JSON text, or the failure.
    var reduction: [UInt8] {
        if let failure { return failure }
        var text: [UInt8] = []
        if let result { Self.append(result, to: &text) }
        return text
    }

    private static func append(_ result: Result, to text: inout [UInt8]) {
        switch result {
        case .numbers(let numbers): numbers.append(to: &text)
        case .list(let results):
            text.append(0x5B)
            for (index, result) in results.enumerated() {
                if index > 0 { text.append(0x2C) }
                append(result, to: &text)
            }
            text.append(0x5D)
        }
    }
}
