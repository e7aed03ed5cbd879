// Documents with small attachments, which travel many at a time:
//
//     FetchedDocument with stubs ──► AttachedQuestion ── _bulk_get, multipart ──► AttachedDocument ── _bulk_docs, base64
//
// A large attachment is worth a request of its own; a thousand small ones are not. So once a source has shown how long a
// document's attachments are, those with little are asked for in groups, held in memory as a whole, and given to the
// target as a group.
//
// The subtle thing: a group is only a shortcut. Whatever is not answered in it beyond doubt (a revision that is
// missing, an error in its place, a source that knows no multipart) is copied alone, and there it is told why.

/// What a source says of an attachment before anybody asks for its content.
package struct ShownAttachment: Hashable, Sendable {
    /// How many bytes are to be expected, stored or decoded, whichever are more; nil if the source doesn't say.
    package let length: UInt64?
    /// All about it, if the source tells its SHA-256 too.
    package let content: Attachment?

    package init(length: UInt64?, content: Attachment? = nil) {
        self.length = length
        self.content = content
    }

    /// What an entry of a document's `_attachments` says.
    init(name: [UInt8], _ properties: JSONObject) {
        let lengths = ["length", "encoded_length"].compactMap { IncomingAttachment.count(properties[$0]) }
        self.init(length: lengths.max(), content: Attachment(name: name, described: properties))
    }

    /// An attachment of a database here.
    package init(_ attachment: Attachment) {
        self.init(length: max(attachment.length, attachment.storedLength), content: attachment)
    }
}

/// A revision with attachments that is to be copied.
package struct AttachedQuestion: Hashable, Sendable {
    package let wanted: WantedRevision
    /// The attachments that the source told all about: the target may hold their content.
    package let shown: [Attachment]
    /// About how many bytes the revision and what is attached to it have; nil if the source didn't say.
    package let bytes: Int?

    package init(_ wanted: WantedRevision, shown: [Attachment] = [], bytes: Int? = nil) {
        self.wanted = wanted
        self.shown = shown
        self.bytes = bytes
    }

    /// A revision, by what the source showed of the leaves that it has become.
    init(_ wanted: WantedRevision, _ leaves: [FetchedDocument]) {
        let attachments = leaves.flatMap(\.attachments)
        var bytes: UInt64? = UInt64(leaves.reduce(0) { $0 + $1.json.count })
        for attachment in attachments {
            guard let known = bytes, let length = attachment.length else {
                bytes = nil
                break
            }
            let (sum, isTooMuch) = known.addingReportingOverflow(length)
            bytes = isTooMuch ? nil : sum
        }
        self.init(wanted, shown: attachments.compactMap(\.content), bytes: bytes.flatMap { Int(exactly: $0) })
    }
}

/// A revision with the content of its attachments.
package struct AttachedDocument: Hashable, Sendable {
    /// What was asked for.
    package let question: AttachedQuestion
    package let revision: AttachedRevision
    /// The stored bytes of the attachments whose content follows, in order.
    package let contents: [[UInt8]]

    package init(_ question: AttachedQuestion, _ revision: AttachedRevision, contents: [[UInt8]]) {
        self.question = question
        self.revision = revision
        self.contents = contents
    }

    /// The document's id.
    package var id: DocumentID { question.wanted.id }
}

/// What a source gave of the revisions it was asked for with their attachments.
package struct AttachedAnswer: Hashable, Sendable {
    package var documents: [AttachedDocument] = []
    /// Which of the questions have no answer, or none that is beyond doubt, counted from 0.
    package var left: [Int] = []
    /// Whether the answer broke off, so that the rest may well come if it is asked for again.
    package var isCut = false

    package init(documents: [AttachedDocument] = [], left: [Int] = [], isCut: Bool = false) {
        self.documents = documents
        self.left = left
        self.isCut = isCut
    }
}

/// Gathers what a source sends of some documents.
package struct AttachedDocumentsCollector: Sendable {
    private let limit: Int
    private var bytes = 0
    private var revisions: [(AttachedRevision, contents: [[UInt8]])] = []
    private var content: [UInt8] = []

    /// A collector that takes so many bytes at most.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes what came next.
    ///
    /// - Throws: `tooLarge` if it is more than was to be expected.
    package mutating func append(_ event: RevisionEvent) throws(SettleError) {
        switch event {
        case .revision(let revision):
            bytes += revision.json.count
            revisions.append((revision, []))
        case .content(let slice):
            bytes += slice.count
            content.append(contentsOf: slice)
        case .contentEnd:
            guard let last = revisions.indices.last else { return }
            revisions[last].contents.append(content)
            content = []
        case .missing: break
        }
        guard bytes <= limit else { throw SettleError(.tooLarge) }
    }

    /// What has come, as the answer to questions.
    ///
    /// Documents answer by their id and the revision asked for, which must be one of theirs. The last document of an
    /// answer that was cut may not be all there is of it.
    package func answer(to questions: [AttachedQuestion], isCut: Bool) -> AttachedAnswer {
        var places: [DocumentID: [Int]] = [:]
        for (place, question) in questions.enumerated() {
            places[question.wanted.id, default: []].append(place)
        }
        let doubtful = isCut ? revisions.last?.0.id : nil
        var answered: Set<Int> = []
        var answer = AttachedAnswer(isCut: isCut)
        for (revision, contents) in revisions {
            guard let id = revision.id, id != doubtful, contents.count == revision.following.count else {
                continue
            }
            let mine = (places[id] ?? []).filter { revision.path.contains(questions[$0].wanted.revision) }
            guard let first = mine.first else { continue }
            answered.formUnion(mine)
            answer.documents.append(AttachedDocument(questions[first], revision, contents: contents))
        }
        answer.left = questions.indices.filter { !answered.contains($0) }
        return answer
    }
}
