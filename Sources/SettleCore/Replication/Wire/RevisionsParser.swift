// `open_revs` as multipart/mixed: revisions of one document, each with its attachments, as they arrive.
//
//     --outer
//     Content-Type: multipart/related; boundary="inner"
//
//     --inner                                   a revision with attachments: its JSON text, then their content
//     Content-Type: application/json
//
//     {"_id":"a",…}
//     --inner
//     …bytes…
//     --inner--
//     --outer
//     Content-Type: application/json            a revision without attachments; or, with `error="true"`, one that is missing
//
//     {"_id":"a",…}
//     --outer--
//
// The subtle thing: parts belong to attachments by their order alone. A part too few or too many makes the answer
// worthless, for nobody could say whose content is whose.

/// Takes an answer apart while it arrives.
package struct RevisionsParser: Sendable {
    /// The most bytes of a document's text.
    private static let documentLimit = 1 << 30

    private var documents: MultipartDocumentsParser
    /// How many contents are still to come for the revision at hand.
    private var expected = 0

    /// A parser for an answer with a content type; nil if that isn't multipart/mixed.
    package init?(contentType: String?) {
        guard let boundary = MultipartBoundary(contentType: contentType), boundary.subtype == "mixed" else {
            return nil
        }
        documents = MultipartDocumentsParser(boundary, maximumDocumentLength: Self.documentLimit)
    }

    /// Takes more of the answer.
    package mutating func append(_ bytes: ArraySlice<UInt8>) { documents.append(bytes) }

    /// What comes next; nil if more has to be appended first, or the answer is over.
    package mutating func next() throws(SettleError) -> RevisionEvent? {
        while let event = try documents.next() {
            switch event {
            case .document(let text, let headers):
                if headers.isError { return .missing }
                let revision = try AttachedRevision(json: text)
                expected = revision.following.count
                return .revision(revision)
            case .content(let bytes): return .content(bytes)
            case .attachmentEnd:
                expected -= 1
                return .contentEnd
            case .attachment where expected == 0, .documentEnd where expected > 0:
                throw SettleError(.badRequest, "A revision came with other attachments than it lists.")
            case .attachment, .documentEnd, .finished: break
            }
        }
        return nil
    }

    /// Throws unless the answer is complete, once there is no more to append.
    package func finish() throws(SettleError) { try documents.finish() }
}
