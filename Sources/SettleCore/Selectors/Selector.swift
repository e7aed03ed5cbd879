// The language of Mango: which documents does a JSON object describe?
//
//     let selector = try Selector(["type": "task", "due": ["$lt": "2026-01-01"]])
//     selector.matches(document, collator)          // in a feed, a replication, a query
//     selector.normalized   // {"$and":[{"type":{"$eq":"task"}},{"due":{"$lt":"2026-01-01"}}]}
//
// What a client writes is first brought into CouchDB's normal form: every condition names its operator, every field its
// whole path, and negations stand as far inside as they go. That form is part of a replication's name and of `_explain`,
// so it is made exactly as CouchDB makes it. From it comes a tree of conditions, which is what documents are held
// against.
//
// The subtle thing: a document that lacks a field matches nothing that is said about it, `$ne` and negations included.
// Only `{"$exists":false}` asks for its absence.

/// A selector, ready to be held against documents.
public struct Selector: Hashable, Sendable {
    /// CouchDB's normal form.
    package let normalized: JSONObject
    let condition: SelectorCondition
    /// The members of a document that decide; nil: all of them.
    private let members: [[UInt8]]?

    /// Reads a selector.
    ///
    /// - Parameter json: The selector as CouchDB's `_find` takes it.
    /// - Throws: What is wrong with it, in CouchDB's words.
    public init(_ json: JSONObject) throws(SettleError) {
        let form = try SelectorNormalForm(json).value
        guard case .object(let normalized) = form else { throw SettleError(.invalidSelector) }
        self.normalized = normalized
        condition = try SelectorCondition(form)
        members = condition.members
    }

    /// Reads a selector that has to be an object.
    package init(_ json: JSONValue) throws(SettleError) {
        guard case .object(let object) = json else {
            throw SettleError(
                .invalidSelectorJSON,
                "Selector must be a JSON object, not: \(json.erlangText)"
            )
        }
        try self.init(object)
    }

    /// Whether a value matches.
    package func matches(_ value: JSONValue, _ collator: some StringCollator) -> Bool {
        condition.matches(value, ValueOrder(collator))
    }

    /// Whether a document matches, given its JSON text; false if that is no object.
    ///
    /// Members that decide nothing are passed over, so a large document costs little more than its bytes.
    package func matches(
        _ text: [UInt8],
        in range: Range<Int>? = nil,
        _ collator: some StringCollator
    ) -> Bool {
        guard let members else {
            guard let value = try? JSONValue(parsing: text, in: range) else { return false }
            return matches(value, collator)
        }
        guard let found = try? Self.members(members, of: text, in: range) else { return false }
        return matches(.object(found), collator)
    }

    private static func members(
        _ names: [[UInt8]],
        of text: [UInt8],
        in range: Range<Int>?
    ) throws(JSONError) -> JSONObject? {
        var reader = JSONReader(text, in: range)
        guard try reader.enterObject() else { return nil }
        var found: [(String, JSONValue)] = []
        while try reader.nextMember() {
            guard names.contains(where: { reader.nameIs($0) }) else { continue }
            found.append((reader.name, try reader.value()))
        }
        return JSONObject(found)
    }
}
