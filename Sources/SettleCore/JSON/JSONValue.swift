// A JSON text as a tree, for whoever has to look inside: queries, settings, small requests, tests.
//
//     let value = try JSONValue(parsing: Array(#"{"a":[1,1.0,"é"]}"#.utf8))
//     value["a"]?[0]?.int    // 1
//     value.text             // {"a":[1,1.0,"é"]}, as CouchDB prints it
//
// Documents on their way to the disk do not become trees; `IncomingDocument` writes their canonical text in one pass.
// Trees print the same text.
//
// The subtle thing is equality, which goes by bytes and by kind: strings that only look alike differ, and so do 1 and
// 1.0, and objects with their members in different order.

/// A JSON value.
public enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number.
    case number(JSONNumber)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object, its members in order.
    case object(JSONObject)
}

extension JSONValue {
    /// The text if this is a string.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The value if this is an integer (not a double, even a whole one) that fits.
    public var int: Int? {
        guard case .number(let number) = self, let value = number.int64 else { return nil }
        return Int(exactly: value)
    }

    /// The nearest double if this is a number of either kind.
    public var double: Double? {
        if case .number(let number) = self { number.double } else { nil }
    }

    /// The value if this is `true` or `false`.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements if this is an array.
    public var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members if this is an object.
    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// A member's value; nil if this is no object or has no such member.
    public subscript(name: String) -> JSONValue? { object?[name] }

    /// An element; nil if this is no array or has no such element.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}

extension JSONValue: Hashable {
    /// Whether both are of the same kind and have the same bytes, numbers, elements and members.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// Feeds kind and content.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let number): hasher.combine(number)
        case .string(let text): text.hashBytes(into: &hasher)
        case .array(let elements): hasher.combine(elements)
        case .object(let object): hasher.combine(object)
        }
    }
}

extension JSONValue: CustomStringConvertible {
    /// The text, as CouchDB prints it.
    public var description: String { text }
}
