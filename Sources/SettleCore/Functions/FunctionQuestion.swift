// A question to an engine: a request, and how its answer reads.
//
// All requests have the form `["what", …arguments]`. An answer is a JSON text; where a function fails as a whole, it is
// `{"error":"render_error","reason":"function raised error: …"}`, which reading throws.
//
// The subtle thing: answers are made by programs that may redefine anything, `JSON` and `Array.prototype` included. What
// such an answer looks like is theirs to suffer, so reading takes nothing for granted and traps on nothing.

/// One question to a program's functions.
package struct FunctionQuestion<Answer: Sendable>: Sendable {
    /// The request's JSON text.
    package let request: [UInt8]
    private let reading: Reading

    private struct Reading: Sendable {
        let body: @Sendable ([UInt8]) throws(SettleError) -> Answer
    }

    init(
        request: [UInt8],
        _ reading: @escaping @Sendable (_ answer: [UInt8]) throws(SettleError) -> Answer
    ) {
        self.request = request
        self.reading = Reading(body: reading)
    }

    /// What an answer says.
    ///
    /// - Throws: the function's failure, by the name and with the reason that CouchDB gives it.
    package func read(answer: [UInt8]) throws(SettleError) -> Answer {
        if answer.first == 0x7B { throw Self.failure(in: answer) }
        return try reading.body(answer)
    }

    private static func failure(in answer: [UInt8]) -> SettleError {
        guard let value = try? JSONValue(parsing: answer), let name = value["error"]?.string,
            let reason = value["reason"]
        else { return .unreadableAnswer }
        return SettleError(function: name, reason: reason.string ?? reason.text)
    }
}

extension SettleError {
    /// An answer that no function of ours would give.
    static let unreadableAnswer = SettleError(
        function: "query_protocol_error",
        reason: "The functions' answer is not of the form it should have."
    )
}

/// Writes the text of a request.
struct FunctionRequest {
    private(set) var text: [UInt8]

    /// Begins a request.
    init(_ name: String, capacity: Int = 256) {
        text = []
        text.reserveCapacity(capacity + name.utf8.count + 4)
        text.append(0x5B)
        JSONText.appendString(name, to: &text)
    }

    /// Adds a JSON text.
    mutating func append(_ argument: some Collection<UInt8>) {
        text.append(0x2C)
        text.append(contentsOf: argument)
    }

    /// Adds a string.
    mutating func append(string: some Collection<UInt8>) {
        text.append(0x2C)
        JSONText.appendString(Array(string), to: &text)
    }

    /// Adds an array of JSON texts.
    mutating func append(array elements: [[UInt8]]) {
        text.append(0x2C)
        text.append(0x5B)
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(0x2C) }
            text.append(contentsOf: element)
        }
        text.append(0x5D)
    }

    /// Ends the request.
    consuming func finish() -> [UInt8] {
        text.append(0x5D)
        return text
    }
}
