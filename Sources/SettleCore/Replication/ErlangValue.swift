// A value of Erlang, for what a replication's name is made from.
//
// Erlang has no strings. Text in a database is a binary, text inside the server (a host, a path) is a list of numbers;
// which of the two it was shows in the bytes that are hashed, so both have a case here. `ErlangTerm` writes the bytes.

/// A value of Erlang.
package indirect enum ErlangValue: Hashable, Sendable {
    case atom(String)
    case integer(Int64)
    case bigInteger([UInt8])
    case double(Double)
    case binary([UInt8])
    case list([ErlangValue])
    case tuple([ErlangValue])

    /// Text as Erlang's own: a list of its bytes.
    package static func string(_ text: String) -> Self {
        .list(text.utf8.map { .integer(Int64($0)) })
    }

    /// Text as a binary.
    package static func binary(_ text: String) -> Self {
        .binary(Array(text.utf8))
    }
}

extension ErlangValue {
    /// A JSON value as CouchDB holds it: an object is a list of pairs in a tuple of its own.
    package init(_ value: JSONValue) {
        switch value {
        case .null: self = .atom("null")
        case .bool(let flag): self = .atom(flag ? "true" : "false")
        case .number(let number):
            switch number.storage {
            case .integer(let integer): self = .integer(integer)
            case .bigInteger(let digits): self = .bigInteger(digits)
            case .double(let double): self = .double(double)
            }
        case .string(let text): self = .binary(text)
        case .array(let elements): self = .list(elements.map { ErlangValue($0) })
        case .object(let object):
            self = .tuple([.list(object.members.map { .tuple([.binary($0.name), ErlangValue($0.value)]) })])
        }
    }

    /// `term_to_binary(Value, [{minor_version, 1}])`.
    package var externalFormat: [UInt8] {
        var bytes: [UInt8] = [131]
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .atom(let name):
            bytes.append(contentsOf: [100, 0, UInt8(truncatingIfNeeded: name.utf8.count)])
            bytes.append(contentsOf: name.utf8)
        case .integer(let value): ErlangTerm.appendInteger(value, to: &bytes)
        case .bigInteger(let text):
            let isNegative = text.first == UInt8(ascii: "-")
            ErlangTerm.appendBigInteger(
                digits: isNegative ? text.dropFirst() : text[...],
                isNegative: isNegative,
                to: &bytes
            )
        case .double(let value): ErlangTerm.appendDouble(value, to: &bytes)
        case .binary(let content): ErlangTerm.appendBinary(content, to: &bytes)
        case .list(let elements):
            let start = bytes.count
            ErlangTerm.openList(in: &bytes)
            for element in elements { element.append(to: &bytes) }
            if elements.allSatisfy(\.isByte) {
                ErlangTerm.closeListOfBytes(at: start, count: elements.count, in: &bytes)
            } else {
                ErlangTerm.closeList(at: start, count: elements.count, in: &bytes)
            }
        case .tuple(let elements):
            bytes.append(contentsOf: [104, UInt8(truncatingIfNeeded: elements.count)])
            for element in elements { element.append(to: &bytes) }
        }
    }

    private var isByte: Bool {
        if case .integer(let value) = self { (0...255).contains(value) } else { false }
    }
}
