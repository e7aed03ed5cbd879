// What can be asked of a database's writer, and what it answers.
//
// Requests are values: a transaction that had to be given up (the map was full, say) is done again from them.

package import SettleCore

/// One thing to write; every request of a group is in one transaction, each with an outcome of its own.
package enum WriteRequest: Sendable {
    /// Documents, as `_bulk_docs` writes them, and who writes them; the outcomes come back in this order.
    case edits([DocumentEdit], by: WriteContext = .administrator)
    /// A `_local` document; no body deletes it. There is no conflict check: the new revision counter is the given one
    /// plus one, or 1 (CouchDB 3.x).
    case local(DocumentID, body: [UInt8]?, revision: UInt64?)
    /// Leaf revisions to forget without a trace.
    case purge([(DocumentID, [RevisionID])])
    /// How many revisions of a branch are remembered.
    case revisionsLimit(Int)
    /// How many purges are remembered.
    case purgedInfosLimit(Int)
    /// The security object, as JSON text.
    case security([UInt8])
    /// Bodies that no leaf has any more, of at most so many updates, oldest first.
    case forgetSuperseded(steps: Int)
}

/// One document to write.
package struct DocumentEdit: Sendable {
    /// How the edit stands to what is there.
    package enum Kind: Sendable {
        /// `new_edits=true`: the parent must be a leaf, or nil for a document that is absent or deleted.
        case interactive(parent: RevisionID?)
        /// `new_edits=false`: the revision and its ancestors, newest first, as another replica knows them.
        case replicated(path: [RevisionID])
    }

    package let id: DocumentID
    package let kind: Kind
    package let isDeleted: Bool
    /// Canonical JSON text without the special members.
    package let body: [UInt8]
    /// The attachments of the new revision, in the order of `_attachments`.
    package let attachments: [EditAttachment]
    /// The revision that an interactive edit makes, unless it takes attachments over, which only the parent knows; the
    /// replicated revision itself.
    package let revision: RevisionID

    /// An edit of a kind, with what the document says.
    ///
    /// What the document's own `_attachments` say is the caller's to turn into `attachments`.
    package init(
        id: DocumentID,
        kind: Kind,
        document: IncomingDocument,
        attachments: [EditAttachment] = []
    ) throws(SettleError) {
        self.id = id
        self.kind = kind
        isDeleted = document.isDeleted
        body = document.body
        self.attachments = attachments
        switch kind {
        case .interactive(let parent):
            let generation = (parent?.generation ?? 0) + 1
            let new = attachments.compactMap { $0.attachment(generation: generation)?.forRevisionDigest }
            revision = RevisionID(generation, document.digest(parent: parent, attachments: new))
        case .replicated(let path):
            guard let newest = path.first else {
                throw SettleError(.badRequest, DocumentEdit.needsRevision)
            }
            revision = newest
        }
    }

    static let needsRevision = "When `new_edits: false`, the document needs `_rev` or `_revisions` specified"

    /// An edit whose parent is the revision that the document names.
    package static func interactive(
        _ document: IncomingDocument,
        id: DocumentID,
        attachments: [EditAttachment] = []
    ) throws(SettleError) -> DocumentEdit {
        let parent = document.revision ?? document.ancestry?.first
        return try DocumentEdit(
            id: id,
            kind: .interactive(parent: parent),
            document: document,
            attachments: attachments
        )
    }

    /// An edit that another replica made: the document names its revision, and perhaps that one's ancestors.
    package static func replicated(
        _ document: IncomingDocument,
        id: DocumentID,
        attachments: [EditAttachment] = []
    ) throws(SettleError) -> DocumentEdit {
        guard let path = document.ancestry ?? document.revision.map({ [$0] }) else {
            throw SettleError(.badRequest, needsRevision)
        }
        return try DocumentEdit(
            id: id,
            kind: .replicated(path: path),
            document: document,
            attachments: attachments
        )
    }

    /// How many of the attachments bring their content along.
    var newAttachments: Int { attachments.count { !$0.isTakenOver } }

    /// The digest on top of a parent, where the edit was made without knowing it or what its stubs stand for.
    ///
    /// Parsing the body again is the price of the rarer case.
    func digest(parent: RevisionID?, attachments: [Attachment]) throws(SettleError) -> RevisionDigest {
        var document = try IncomingDocument(parsing: body)
        document.isDeleted = isDeleted
        return document.digest(parent: parent, attachments: attachments.map(\.forRevisionDigest))
    }
}

/// What became of one edit.
package enum EditOutcome: Sendable, Hashable {
    /// It is there, under this revision; also when a replicated revision was there already.
    case written(RevisionID)
    /// It was refused; nothing of it was written.
    case failed(SettleError)
}

/// What became of a request.
package enum WriteResult: Sendable {
    case edits([EditOutcome])
    /// The new revision counter; 0 after a deletion.
    case local(UInt64)
    /// The local document to delete isn't there.
    case localMissing
    /// The leaves that were removed, document by document, and the database's purge sequence.
    case purged([(DocumentID, [RevisionID])], purgeSequence: UInt64)
    case done
}
