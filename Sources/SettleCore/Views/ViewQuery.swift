// What a view is asked for.
//
//     startkey=["fi"]&endkey=["fi",{}]&group_level=2     a range of rows, reduced by the first two elements
//     keys=["b","a"]&reduce=false                        the rows of each key, in this order
//     {"startkey": "b", "limit": 10}                     the same parameters as a body
//
// Reading the parameters needs no view; whether they make sense depends on it (a map view has nothing to group), so
// `shape(hasReduce:)` is asked once the view is known, and `ranges` once its collation is.
//
// The subtle thing: document ids narrow a bound only together with its key, and `inclusive_end=false` leaves out every
// row of the end key, or with `endkey_docid` that document's and those beyond it.

/// A query over the rows of a view.
package struct ViewQuery: Sendable {
    /// Whether the index catches up before the query, after it, or not at all.
    package enum Update: Sendable {
        case before, after, never
    }

    /// The keys asked for one by one; nil for a range.
    package var keys: [JSONValue]?
    package var startKey: JSONValue?
    package var endKey: JSONValue?
    package var startID: DocumentID?
    package var endID: DocumentID?
    package var isDescending = false
    package var includesEnd = true
    package var limit = Int.max
    package var skip = 0
    package var includesDocuments = false
    package var includesConflicts: Bool?
    package var includesAttachments = false
    package var includesEncodingInfo = false
    package var includesSequence = false
    /// False leaves out how many rows there are and where the first one stands.
    package var isSorted = true
    package var update = Update.before
    package var reduces: Bool?
    package var groups: Bool?
    package var groupLevel: Int?

    package init() {}

    /// Takes one parameter into account; unknown ones mean nothing.
    package mutating func set(_ name: String, _ value: QueryValue) throws(SettleError) {
        switch name {
        case "startkey", "start_key": startKey = try value.value()
        case "endkey", "end_key": endKey = try value.value()
        case "key": setKey(try value.value())
        case "keys": try setKeys(value)
        case "startkey_docid", "start_key_doc_id": startID = DocumentID(value.text)
        case "endkey_docid", "end_key_doc_id": endID = DocumentID(value.text)
        case "descending": isDescending = try value.bool()
        case "inclusive_end": includesEnd = try value.bool()
        case "limit": limit = try value.count()
        case "skip": skip = try value.count()
        case "reduce": reduces = try value.bool()
        case "group": groups = try value.bool()
        case "group_level": groupLevel = try value.count()
        default: try setPresentation(name, value)
        }
    }

    private mutating func setPresentation(_ name: String, _ value: QueryValue) throws(SettleError) {
        switch name {
        case "include_docs": includesDocuments = try value.bool()
        case "conflicts": includesConflicts = try value.bool()
        case "attachments": includesAttachments = try value.bool()
        case "att_encoding_info": includesEncodingInfo = try value.bool()
        case "update_seq": includesSequence = try value.bool()
        case "sorted": isSorted = try value.bool()
        case "stable":
            guard ["true", "false"].contains(value.text) else { throw Self.invalid("stable") }
        case "stale":
            switch value.text {
            case "ok": update = .never
            case "update_after": update = .after
            default: throw Self.invalid("stale")
            }
        case "update":
            switch value.text {
            case "true": update = .before
            case "lazy": update = .after
            case "false": update = .never
            default: throw Self.invalid("update")
            }
        case "partition":
            throw SettleError(
                .queryParseError,
                "`partition` parameter is not supported in this database."
            )
        default: break
        }
    }

    private mutating func setKey(_ key: JSONValue) {
        startKey = key
        endKey = key
    }

    /// One key in a list is a key.
    private mutating func setKeys(_ value: QueryValue) throws(SettleError) {
        guard let list = try value.value().array else {
            let place = if case .json = value { "member" } else { "parameter" }
            throw SettleError(.badRequest, "`keys` \(place) must be an array.")
        }
        if list.count == 1 {
            setKey(list[0])
        } else {
            keys = list
        }
    }

    private static func invalid(_ name: String) -> SettleError {
        SettleError(.queryParseError, "Invalid value for `\(name)`.")
    }

    /// Takes all parameters of a query string into account.
    package mutating func set(_ parameters: QueryParameters) throws(SettleError) {
        for (name, value) in parameters.items {
            try set(name, .text(value))
        }
    }

    /// Takes all members of a body, or of one query in a list, into account.
    package mutating func set(_ members: JSONObject) throws(SettleError) {
        for member in members.members {
            try set(member.name, .json(member.value))
        }
    }
}
