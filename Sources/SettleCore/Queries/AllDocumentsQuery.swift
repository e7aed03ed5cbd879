// What `_all_docs`, `_design_docs` and `_local_docs` are asked for.
//
//     startkey="b"&endkey="d"&limit=10      a range of ids, in byte order
//     keys=["c","a","nope"]                 these ids, in this order, found or not
//
// The subtle thing: ids are compared by bytes, and keys that are no strings still have a place, since any JSON value
// may be given: numbers, then null and booleans, then objects, then arrays come before every string. So a
// `startkey=5` means "from the first document", and `endkey={}` means "nothing".

/// A query over documents by id.
package struct AllDocumentsQuery: Sendable {
    /// Which documents the query ranges over.
    package enum Namespace: Sendable {
        case all, design, local
    }

    package var namespace: Namespace
    /// The keys asked for one by one; nil for a range.
    package var keys: [JSONValue]?
    package var startKey: JSONValue?
    package var endKey: JSONValue?
    package var startID: String?
    package var endID: String?
    package var isDescending = false
    package var includesDocuments = false
    package var includesConflicts = false
    package var includesAttachments = false
    package var includesEncodingInfo = false
    package var includesEnd = true
    package var includesSequence = false
    package var limit = Int.max
    package var skip = 0

    package init(_ namespace: Namespace = .all) {
        self.namespace = namespace
    }

    /// Takes one parameter into account; unknown ones mean nothing.
    ///
    /// `isOneOfMany` is for queries that come in a list, where `keys` of one element is read like `key`.
    package mutating func set(
        _ name: String,
        _ value: QueryValue,
        isOneOfMany: Bool = false
    ) throws(SettleError) {
        switch name {
        case "startkey", "start_key": startKey = try value.value()
        case "endkey", "end_key": endKey = try value.value()
        case "key":
            startKey = try value.value()
            endKey = startKey
        case "keys": try setKeys(value, isOneOfMany: isOneOfMany)
        case "startkey_docid", "start_key_doc_id": startID = value.text
        case "endkey_docid", "end_key_doc_id": endID = value.text
        case "limit": limit = try value.count()
        case "skip": skip = try value.count()
        case "descending": isDescending = try value.bool()
        case "include_docs": includesDocuments = try value.bool()
        case "conflicts": includesConflicts = try value.bool()
        case "inclusive_end": includesEnd = try value.bool()
        case "update_seq": includesSequence = try value.bool()
        case "attachments": includesAttachments = try value.bool()
        case "att_encoding_info": includesEncodingInfo = try value.bool()
        case "sorted", "stable": _ = try value.bool()
        default: try check(name, value)
        }
    }

    private mutating func setKeys(_ value: QueryValue, isOneOfMany: Bool) throws(SettleError) {
        guard let list = try value.value().array else {
            let place = if case .json = value { "body member" } else { "parameter" }
            throw SettleError(.badRequest, "`keys` \(place) must be an array.")
        }
        if isOneOfMany, list.count == 1 {
            startKey = list[0]
            endKey = list[0]
        } else {
            keys = list
        }
    }

    /// Refuses parameters that contradict each other, once all are known.
    package func validate() throws(SettleError) {
        if let keys, !keys.isEmpty, startKey != nil || endKey != nil {
            throw SettleError(
                .queryParseError,
                "`keys` is incompatible with `key`, `start_key` and `end_key`"
            )
        }
    }

    /// Parameters that mean something for views only.
    private func check(_ name: String, _ value: QueryValue) throws(SettleError) {
        switch name {
        case "reduce":
            if try value.bool() {
                throw SettleError(.queryParseError, "Reduce is invalid for map-only views.")
            }
        case "group":
            if try value.bool() { throw Self.noGrouping }
        case "group_level":
            if try value.integer() != 0 { throw Self.noGrouping }
        case "stale":
            guard ["ok", "update_after"].contains(value.text) else {
                throw SettleError(.queryParseError, "Invalid value for `stale`.")
            }
        case "update":
            guard ["true", "false", "lazy"].contains(value.text) else {
                throw SettleError(.queryParseError, "Invalid value for `update`.")
            }
        default: break
        }
    }

    private static let noGrouping = SettleError(.queryParseError, "Invalid use of grouping on a map view.")

    /// Takes all parameters of a query string into account.
    package mutating func set(_ parameters: QueryParameters) throws(SettleError) {
        for (name, value) in parameters.items {
            try set(name, .text(value))
        }
    }

    /// Takes all members of a body, or of one query in a list, into account.
    package mutating func set(_ members: JSONObject, isOneOfMany: Bool = false) throws(SettleError) {
        for member in members.members {
            try set(member.name, .json(member.value), isOneOfMany: isOneOfMany)
        }
    }
}

/// A range of ids: from `lower` on, and less than `upper`.
package struct DocumentRange: Sendable, Equatable {
    /// The least id in the range.
    package var lower: [UInt8]
    /// The least id beyond it; nil for no bound.
    package var upper: [UInt8]?

    package init(lower: [UInt8], upper: [UInt8]?) {
        self.lower = lower
        self.upper = upper
    }

    /// Whether nothing can be in it.
    package var isEmpty: Bool {
        upper.map { !lower.lexicographicallyPrecedes($0) } ?? false
    }
}

extension AllDocumentsQuery {
    /// The ids that the query ranges over, whichever way it walks.
    package var range: DocumentRange {
        let start = bound(startKey, startID)
        let end = bound(endKey, endID)
        var range: DocumentRange
        if isDescending {
            range = DocumentRange(
                lower: end.map { includesEnd ? $0.id : $0.successor } ?? [],
                upper: start.map { $0.successor }
            )
        } else {
            range = DocumentRange(
                lower: start?.id ?? [],
                upper: end.map { includesEnd ? $0.successor : $0.id }
            )
        }
        let prefix: [UInt8]
        switch namespace {
        case .all: return range
        case .design: prefix = Array("_design/".utf8)
        case .local: prefix = Array("_local/".utf8)
        }
        if range.lower.lexicographicallyPrecedes(prefix) { range.lower = prefix }
        let beyond = prefix.dropLast() + [UInt8(ascii: "0")]  // what follows the slash
        if range.upper.map({ beyond.lexicographicallyPrecedes($0) }) ?? true { range.upper = Array(beyond) }
        return range
    }

    /// A key's place among the ids.
    private struct Bound {
        let id: [UInt8]
        let isString: Bool
        /// The first place after it; a key that is no string comes before all ids, and so does what follows it.
        var successor: [UInt8] { isString ? id + [0] : [] }
    }

    private func bound(_ key: JSONValue?, _ id: String?) -> Bound? {
        if let key {
            return Bound(id: key.string.map { Array($0.utf8) } ?? [], isString: key.string != nil)
        }
        return id.map { Bound(id: Array($0.utf8), isString: true) }
    }
}
