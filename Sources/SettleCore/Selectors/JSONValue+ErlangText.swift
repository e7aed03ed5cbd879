// A JSON value as Erlang prints terms, which is how CouchDB quotes a wrong argument back at its sender:
//
//     {"a":"x"}      →      {[{<<97>>,<<120>>}]}

extension JSONValue {
    /// The value as `io_lib:format("~w", …)` prints it.
    package var erlangText: String {
        switch self {
        case .null, .bool, .number: text
        case .string(let text): Self.binary(text)
        case .array(let elements): "[\(elements.map(\.erlangText).joined(separator: ","))]"
        case .object(let object):
            "{[\(object.members.map { "{\(Self.binary($0.name)),\($0.value.erlangText)}" }.joined(separator: ","))]}"
        }
    }

    private static func binary(_ text: String) -> String {
        "<<\(text.utf8.map { String($0) }.joined(separator: ","))>>"
    }
}
