// The values that travel between a replicator and its peers.
//
//     ChangesPage ── rows ──► ChangedDocument ── _revs_diff ──► WantedRevision ── _bulk_get ──► FetchedDocument ── _bulk_docs
//
// Documents are slices of the answer they came in: their JSON text is never parsed into a tree and printed again, so
// they reach the target byte for byte.

/// A document that changed, with the revisions the source named.
package struct ChangedDocument: Hashable, Sendable {
    package let id: DocumentID
    package let revisions: [RevisionID]

    package init(id: DocumentID, revisions: [RevisionID]) {
        self.id = id
        self.revisions = revisions
    }
}

/// One answer of `_changes`.
package struct ChangesPage: Hashable, Sendable {
    package var rows: [ChangedDocument] = []
    /// The sequence of the last row; nil if there are no rows.
    package var lastRowSequence: SourceSequence?
    /// Where the next page starts.
    package var lastSequence: SourceSequence
    /// How many changes follow, if the source says so.
    package var pending: Int?

    package init(
        rows: [ChangedDocument] = [],
        lastRowSequence: SourceSequence? = nil,
        lastSequence: SourceSequence,
        pending: Int? = nil
    ) {
        self.rows = rows
        self.lastRowSequence = lastRowSequence
        self.lastSequence = lastSequence
        self.pending = pending
    }
}

/// A revision that the target lacks.
package struct WantedRevision: Hashable, Sendable {
    package let id: DocumentID
    package let revision: RevisionID
    /// Leaf revisions of the target that may be its ancestors: attachments no newer than these need not travel.
    package let ancestors: [RevisionID]

    package init(id: DocumentID, revision: RevisionID, ancestors: [RevisionID] = []) {
        self.id = id
        self.revision = revision
        self.ancestors = ancestors
    }
}

/// A document as the source gave it, with `_revisions`.
package struct FetchedDocument: Hashable, Sendable {
    package let id: DocumentID
    /// The revision that was asked for; the source may have answered with a newer one.
    package let revision: RevisionID
    /// The JSON text.
    package let json: ArraySlice<UInt8>
    /// Its attachments, whose bytes are not part of the text.
    package let attachments: [ShownAttachment]

    package init(
        id: DocumentID,
        revision: RevisionID,
        json: ArraySlice<UInt8>,
        attachments: [ShownAttachment] = []
    ) {
        self.id = id
        self.revision = revision
        self.json = json
        self.attachments = attachments
    }

    /// Whether it has attachments.
    package var hasAttachments: Bool { !attachments.isEmpty }
}

/// What a source gave of the revisions it was asked for.
package struct FetchAnswer: Hashable, Sendable {
    /// Why the source would not give one revision.
    package struct Refusal: Hashable, Sendable {
        /// Which of the wanted revisions, counted from 0.
        package let index: Int
        package let name: String
        package let reason: String

        package init(index: Int, name: String, reason: String) {
            self.index = index
            self.name = name
            self.reason = reason
        }
    }

    package var documents: [FetchedDocument] = []
    /// Which of the wanted revisions the source does not have (any more), counted from 0.
    package var missing: [Int] = []
    package var refused: [Refusal] = []

    package init(documents: [FetchedDocument] = [], missing: [Int] = [], refused: [Refusal] = []) {
        self.documents = documents
        self.missing = missing
        self.refused = refused
    }
}

/// A document that the target refused while it took others.
package struct WriteRejection: Hashable, Sendable {
    package let id: DocumentID
    /// The revision, where the target says it.
    package let revision: RevisionID?
    package let name: String
    package let reason: String

    package init(id: DocumentID, revision: RevisionID?, name: String, reason: String) {
        self.id = id
        self.revision = revision
        self.name = name
        self.reason = reason
    }
}

/// A document that a replication could not copy, and why.
public struct DocumentFailure: Hashable, Sendable {
    /// The document.
    public let id: DocumentID
    /// The revision that was to be copied.
    public let revision: RevisionID?
    /// A short name, such as `forbidden`.
    public let name: String
    /// One sentence for people.
    public let reason: String

    package init(id: DocumentID, revision: RevisionID?, name: String, reason: String) {
        self.id = id
        self.revision = revision
        self.name = name
        self.reason = reason
    }
}
