// `PUT /db/doc` as multipart/related: a document, then the content of its attachments, one part each.
//
//     --b                          first part: the document, which says what follows
//     {"_attachments":{"a.txt":{"follows":true,"length":5,…}}}
//     --b                          then the attachments that follow, in the order in which the document lists them
//     hello
//     --b--
//
// Parts belong to attachments by their order alone; what their header fields say doesn't count. The document is held in
// memory, the attachments are not.

import NIOHTTP1
import Settle
import SettleCore
import Synchronization

/// Takes in a document with its attachments and writes them in one edit.
final class RelatedSink: BodySink {
    private let request: Request
    private let database: Database
    private let server: ServerCore
    private let id: DocumentID
    private let query: DocumentQuery
    private let state: Mutex<State>

    private struct State {
        var parser: MultipartParser
        /// The text of the document, until its part is complete.
        var text: [UInt8] = []
        var document: IncomingDocument?
        var attachments: [IncomingAttachment] = []
        /// The attachments that are known, in the document's order; those that follow are filled in as they come.
        var edits: [EditAttachment?] = []
        /// The content that is arriving: which attachment, how much of it.
        var upload: (place: Int, AttachmentUpload, received: Int)?
    }

    init(_ request: Request, _ database: Database, server: ServerCore) throws(SettleError) {
        self.request = request
        self.database = database
        self.server = server
        let path = request.segments
        let slash = [UInt8(ascii: "/")]
        id = DocumentID(bytes: Array(path.dropFirst().joined(separator: slash)))
        try id.validateText()
        guard !id.isLocal else { throw ServerCore.attachmentsOfLocalDocument }
        var query = try DocumentQuery(request.query)
        // CouchDB waits for such a write, whatever the query says.
        query.isBatched = false
        self.query = query
        guard let boundary = MultipartBoundary(contentType: request.headers.first(name: "Content-Type"))
        else {
            throw SettleError(.badRequest, "The Content-Type of a multipart body must name its boundary.")
        }
        state = Mutex(State(parser: MultipartParser(boundary: boundary.text)))
    }

    func append(_ bytes: ArraySlice<UInt8>) throws(SettleError) {
        try state.withLock { state throws(SettleError) in
            state.parser.append(bytes)
            while let event = try state.parser.next() {
                switch event {
                case .begin(let headers): try begin(headers, &state)
                case .body(let slice): try take(slice, &state)
                case .end: try end(&state)
                case .finished: break
                }
            }
        }
    }

    func finish() throws(SettleError) -> Answer {
        let (document, edits) = try state.withLock { state throws(SettleError) in
            try state.parser.finish()
            guard let document = state.document else {
                throw SettleError(.badRequest, "The multipart body has no document.")
            }
            let edits = state.edits.compactMap { $0 }
            guard edits.count == state.attachments.count else {
                throw SettleError(
                    .badRequest,
                    "The multipart body has fewer parts than attachments that follow."
                )
            }
            return (document, edits)
        }
        return try server.write(
            document,
            as: id,
            of: database,
            attachments: edits,
            DocumentWrite(
                context: request.writeContext,
                status: document.isDeleted ? 200 : 201,
                location: request.location(database: database.name, document: id),
                query: query,
                ifMatch: request.headers.first(name: "If-Match")
            )
        )
    }

    func discard() {
        state.withLock { state in
            state.upload?.1.discard()
            state.upload = nil
            state.edits = []
        }
    }

    // MARK: parts

    private func begin(_ headers: MultipartHeaders, _ state: inout State) throws(SettleError) {
        guard state.document != nil || headers.mediaType == "application/json" else {
            throw SettleError(.badContentType)
        }
        // Parts beyond those that follow belong to nothing.
        guard state.document != nil, let place = state.edits.firstIndex(where: { $0 == nil }) else { return }
        let attachment = state.attachments[place]
        guard case .follows(let length, _, let encoding) = attachment.content else { return }
        let upload = try AttachmentUpload(
            in: database,
            contentType: attachment.contentType,
            receivedEncoding: encoding,
            declaredLength: length,
            hashesReceived: attachment.digest != nil
        )
        state.upload = (place, upload, 0)
    }

    private func take(_ slice: ArraySlice<UInt8>, _ state: inout State) throws(SettleError) {
        if state.document == nil {
            guard state.text.count + slice.count <= server.configuration.maximumRequestSize else {
                throw SettleError(.tooLarge)
            }
            state.text += slice
        } else if let (place, upload, received) = state.upload {
            let total = received + slice.count
            guard total <= server.configuration.maximumAttachmentSize else {
                throw SettleError(.attachmentTooLarge, state.attachments[place].nameText)
            }
            try upload.append(slice)
            state.upload = (place, upload, total)
        }
    }

    private func end(_ state: inout State) throws(SettleError) {
        if state.document == nil {
            let document = try server.incomingDocument(state.text, id, makingTerm: !query.isReplicated)
            state.text = []
            state.attachments = try IncomingAttachment.parse(document.attachments)
            for attachment in state.attachments {
                state.edits.append(
                    try server.stage(attachment, in: database, isReplicated: query.isReplicated)
                )
            }
            state.document = document
        } else if let (place, upload, received) = state.upload {
            state.upload = nil
            let attachment = state.attachments[place]
            try attachment.check(receivedLength: UInt64(received))
            let staged = try upload.finish()
            if let md5 = staged.receivedMD5 { try attachment.check(receivedMD5: md5) }
            state.edits[place] = .staged(
                name: attachment.name,
                contentType: attachment.contentType,
                revpos: attachment.revpos,
                staged
            )
        }
    }
}
