/// Values as Erlang prints them, which CouchDB's complaints about values do.
enum ErlangText {
    /// As `~p` prints: texts readable.
    static func pretty(_ value: JSONValue) -> String { text(value, isPretty: true) }

    /// As `~w` prints: texts byte by byte.
    static func plain(_ value: JSONValue) -> String { text(value, isPretty: false) }

    private static func text(_ value: JSONValue, isPretty: Bool) -> String {
        switch value {
        case .null, .bool, .number: value.text
        case .string(let text): binary(text, isPretty: isPretty)
        case .array(let elements):
            "[" + elements.map { text($0, isPretty: isPretty) }.joined(separator: ",") + "]"
        case .object(let object):
            "{["
                + object.members.map {
                    "{\(binary($0.name, isPretty: isPretty)),\(text($0.value, isPretty: isPretty))}"
                }.joined(separator: ",") + "]}"
        }
    }

    private static func binary(_ text: String, isPretty: Bool) -> String {
        guard isPretty, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return "<<" + text.utf8.map { String($0) }.joined(separator: ",") + ">>"
        }
        let escaped = text.utf8.flatMap { $0 == 0x22 || $0 == 0x5C ? [0x5C, $0] : [$0] }
        return "<<\"\(String(decoding: escaped, as: UTF8.self))\">>"
    }
}
