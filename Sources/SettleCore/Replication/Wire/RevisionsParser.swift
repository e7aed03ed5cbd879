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
    private var outer: MultipartParser
    /// The revision at hand if it has attachments.
    private var inner: MultipartParser?
    /// The JSON text at hand.
    private var json: [UInt8] = []
    private var isReadingJSON = false
    private var isError = false
    /// How many contents are still to come for the revision at hand.
    private var expected = 0

    /// A parser for an answer with a content type; nil if that isn't multipart/mixed.
    package init?(contentType: String?) {
        guard let boundary = MultipartBoundary(contentType: contentType), boundary.subtype == "mixed" else {
            return nil
        }
        outer = MultipartParser(boundary: boundary.text)
    }

    /// Takes more of the answer.
    package mutating func append(_ bytes: ArraySlice<UInt8>) { outer.append(bytes) }

    /// What comes next; nil if more has to be appended first, or the answer is over.
    package mutating func next() throws(SettleError) -> RevisionEvent? {
        while true {
            if let event = try inner?.next() {
                if let event = try take(inner: event) { return event }
                continue
            }
            guard let event = try outer.next() else { return nil }
            if let event = try take(outer: event) { return event }
        }
    }

    /// Throws unless the answer is complete, once there is no more to append.
    package func finish() throws(SettleError) { try outer.finish() }

    private mutating func take(outer event: MultipartParser.Event) throws(SettleError) -> RevisionEvent? {
        switch event {
        case .begin(let headers):
            if let boundary = headers.boundary {
                inner = MultipartParser(boundary: boundary.text)
                expected = -1
            } else {
                isError = headers["Content-Type"]?.lowercased().contains("error=\"true\"") ?? false
                json = []
            }
            return nil
        case .body(let bytes):
            if inner == nil { json.append(contentsOf: bytes) } else { inner?.append(bytes) }
            return nil
        case .end:
            guard let inner else {
                return isError ? .missing : .revision(try AttachedRevision(json: json))
            }
            try inner.finish()
            self.inner = nil
            guard expected == 0 else { throw Self.wrongCount }
            return nil
        case .finished: return nil
        }
    }

    private mutating func take(inner event: MultipartParser.Event) throws(SettleError) -> RevisionEvent? {
        switch event {
        case .begin:
            guard expected != 0 else { throw Self.wrongCount }
            isReadingJSON = expected < 0
            json = []
            return nil
        case .body(let bytes):
            guard isReadingJSON else { return .content(bytes) }
            json.append(contentsOf: bytes)
            return nil
        case .end:
            guard isReadingJSON else {
                expected -= 1
                return .contentEnd
            }
            let revision = try AttachedRevision(json: json)
            expected = revision.following.count
            return .revision(revision)
        case .finished: return nil
        }
    }

    private static var wrongCount: SettleError {
        SettleError(.badRequest, "A revision came with other attachments than it lists.")
    }
}
