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
    /// The document's id, if the text has one.
    package let id: DocumentID?
    /// The revision's name, if the text has one.
    package let revision: RevisionID?
    /// The revision and its ancestors, newest first, as far as the text tells them.
    package let path: [RevisionID]
    /// The entries of `_attachments`, in order.
    package let attachments: [IncomingAttachment]
    /// Where in the text the value of `_attachments` stands.
    let attachmentsRange: Range<Int>?

    /// Reads a document's text; throws if it is no JSON, or its attachments make no sense.
    package init(json: [UInt8]) throws(SettleError) {
        let members: Members?
        do throws(JSONError) {
            members = try Members(json)
        } catch {
            throw SettleError(error)
        }
        guard let members else { throw SettleError(.badRequest, "Document must be a JSON object") }
        self.json = json
        id = members.id.map { DocumentID(bytes: $0) }
        revision = members.revision
        path = members.path ?? members.revision.map { [$0] } ?? []
        attachments = try IncomingAttachment.parse(members.attachments)
        attachmentsRange = members.attachmentsRange
    }

    /// The attachments whose content follows, in order.
    package var following: [IncomingAttachment] {
        attachments.filter { attachment in
            if case .follows = attachment.content { true } else { false }
        }
    }
}

extension AttachedRevision {
    /// What is read of the text.
    private struct Members {
        var id: [UInt8]?
        var revision: RevisionID?
        var path: [RevisionID]?
        var attachments: IncomingAttachments?
        var attachmentsRange: Range<Int>?

        /// Nil if the text is no object.
        init?(_ json: [UInt8]) throws(JSONError) {
            var reader = JSONReader(json)
            guard try reader.enterObject() else { return nil }
            while try reader.nextMember() {
                if reader.nameIs("_id") {
                    id = try reader.stringBytes()
                } else if reader.nameIs("_rev") {
                    revision = try reader.stringBytes().flatMap { RevisionID(text: $0) }
                } else if reader.nameIs("_revisions") {
                    path = Self.path(try reader.value())
                } else if reader.nameIs("_attachments") {
                    _ = try reader.kind()
                    let start = reader.scanner.position
                    attachments = try IncomingAttachments(&reader)
                    attachmentsRange = start..<reader.scanner.position
                }
            }
            try reader.finish()
        }

        private static func path(_ revisions: JSONValue) -> [RevisionID]? {
            guard let start = revisions["start"]?.int, let ids = revisions["ids"]?.array, start >= ids.count
            else { return nil }
            return ids.enumerated().compactMap { offset, digest in
                digest.string.flatMap { RevisionID("\(start - offset)-\($0)") }
            }
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
