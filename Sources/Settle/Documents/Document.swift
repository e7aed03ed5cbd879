// A document as an app sees it, and the few calls it needs.
//
//     let notes = try Database.open(at: "notes.settle", creating: true)
//     let first = try await notes.put(["title": "Milk", "done": false], at: "shopping")
//     let note = try notes.document("shopping")                 // reading doesn't wait, so nothing to await
//     try await notes.put(["title": "Milk", "done": true], at: "shopping", replacing: note?.revision)
//
// The subtle thing is the revision. It says which version an edit was made from; an edit of one that is no longer the
// latest is refused as a conflict rather than overwriting what somebody else wrote.

public import SettleCore

/// One revision of a document.
public struct Document: Hashable, Sendable {
    /// Its name.
    public let id: DocumentID
    /// Which version this is.
    public let revision: RevisionID
    /// Whether this revision deletes the document.
    public let isDeleted: Bool
    /// What the document says, without `_id`, `_rev` and the like.
    public let members: JSONObject

    /// A member's value; nil if there is none of that name.
    public subscript(name: String) -> JSONValue? { members[name] }
}

extension Database {
    /// A document's winning revision, or a given one; nil if there is none, or it is deleted and no revision was given.
    ///
    /// - Parameters:
    ///   - id: The document's id.
    ///   - revision: The revision to read; its body may have been forgotten since, which is nil too.
    /// - Returns: The document.
    /// - Throws: `notFound` if the database is gone.
    public func document(_ id: DocumentID, revision: RevisionID? = nil) throws(SettleError) -> Document? {
        let found: (RevisionID, Bool, [UInt8])? = try read { snapshot in
            guard let record = try snapshot.document(id) else { return nil }
            var text: [UInt8] = []
            guard
                case .found(let revision, let isDeleted) =
                    try snapshot.append(id, record, revision: revision, to: &text)
            else { return nil }
            return (revision, isDeleted, text)
        }
        guard let (revision, isDeleted, text) = found else { return nil }
        return Document(id: id, revision: revision, isDeleted: isDeleted, members: try Document.members(text))
    }

    /// The other live revisions of a document: what was written elsewhere at the same time and lost, for now.
    ///
    /// Merge what they say into the winner, then delete them.
    public func conflicts(of id: DocumentID) throws(SettleError) -> [Document] {
        let revisions = try read { snapshot in
            try snapshot.document(id).map { record in
                record.head.conflicts.map { record.head.nodes[$0].revision }
            }
        }
        var conflicts: [Document] = []
        for revision in revisions ?? [] {
            if let document = try document(id, revision: revision) { conflicts.append(document) }
        }
        return conflicts
    }

    /// Writes a document, and returns its new revision once it is safely on the disk.
    ///
    /// It keeps the attachments that it had.
    ///
    /// - Parameters:
    ///   - members: What the document is to say. Names that begin with an underscore are reserved.
    ///   - id: The document's id.
    ///   - revision: The revision this edit was made from; nil for a new document.
    /// - Returns: The new revision.
    /// - Throws: `conflict` if the document has moved on meanwhile, `documentValidation`, `documentTooLarge`.
    @discardableResult
    public func put(
        _ members: JSONObject,
        at id: DocumentID,
        replacing revision: RevisionID? = nil
    ) async throws(SettleError) -> RevisionID {
        try id.validate()
        let document = try IncomingDocument(parsing: JSONValue.object(members).bytes)
        let edit = try DocumentEdit(
            id: id,
            kind: .interactive(parent: revision),
            document: document,
            attachments: [.others()]
        )
        return try await write(edit)
    }

    /// Deletes a document, or one of its conflicting revisions, and returns the revision that says so.
    ///
    /// - Throws: `conflict` if the revision is not a latest one.
    @discardableResult
    public func delete(_ id: DocumentID, _ revision: RevisionID) async throws(SettleError) -> RevisionID {
        let tombstone = try IncomingDocument(parsing: Array(#"{"_deleted":true}"#.utf8))
        return try await write(
            DocumentEdit(id: id, kind: .interactive(parent: revision), document: tombstone)
        )
    }

    func write(_ edit: DocumentEdit) async throws(SettleError) -> RevisionID {
        guard case .edits(let outcomes) = try await perform(.edits([edit])), let outcome = outcomes.first
        else {
            throw SettleError(.internalError)
        }
        switch outcome {
        case .written(let revision): return revision
        case .failed(let error): throw error
        }
    }

    /// The live documents from one id up to, and without, another, in order of id.
    ///
    /// - Parameters:
    ///   - first: The id to begin with; nil begins with the first of all.
    ///   - end: The id to stop before; nil goes on to the last.
    ///   - limit: How many documents at most: they are all held in memory.
    /// - Returns: The documents' winning revisions.
    /// - Throws: `notFound` if the database is gone.
    public func documents(
        from first: DocumentID? = nil,
        to end: DocumentID? = nil,
        limit: Int = .max
    ) throws(SettleError) -> [Document] {
        try read { snapshot in
            var documents: [Document] = []
            var rows = try snapshot.documentCursor()
            var found = try first.map { try rows.seek(atLeast: $0) } ?? rows.first()
            while found, documents.count < limit {
                let id = rows.id
                if let end, id >= end { break }
                if !rows.isDeleted {
                    var text: [UInt8] = []
                    try rows.appendDocument(in: snapshot, to: &text)
                    documents.append(
                        Document(
                            id: id,
                            revision: rows.revision,
                            isDeleted: false,
                            members: try Document.members(text)
                        )
                    )
                }
                found = try rows.next()
            }
            return documents
        }
    }
}

extension Document {
    /// Reads a document from its JSON text, which has its id and revision in it.
    package init(parsing text: [UInt8], in range: Range<Int>? = nil) throws(SettleError) {
        guard let all = (try? JSONValue(parsing: text, in: range))?.object, let id = all["_id"]?.string,
            let revision = all["_rev"]?.string.flatMap({ RevisionID($0) })
        else { throw SettleError(.internalError, "A stored document is damaged.") }
        self.init(
            id: DocumentID(id),
            revision: revision,
            isDeleted: all["_deleted"]?.bool ?? false,
            members: all.ownMembers
        )
    }

    /// The members of a stored document's text that are its own.
    fileprivate static func members(_ text: [UInt8]) throws(SettleError) -> JSONObject {
        guard case .object(let all)? = try? JSONValue(parsing: text) else {
            throw SettleError(.internalError, "A stored document is damaged.")
        }
        return all.ownMembers
    }
}

extension JSONObject {
    fileprivate var ownMembers: JSONObject {
        let special = ["_id", "_rev", "_deleted", "_attachments", "_conflicts", "_revisions"]
        return JSONObject(
            members.lazy.filter { member in !special.contains { $0.utf8.elementsEqual(member.name.utf8) } }
                .map { ($0.name, $0.value) }
        )
    }
}
