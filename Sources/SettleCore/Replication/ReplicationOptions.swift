// What a replication is asked to do.

/// What to copy from where to where, and how.
public struct ReplicationOptions: Hashable, Sendable {
    /// Which documents to copy.
    public enum Selection: Hashable, Sendable {
        /// All of them.
        case everything
        /// Those with these ids.
        case documents([DocumentID])
        /// Those that a filter function of the source lets through: `design/name`, or `_view` and `_design`.
        case filter(name: String, parameters: JSONObject)
        /// Those that match a selector.
        case selector(JSONObject)
    }

    /// Where to copy from.
    public var source: ReplicationEndpoint
    /// Where to copy to.
    public var target: ReplicationEndpoint
    /// Whether to create the target first.
    public var createsTarget = false
    /// The query parameters to create the target with, such as `q`.
    public var creationParameters: [NamedText] = []
    /// Whether to wait for further changes at the end, instead of finishing.
    public var isContinuous = false
    /// Which documents to copy.
    public var selection = Selection.everything
    /// Whether to leave out the leaves that lost against another one.
    public var winningRevisionsOnly = false
    /// Where to start if there is no checkpoint.
    public var sinceSequence: SourceSequence?
    /// Whether to note in both databases how far the copy has come, and to go on from there.
    public var usesCheckpoints = true
    /// Whether documents leave the target that the selector does not describe (any more).
    ///
    /// Takes a selector and a target that is a database here. What the source does not know never leaves.
    public var retracts = false
    /// Names the app's own function that decides which documents are copied; nil if there is none.
    package var functionVersion: String?
    /// How often to note it while copying.
    public var checkpointInterval = Duration.seconds(30)
    /// The number of changes, and of documents, in one request.
    public var batchSize = 500
    /// Whether to ask for many documents at once.
    public var usesBulkGet = true
    /// How long to wait for a peer's answer.
    public var connectionTimeout = Duration.seconds(30)
    /// How often a request is tried again.
    public var retries = 5
    /// How many requests run at once, those for attachments aside.
    public var workers = 4
    /// How many connections to one host are kept; nil: as many as all replications together use, up to 32.
    public var connections: Int?

    /// A copy of everything, once.
    public init(source: ReplicationEndpoint, target: ReplicationEndpoint) {
        self.source = source
        self.target = target
    }
}

/// What the body of a `_replicate` request asks for.
package enum ReplicationRequest: Hashable, Sendable {
    /// Run this.
    case start(ReplicationOptions)
    /// End the replication of this name.
    case cancel(name: String)
    /// End the replication that these options would start.
    case cancelSame(ReplicationOptions)
}

extension ReplicationOptions {
    /// What stands behind the base of the name.
    package var nameSuffix: String {
        (isContinuous ? "+continuous" : "") + (createsTarget ? "+create_target" : "")
    }

    /// What narrows the copy, as terms of the name.
    ///
    /// A filter function is named by its code, which has to be looked up in the source before.
    package func narrowing(filterCode: String?) -> [ErlangValue] {
        var terms: [ErlangValue]
        switch selection {
        case .everything: terms = []
        case .documents(let ids):
            terms = [.list(Set(ids).sorted().map { .binary($0.bytes) })]
        case .filter(let name, let parameters):
            terms = [.binary(filterCode ?? name), ErlangValue(JSONValue.object(parameters).sorted)]
        case .selector(let selector):
            let normalized = (try? Selector(selector))?.normalized ?? selector
            terms = [ErlangValue(JSONValue.object(normalized).sorted)]
        }
        if retracts { terms.append(.binary("retract")) }
        if let functionVersion { terms += [.binary("function"), .binary(functionVersion)] }
        if winningRevisionsOnly { terms.append(.binary("winning_revs_only")) }
        if let sinceSequence, let value = try? JSONValue(parsing: sinceSequence.json) {
            terms.append(ErlangValue(value))
        }
        return terms
    }

    /// The design document and the name of the filter function whose code is part of the name, if there is one.
    package var filterFunction: (design: DocumentID, name: String)? {
        guard case .filter(let filter, _) = selection, !filter.utf8.starts(with: "_".utf8) else { return nil }
        let parts = filter.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        return (DocumentID("_design/" + parts[0]), String(parts[1]))
    }
}

extension JSONValue {
    /// The same with the members of every object in order of their names.
    fileprivate var sorted: JSONValue {
        switch self {
        case .null, .bool, .number, .string: return self
        case .array(let elements): return .array(elements.map(\.sorted))
        case .object(let object):
            let members = object.members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            return .object(JSONObject(members.map { ($0.name, $0.value.sorted) }))
        }
    }
}
