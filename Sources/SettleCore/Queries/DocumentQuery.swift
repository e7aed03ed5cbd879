// The parameters of requests for one document, or for a few of its revisions.

/// What a document is asked for with.
package struct DocumentQuery: Sendable {
    /// Which revisions are wanted instead of one document.
    package enum OpenRevisions: Sendable, Equatable {
        case all
        case these([RevisionID])
    }

    /// `rev`: the revision that is wanted, or that a write follows.
    package var revision: RevisionID?
    /// `open_revs`: several revisions instead of one.
    package var openRevisions: OpenRevisions?
    /// `revs`: the ancestors, as `_revisions`.
    package var includesRevisions = false
    /// `revs_info`: the ancestors, with what is left of each.
    package var includesRevisionsInfo = false
    /// `conflicts`: the other living leaves.
    package var includesConflicts = false
    /// `deleted_conflicts`: the other, deleted leaves.
    package var includesDeletedConflicts = false
    /// `deleted`: the document even if it is deleted.
    package var includesDeleted = false
    /// `local_seq`: the update sequence.
    package var includesSequence = false
    /// `attachments`: the content of attachments, not only stubs; `atts_since` implies it.
    package var includesAttachments = false
    /// `att_encoding_info`: how attachments are stored.
    package var includesEncodingInfo = false
    /// `att_sha256`: the SHA-256 of attachments' stored bytes, for Settle peers; CouchDB does not know it.
    package var includesContentKeys = false
    /// `atts_since`: revisions whose attachments the client has.
    package var attachmentsSince: [RevisionID]?
    /// `latest`: leaves instead of the revisions that are named.
    package var wantsLatest = false
    /// `new_edits=false`: the document brings its revision along.
    package var isReplicated = false
    /// `batch=ok`: the client doesn't wait for the write.
    package var isBatched = false

    /// Asks for nothing special.
    package init() {}

    /// Reads the parameters; what isn't `true` is false, unknown ones mean nothing.
    package init(_ parameters: QueryParameters) throws(SettleError) {
        for (name, value) in parameters.items {
            switch name {
            case "rev": revision = try Self.revision(value)
            case "open_revs": openRevisions = try Self.openRevisions(value)
            case "atts_since":
                attachmentsSince = try Self.revisions(QueryValue.text(value).value())
                includesAttachments = true
            case "attachments": includesAttachments = value == "true" || attachmentsSince != nil
            case "att_encoding_info": includesEncodingInfo = value == "true"
            case "att_sha256": includesContentKeys = value == "true"
            case "revs": includesRevisions = value == "true"
            case "revs_info": includesRevisionsInfo = value == "true"
            case "conflicts": includesConflicts = value == "true"
            case "deleted_conflicts": includesDeletedConflicts = value == "true"
            case "deleted": includesDeleted = value == "true"
            case "local_seq": includesSequence = value == "true"
            case "latest": wantsLatest = value == "true"
            case "new_edits": isReplicated = value == "false"
            case "batch": isBatched = value == "ok"
            case "meta" where value == "true":
                includesRevisionsInfo = true
                includesConflicts = true
                includesDeletedConflicts = true
            default: break
            }
        }
    }

    /// Reads `N-digest`.
    package static func revision(_ text: String) throws(SettleError) -> RevisionID {
        guard let revision = RevisionID(text) else { throw SettleError(.badRequest, "Invalid rev format") }
        return revision
    }

    /// Reads a JSON list of revisions.
    package static func revisions(_ list: JSONValue) throws(SettleError) -> [RevisionID] {
        guard let list = list.array else { throw SettleError(.badRequest, "Invalid list of revisions") }
        var revisions: [RevisionID] = []
        for element in list {
            revisions.append(try revision(element.string ?? ""))
        }
        return revisions
    }

    /// Reads `open_revs`; an empty list asks for nothing, that is for the document itself, as in CouchDB.
    private static func openRevisions(_ value: String) throws(SettleError) -> OpenRevisions? {
        if value == "all" { return .all }
        let list = try revisions(QueryValue.text(value).value())
        return list.isEmpty ? nil : .these(list)
    }
}

extension DocumentQuery {
    /// The revision that a write names: in the body, in the query or as an entity tag, which must not disagree.
    package static func parent(
        inBody body: RevisionID?,
        query: RevisionID?,
        ifMatch: String?
    ) throws(SettleError) -> RevisionID? {
        if let body, let query, body != query {
            throw SettleError(
                .badRequest,
                "Document rev from request body and query string have different values"
            )
        }
        guard let ifMatch else { return body ?? query }
        let bare = ifMatch.filter { $0 != "\"" }
        let tag = try revision(String(bare))
        if let named = body ?? query, named != tag {
            throw SettleError(.badRequest, "Document rev and etag have different values")
        }
        return tag
    }
}
