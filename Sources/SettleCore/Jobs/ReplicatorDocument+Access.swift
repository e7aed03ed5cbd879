// Who may write a document of a replicator database, and who sees what of it.
//
// | who                    | reads                  | writes                                   |
// |------------------------|------------------------|------------------------------------------|
// | an administrator       | everything             | everything; what has no owner is theirs  |
// | the document's owner   | everything             | it                                       |
// | anybody else           | it without credentials | documents of their own, and new ones     |
//
// The owner is the member `owner`, which whoever writes a document first becomes. The rules are CouchDB's, which also hides
// who may not read the database at all; but it leaves credentials in `url` members and proxies, and these rules do not.
//
// The subtle thing: a document without its credentials is another document. Who shows one must not show it under the revision
// of the whole one, or a client that writes back what it read takes the credentials out.

extension ReplicatorDocument {
    /// Somebody who reads or writes documents of a replicator database.
    package struct User: Hashable, Sendable {
        /// Nil for somebody who has none.
        package let name: String?
        /// Whether everything is allowed.
        package let isAdministrator: Bool

        package init(name: String?, isAdministrator: Bool) {
            (self.name, self.isAdministrator) = (name, isAdministrator)
        }

        fileprivate func owns(_ document: JSONObject) -> Bool {
            guard let owner = document["owner"]?.string, let name else { return false }
            return owner.utf8.elementsEqual(name.utf8)
        }
    }

    /// A document as it is stored when somebody writes it: with its owner.
    ///
    /// - Parameters:
    ///   - document: The members, without those that describe the document itself.
    ///   - user: Who writes it.
    /// - Returns: The members to store.
    /// - Throws: `forbidden` if it is somebody else's, or asks for something that can't be done.
    package static func checked(_ document: JSONObject, writtenBy user: User) throws(SettleError)
        -> JSONObject
    {
        var document = document
        let name = user.name.map { JSONValue.string($0) } ?? .null
        switch document["owner"] {
        case nil: document["owner"] = name
        case .null? where user.isAdministrator || user.name == nil: document["owner"] = name
        case _? where user.isAdministrator || user.owns(document): break
        case _?: throw SettleError(.forbidden, "Can't update replication documents from other users.")
        }
        if case .malformed(let reason) = ReplicatorDocument(document) {
            throw SettleError(.forbidden, reason)
        }
        return document
    }

    /// A document as somebody may see it.
    ///
    /// - Parameters:
    ///   - document: The members.
    ///   - user: Who reads it.
    /// - Returns: The members without credentials; nil if all of them may be seen.
    package static func withoutCredentials(_ document: JSONObject, for user: User) -> JSONObject? {
        guard !user.isAdministrator, !user.owns(document) else { return nil }
        var document = document
        for side in ["source", "target"] {
            if let endpoint = document[side] { document[side] = withoutCredentials(endpoint) }
        }
        for proxy in ["proxy", "source_proxy", "target_proxy"] {
            if let url = document[proxy]?.string {
                document[proxy] = .string(Credentials.removing(from: url))
            }
        }
        return document
    }

    private static func withoutCredentials(_ endpoint: JSONValue) -> JSONValue {
        switch endpoint {
        case .string(let url): return .string(Credentials.removing(from: url))
        case .object(var object):
            object["headers"] = nil
            object["auth"] = nil
            if let url = object["url"]?.string { object["url"] = .string(Credentials.removing(from: url)) }
            return .object(object)
        case .null, .bool, .number, .array: return endpoint
        }
    }
}
