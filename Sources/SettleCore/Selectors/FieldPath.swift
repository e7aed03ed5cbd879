// Where in a document a condition looks: `address.city`, `tags.0`, `odd\.name`.
//
// A dot leads into an object, or, if what follows is a number, into an array; behind a `\` it is part of a name.

/// The way to a field.
struct FieldPath: Hashable, Sendable {
    /// The names and places on the way.
    let names: [[UInt8]]

    /// What lies at the end of a way.
    enum Destination {
        case found(JSONValue)
        /// The last object on the way has no such member.
        case missing
        /// There is neither an object nor an array where there would have to be one.
        case unreachable
    }

    /// Reads a path.
    ///
    /// - Throws: `invalidSelector` if a name is empty.
    init(_ text: String) throws(SettleError) {
        var names: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\") where !isEscaped:
                isEscaped = true
                continue
            case UInt8(ascii: ".") where !isEscaped: names.append([])
            default: names[names.count - 1].append(byte)
            }
            isEscaped = false
        }
        guard !names.contains([]) else {
            throw SettleError(.invalidSelector, "Invalid field name: \(text)")
        }
        self.names = names
    }

    /// Whether this is the document's id.
    var isID: Bool { names == [Array("_id".utf8)] }

    /// Follows the way.
    func find(in value: JSONValue) -> Destination {
        var value = value
        for name in names {
            switch value {
            case .object(let object):
                guard let member = object.members.first(where: { $0.name.utf8.elementsEqual(name) }) else {
                    return .missing
                }
                value = member.value
            case .array(let elements):
                guard let index = Int(String(decoding: name, as: UTF8.self)), elements.indices.contains(index)
                else { return .unreachable }
                value = elements[index]
            case .null, .bool, .number, .string: return .unreachable
            }
        }
        return .found(value)
    }
}

/// The parts of a document that a reader asked for: `["_id","address.city"]`.
package struct FieldSelection: Hashable, Sendable {
    private let paths: [FieldPath]

    /// Reads a list of fields; an empty one selects the whole document.
    ///
    /// - Throws: `invalidFields` if it is no list of field names.
    package init(_ json: JSONValue) throws(SettleError) {
        guard case .array(let fields) = json else {
            throw SettleError(.invalidFields, "Fields must be an array of strings, not: \(json.erlangText)")
        }
        var paths: [FieldPath] = []
        for field in fields {
            guard let name = field.string else {
                throw SettleError(.invalidField, "Invalid JSON for field spec: \(field.erlangText)")
            }
            paths.append(try FieldPath(name))
        }
        self.paths = paths
    }

    /// Whether the whole document is selected.
    package var isEverything: Bool { paths.isEmpty }

    /// The selected parts of a document, in the order they were asked for.
    package func extract(from document: JSONValue) -> JSONValue {
        if paths.isEmpty { return document }
        var result = JSONObject()
        for path in paths {
            if case .found(let value) = path.find(in: document) {
                Self.set(path.names[...], to: value, in: &result)
            }
        }
        return .object(result)
    }

    private static func set(_ names: ArraySlice<[UInt8]>, to value: JSONValue, in object: inout JSONObject) {
        guard let first = names.first else { return }
        let name = String(decoding: first, as: UTF8.self)
        guard names.count > 1 else {
            object[name] = value
            return
        }
        // What was put there as a whole stays whole.
        switch object[name] {
        case nil:
            var inner = JSONObject()
            set(names.dropFirst(), to: value, in: &inner)
            object[name] = .object(inner)
        case .object(var inner)?:
            set(names.dropFirst(), to: value, in: &inner)
            object[name] = .object(inner)
        case _?: break
        }
    }
}
