// Revisions with attachments, which travel one document at a time and in pieces:
//
//     .revision({"_id":"a",…,"_attachments":{"f":{"follows":true,…},"g":{"stub":true,…}}})
//     .content(bytes) .content(bytes) .contentEnd          the content of f; g is one that the target has
//     .missing                                             another revision that was asked for and isn't there
//
// The document's JSON text is never rewritten; the content is that of the source's store, compressed where that is, so
// that digests stay what they are.

/// A revision whose attachments' content follows it.
package struct AttachedRevision: Hashable, Sendable {
    /// The document's JSON text, with `_attachments`.
    package let json: [UInt8]
    /// The revision's name, if the text has one.
    package let revision: RevisionID?
    /// The entries of `_attachments`, in order.
    package let attachments: [IncomingAttachment]
    /// Attachments that the target said it holds, so that their content does not follow.
    package let held: [Attachment]

    /// Reads a document's text; throws if it is no JSON, or its attachments make no sense.
    package init(json: [UInt8], held: [Attachment] = []) throws(SettleError) {
        let members: (revision: String?, attachments: IncomingAttachments?)?
        do throws(JSONError) {
            members = try Self.members(of: json)
        } catch {
            throw SettleError(error)
        }
        guard let members else { throw SettleError(.badRequest, "Document must be a JSON object") }
        self.json = json
        self.held = held
        revision = members.revision.flatMap { RevisionID($0) }
        attachments = try IncomingAttachment.parse(members.attachments)
    }

    private static func members(
        of json: [UInt8]
    ) throws(JSONError) -> (revision: String?, attachments: IncomingAttachments?)? {
        var members: (revision: String?, attachments: IncomingAttachments?)
        var reader = JSONReader(json)
        guard try reader.enterObject() else { return nil }
        while try reader.nextMember() {
            if reader.nameIs("_rev") {
                members.revision = try reader.value().string
            } else if reader.nameIs("_attachments") {
                members.attachments = try IncomingAttachments(&reader)
            }
        }
        try reader.finish()
        return members
    }

    /// The attachments whose content follows, in order.
    package var following: [IncomingAttachment] {
        attachments.filter { attachment in
            guard case .follows = attachment.content else { return false }
            return !held.contains { $0.name == attachment.name }
        }
    }
}

/// What a source sends of a document, piece by piece.
package enum RevisionEvent: Hashable, Sendable {
    /// A revision; the content of its following attachments comes next.
    case revision(AttachedRevision)
    /// More of the content at hand.
    case content(ArraySlice<UInt8>)
    /// The content at hand is complete.
    case contentEnd
    /// The source does not have a revision that was asked for.
    case missing
}

/// What came of copying a document with attachments.
package struct CopyAnswer: Hashable, Sendable {
    /// How many revisions the source gave.
    package var documentsRead = 0
    /// How many of them the target took.
    package var documentsWritten = 0
    /// Whether the source does not have the revision (any more).
    package var isMissing = false
    /// Revisions that the source would not give or the target would not take.
    package var rejected: [WriteRejection] = []

    package init() {}
}
