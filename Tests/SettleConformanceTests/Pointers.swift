// JSON pointers (RFC 6901), with `*` for any member or index where several places are meant.

import SettleCore

extension JSONValue {
    /// The members of an object, none of anything else.
    var members: [JSONObject.Member] { object?.members ?? [] }

    /// The value that a pointer leads to.
    func value(at pointer: String) -> JSONValue? {
        Self.tokens(pointer).reduce(self) { found, token -> JSONValue? in
            switch found {
            case .array?:
                Int(token).flatMap { found?[$0] }
            case .object?:
                found?[token]
            default:
                nil
            }
        }
    }

    /// The value with everything that one of the pointers leads to replaced.
    func replacing(at pointers: [String], with replacement: (JSONValue) -> JSONValue) -> JSONValue {
        pointers.filter { !$0.hasPrefix("header:") }.reduce(self) { value, pointer in
            value.replacing(Self.tokens(pointer)[...], with: replacement)
        }
    }

    private func replacing(_ tokens: ArraySlice<String>, with replacement: (JSONValue) -> JSONValue)
        -> JSONValue
    {
        guard let token = tokens.first else { return replacement(self) }
        switch self {
        case .array(let items):
            return .array(
                items.enumerated().map { index, item in
                    token == "*" || token == String(index)
                        ? item.replacing(tokens.dropFirst(), with: replacement) : item
                }
            )
        case .object:
            let replaced = members.map { member in
                let isMeant = token == "*" || token.utf8.elementsEqual(member.name.utf8)
                return (
                    member.name,
                    isMeant ? member.value.replacing(tokens.dropFirst(), with: replacement) : member.value
                )
            }
            return .object(JSONObject(replaced))
        default:
            return self
        }
    }

    private static func tokens(_ pointer: String) -> [String] {
        pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    /// The value with whatever `replacement` answers for, asked from the outside in with the member's name.
    func rewritten(
        named name: String? = nil,
        _ replacement: (String?, JSONValue) -> JSONValue?
    ) -> JSONValue {
        if let replaced = replacement(name, self) { return replaced }
        switch self {
        case .array(let items):
            return .array(items.map { $0.rewritten(replacement) })
        case .object:
            return .object(
                JSONObject(members.map { ($0.name, $0.value.rewritten(named: $0.name, replacement)) })
            )
        default:
            return self
        }
    }
}
