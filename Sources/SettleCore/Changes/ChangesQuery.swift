// What `_changes` is asked for.
//
// CouchDB reads these parameters more leniently than those of views: what isn't `true` is false, unknown ones belong to
// filter functions. Only where a value decides about time or place (`feed`, `since`, `limit`, `heartbeat`) is nonsense
// refused. Names count in any case of letters, but for those that only a filter reads.

/// The parameters of a changes feed.
package struct ChangesQuery: Sendable {
    /// How the feed goes on after what there is now.
    package enum Feed: Sendable, Equatable {
        /// It doesn't.
        case normal
        /// It waits for at least one change.
        case longpoll
        /// It goes on, one line per change.
        case continuous
        /// It goes on, as server-sent events.
        case eventSource
    }

    /// Which changes are in it.
    package enum Filter: Sendable {
        case none
        case documents(Set<DocumentID>)
        case designDocuments
        /// A Mango selector, and the fields of documents to send.
        case selector(Selector, fields: FieldSelection?)
        /// A filter function: design document and name.
        case function(design: String, name: String)
        /// A view's map function: design document and view.
        case view(design: String, name: String)
    }

    /// Where it begins.
    package enum Start: Sendable, Equatable {
        case beginning
        case now
        case token(String)
    }

    package var feed = Feed.normal
    package var filter = Filter.none
    package var since = Start.beginning
    /// How many rows at most; CouchDB's own bound where the client gives none.
    package var limit = 1_000_000_000_000_000
    package var isDescending = false
    package var includesDocuments = false
    package var includesConflicts = false
    package var includesAttachments = false
    package var includesEncodingInfo = false
    package var includesAllLeaves = false
    package var sequenceInterval = 1
    /// Milliseconds between heartbeats; nil for none.
    package var heartbeat: Int?
    /// Milliseconds that the client is willing to wait.
    package var timeout: Int?

    /// Reads the query string; of a POST's body only what the filter needs counts, as in CouchDB.
    package init(
        parameters: QueryParameters,
        body: JSONObject? = nil,
        lastEventID: String? = nil
    ) throws(SettleError) {
        for (name, value) in parameters.items {
            try set(name, value)
        }
        if feed == .eventSource, let lastEventID { since = Self.start(lastEventID) }
        filter = try Self.filter(parameters, body)
    }

    private mutating func set(_ name: String, _ value: String) throws(SettleError) {
        switch name.lowercased() {
        case "feed": feed = try Self.feed(value)
        case "since", "last-event-id": since = Self.start(value)
        case "limit":
            guard let limit = Int(value), limit >= 0 else {
                throw SettleError(.badRequest, "Invalid value for integer: \"\(value)\"")
            }
            self.limit = limit
        case "descending": isDescending = value == "true"
        case "include_docs": includesDocuments = value == "true"
        case "conflicts": includesConflicts = value == "true"
        case "attachments": includesAttachments = value == "true"
        case "att_encoding_info": includesEncodingInfo = value == "true"
        case "style":
            guard value == "all_docs" || value == "main_only" else {
                throw SettleError(.badRequest, "Supported `style` values: main_only, all_docs")
            }
            includesAllLeaves = value == "all_docs"
        case "heartbeat": heartbeat = try Self.heartbeat(value)
        case "timeout":
            guard let timeout = Int(value), timeout >= 0 else {
                throw SettleError(.badRequest, "Invalid timeout value. Expecting a positive integer value.")
            }
            self.timeout = timeout
        case "seq_interval":
            guard let interval = Int(value), interval > 0 else {
                throw SettleError(.badRequest, "invalid_seq_interval")
            }
            sequenceInterval = interval
        default: break
        }
    }

    private static func feed(_ value: String) throws(SettleError) -> Feed {
        switch value {
        case "normal": return .normal
        case "longpoll": return .longpoll
        case "continuous", "live": return .continuous
        case "eventsource": return .eventSource
        default:
            let known = "normal, continuous, live, longpoll, eventsource"
            throw SettleError(.badRequest, "Supported `feed` types: \(known)")
        }
    }

    private static func heartbeat(_ value: String) throws(SettleError) -> Int {
        if value == "true" { return ChangesFeed.longestWait }
        guard let heartbeat = Int(value) else {
            let wanted = "Expecting a positive integer value (in milliseconds)."
            throw SettleError(.badRequest, "Invalid heartbeat value. \(wanted)")
        }
        guard heartbeat > 0 else {
            throw SettleError(
                .badRequest,
                "The heartbeat value should be a positive integer (in milliseconds)."
            )
        }
        return heartbeat
    }

    /// Where a client's `since` begins; a JSON string's quotes don't count.
    private static func start(_ text: String) -> Start {
        let bare =
            text.utf8.count > 1 && text.hasPrefix("\"") && text.hasSuffix("\"")
            ? String(text.dropFirst().dropLast()) : text
        return bare == "now" ? .now : bare == "0" ? .beginning : .token(bare)
    }
}

extension ChangesQuery {
    private static func filter(
        _ parameters: QueryParameters,
        _ body: JSONObject?
    ) throws(SettleError) -> Filter {
        switch parameters["filter"] {
        case nil: return .none
        case "_doc_ids": return .documents(try documents(parameters, body))
        case "_design": return .designDocuments
        case "_selector":
            guard let body else {
                throw SettleError(.badRequest, "Selector must be specified in POST payload")
            }
            return try selector(body)
        case "_view":
            guard let view = parameters["view"], !view.isEmpty else {
                throw SettleError(.badRequest, "`view` filter parameter is not provided.")
            }
            let (design, name) = try pair(view, "`view` must be of the form `designname/viewname`")
            return .view(design: design, name: name)
        case let name? where name.hasPrefix("_"):
            throw SettleError(.badRequest, "unknown builtin filter name")
        case let name?:
            if !name.utf8.contains(where: { $0 != UInt8(ascii: "/") }) { return .none }
            let (design, name) = try pair(name, "`filter` must be of the form `designname/filtername`")
            return .function(design: design, name: name)
        }
    }

    /// What is wrong with a selector is wrong with the request here.
    private static func selector(_ body: JSONObject) throws(SettleError) -> Filter {
        guard let selector = body["selector"]?.object else {
            throw SettleError(.badRequest, "Selector error: expected a JSON object")
        }
        do throws(SettleError) {
            let fields = try body["fields"].map { (fields) throws(SettleError) in try FieldSelection(fields) }
            return .selector(try Selector(selector), fields: fields)
        } catch {
            throw SettleError(.badRequest, error.reason)
        }
    }

    private static func documents(
        _ parameters: QueryParameters,
        _ body: JSONObject?
    ) throws(SettleError) -> Set<DocumentID> {
        let list: JSONValue?
        if let body {
            list = body["doc_ids"]
        } else {
            list = try parameters["doc_ids"].map { (text) throws(SettleError) in
                try QueryValue.text(text).value()
            }
        }
        let ids = list?.array.map { $0.map(\.string) }
        guard let ids, !ids.contains(nil) else {
            throw SettleError(.badRequest, "`doc_ids` filter parameter is not a list of doc ids.")
        }
        return Set(ids.compactMap { $0.map { DocumentID($0) } })
    }

    /// The two parts of `design/name`, which may be percent-encoded once more.
    private static func pair(_ text: String, _ complaint: String) throws(SettleError) -> (String, String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { part in
            String(decoding: PercentEncoding.decode(Array(part)[...]), as: UTF8.self)
        }
        guard parts.count == 2 else { throw SettleError(.badRequest, complaint) }
        return (parts[0], parts[1])
    }
}
