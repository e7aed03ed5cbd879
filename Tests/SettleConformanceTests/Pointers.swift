// JSON pointers (RFC 6901), with `*` for any member or index where several places are meant.

import SettleCore

extension JSONValue {
    /// The value that a pointer leads to.
    func value(at pointer: String) -> JSONValue? {
        Self.tokens(pointer).reduce(self) { found, token -> JSONValue? in
            switch found {
            case .array(let items)?:
                Int(token).flatMap { items.indices.contains($0) ? items[$0] : nil }
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

    private func replacing(_ tokens: ArraySlice<String>, with replacement: (JSONValue) -> JSONValue) -> JSONValue {
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
            return .object(
                members: members.map { name, value in
                    token == "*" || token.utf8.elementsEqual(name.utf8)
                        ? (name, value.replacing(tokens.dropFirst(), with: replacement)) : (name, value)
                }
            )
        default:
            return self
        }
    }

    private static func tokens(_ pointer: String) -> [String] {
        pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            $0.replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    /// The value with whatever `replacement` answers for, asked from the outside in with the member's name.
    func rewritten(
        _ name: String? = nil,
        _ replacement: (String?, JSONValue) -> JSONValue?
    ) -> JSONValue {
        if let replaced = replacement(name, self) { return replaced }
        switch self {
        case .array(let items):
            return .array(items.map { $0.rewritten(replacement) })
        case .object:
            return .object(members: members.map { ($0.name, $0.value.rewritten($0.name, replacement)) })
        default:
            return self
        }
    }
}
