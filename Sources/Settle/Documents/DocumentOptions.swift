// What a reader wants to have beside a document's own members, and what it found.

package import SettleCore

/// The extra members that `GET /db/doc` can be asked for.
package struct DocumentOptions: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// `_revisions`: the line of ancestors.
    package static let revisions = DocumentOptions(rawValue: 1)
    /// `_revs_info`: the same with the status of each.
    package static let revisionsInfo = DocumentOptions(rawValue: 2)
    /// `_conflicts`: the other leaves that aren't deleted, where there are any.
    package static let conflicts = DocumentOptions(rawValue: 4)
    /// `_deleted_conflicts`: the deleted leaves other than the winner, where there are any.
    package static let deletedConflicts = DocumentOptions(rawValue: 8)
    /// `_local_seq`: the update sequence of the revision.
    package static let localSequence = DocumentOptions(rawValue: 16)

    /// `_attachments` with the content, decoded and in base64, instead of stubs.
    package static let attachments = DocumentOptions(rawValue: 32)
    /// `_attachments` with `follows` instead of stubs: the content comes after the document.
    package static let follows = DocumentOptions(rawValue: 64)
    /// `_attachments` with the encoding and stored length of content that is stored compressed.
    package static let encodingInfo = DocumentOptions(rawValue: 128)

    /// `_revisions`, but the newest 20 only, which is what functions of design documents get to see.
    package static let recentRevisions = DocumentOptions(rawValue: 256)

    /// `_attachments` with the SHA-256 of the stored content, and its encoding and stored length: for Settle peers.
    package static let contentKeys = DocumentOptions(rawValue: 512)

    /// Those that need more of the tree than its winner.
    static let tree: DocumentOptions = [
        .revisions, .recentRevisions, .revisionsInfo, .conflicts, .deletedConflicts, .localSequence,
    ]
}

/// What was found under an id and a revision.
package enum DocumentOutcome: Sendable, Hashable {
    /// It was appended to the output.
    case found(RevisionID, isDeleted: Bool)
    /// There is no such document or revision, or its body is no longer kept.
    case missing
    /// No revision was asked for and the winner is a tombstone.
    case deleted
}
