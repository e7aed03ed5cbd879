// One revision in a tree, and what is known of it.
//
// A revision is *missing* when only its name is known: a peer sent a newer revision together with the list of its
// ancestors, whose bodies stayed behind. A missing revision has no body number; its body may still arrive.

/// What a document's revision says, as far as a tree has to know: a tombstone or not, and where its body lies.
package struct RevisionContent: Hashable, Sendable {
    /// Whether this revision deletes the document.
    package var isDeleted: Bool
    /// The number of the stored body; 0 if there is none (the revision is missing).
    package var body: UInt64
    /// How many bytes the body's text has; 0 if there is none.
    package var bodySize: UInt64
    /// The update sequence at which the revision was written; 0 if it never was.
    package var sequence: UInt64

    /// A content of these parts.
    package init(isDeleted: Bool = false, body: UInt64, bodySize: UInt64 = 0, sequence: UInt64 = 0) {
        self.isDeleted = isDeleted
        self.body = body
        self.bodySize = bodySize
        self.sequence = sequence
    }

    /// What is known of a revision of which only the name is known: nothing.
    package static let missing = RevisionContent(body: 0)
}

/// One revision in a tree.
package struct RevisionNode: Hashable, Sendable {
    /// The name.
    package let revision: RevisionID
    /// The index of the parent among the tree's nodes; -1 for a root.
    package internal(set) var parent: Int
    /// What is known of the revision.
    package internal(set) var content: RevisionContent

    /// A node of these parts.
    package init(_ revision: RevisionID, parent: Int = -1, _ content: RevisionContent = .missing) {
        self.revision = revision
        self.parent = parent
        self.content = content
    }

    /// Whether this revision deletes the document.
    package var isDeleted: Bool { content.isDeleted }
    /// The number of the stored body; 0 if the revision is missing.
    package var body: UInt64 { content.body }
    /// How many bytes the body's text has.
    package var bodySize: UInt64 { content.bodySize }
    /// The update sequence at which the revision was written.
    package var sequence: UInt64 { content.sequence }
    /// How many edits deep the revision is.
    package var generation: UInt64 { revision.generation }
}
