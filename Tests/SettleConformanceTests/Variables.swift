// `${name}` in a scenario stands for a value of this run: a database's name, something an earlier answer held.

import SettleCore

/// The values of the variables of one run.
struct Variables: Sendable {
    private var values: [String: JSONValue] = [:]

    subscript(name: String) -> JSONValue? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// The text with every known variable replaced; unknown ones stay as they are.
    func substitute(_ text: String) -> String {
        var out = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            out += rest[..<start.lowerBound]
            guard let name = Self.name(at: rest[start.upperBound...]) else {
                out += "${"
                rest = rest[start.upperBound...]
                continue
            }
            out += values[name].map(Self.plainText) ?? "${\(name)}"
            rest = rest[start.upperBound...].dropFirst(name.count + 1)
        }
        return out + rest
    }

    /// The value with every string in it replaced; a string that is only a variable takes the variable's type.
    func substitute(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text):
            if text.hasPrefix("${"), let name = Self.name(at: text.dropFirst(2)[...]),
                name.count + 3 == text.count,
                let saved = values[name]
            {
                return saved
            }
            return .string(substitute(text))
        case .array(let items):
            return .array(items.map(substitute))
        case .object:
            return .object(JSONObject(value.members.map { (substitute($0.name), substitute($0.value)) }))
        default:
            return value
        }
    }

    /// The variable name that ends with `}` here.
    private static func name(at text: Substring) -> String? {
        let name = text.prefix { $0 == "_" || $0.isLetter || $0.isNumber }
        guard !name.isEmpty, text[name.endIndex...].hasPrefix("}") else { return nil }
        return String(name)
    }

    private static func plainText(_ value: JSONValue) -> String {
        value.string ?? value.text
    }
}
