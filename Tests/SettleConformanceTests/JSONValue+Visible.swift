// JSON read so that nothing is hidden: `JSONValue` keeps the last of several members with one name, and an answer
// with such members must not pass for a good one.

import Foundation
import SettleCore

extension JSONValue {
    /// Reads a text; an object that names a member twice gets a member `<duplicate members>` that lists all names.
    init(parsingVisibly text: [UInt8]) throws {
        var reader = JSONReader(text)
        self = try Self.visible(&reader)
        try reader.finish()
    }

    private static func visible(_ reader: inout JSONReader) throws -> JSONValue {
        if try reader.enterArray() {
            var items: [JSONValue] = []
            while try reader.nextElement() { items.append(try visible(&reader)) }
            return .array(items)
        }
        guard try reader.enterObject() else { return try reader.value() }
        var members: [(String, JSONValue)] = []
        while try reader.nextMember() {
            let name = reader.name
            members.append((name, try visible(&reader)))
        }
        let object = JSONObject(members)
        guard object.count < members.count else { return .object(object) }
        let names = JSONValue.array(members.map { .string($0.0) })
        return .object(JSONObject(members + [("<duplicate members>", names)]))
    }

    /// An array sorted by the text of its elements, whose members are sorted first; anything else as it is.
    var inCanonicalOrder: JSONValue {
        guard case .array(let items) = self else { return self }
        let keyed = items.map { (key: $0.withSortedMembers.bytes, item: $0) }
        return .array(keyed.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.item))
    }

    private var withSortedMembers: JSONValue {
        switch self {
        case .array(let items):
            return .array(items.map(\.withSortedMembers))
        case .object:
            let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            return .object(JSONObject(sorted.map { ($0.name, $0.value.withSortedMembers) }))
        default:
            return self
        }
    }
}

enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
    static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map(Array.init) }
}
