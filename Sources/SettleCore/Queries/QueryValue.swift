// A parameter of a query, which comes in two spellings:
//
//     GET  /db/_all_docs?limit=10&startkey=%22a%22      text; keys are JSON, numbers and booleans are written out
//     POST /db/_all_docs   {"limit": 10, "startkey": "a"}   JSON already
//
// Both are read by the same rules and refused in the same words.

/// The value of a query parameter, as text or as JSON.
package enum QueryValue: Sendable {
    case text(String)
    case json(JSONValue)

    /// `true` or `false`, in any case of letters.
    func bool() throws(SettleError) -> Bool {
        if case .json(.bool(let value)) = self { return value }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw SettleError(.queryParseError, "Invalid boolean parameter: \(quoted)")
        }
    }

    /// A whole number; one that is larger than any count is the largest.
    func integer() throws(SettleError) -> Int {
        if case .json(.number(let number)) = self, let value = number.int64 { return Int(value) }
        if let value = Int(text) { return value }
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            throw SettleError(.queryParseError, "Invalid value for integer: \(printed)")
        }
        return .max
    }

    /// A whole number that isn't negative.
    func count() throws(SettleError) -> Int {
        let value = try integer()
        guard value >= 0 else {
            throw SettleError(.queryParseError, "Invalid value for positive integer: \(printed)")
        }
        return value
    }

    /// A JSON value.
    func value() throws(SettleError) -> JSONValue {
        switch self {
        case .json(let value): return value
        case .text(let text):
            do {
                return try JSONValue(parsing: Array(text.utf8))
            } catch {
                throw SettleError(error)
            }
        }
    }

    /// The text; of a JSON string its content, of other JSON its spelling.
    var text: String {
        switch self {
        case .text(let text): text
        case .json(let value): value.string ?? value.text
        }
    }

    private var quoted: String { "\"\(text)\"" }

    /// The value as Erlang's `~p` shows it, which is what CouchDB's words about numbers contain.
    private var printed: String {
        switch self {
        case .text: quoted
        case .json(.string(let string)): "<<\"\(string)\">>"
        case .json(let value): value.text
        }
    }
}
