// `PUT /db/doc/name`: an attachment on its way in.

import NIOHTTP1
import Settle
import SettleCore
import Synchronization

extension ServerCore {
    /// What takes in the body of a request whose body is streamed, or why it isn't taken.
    func sink(for request: Request) throws(SettleError) -> any BodySink {
        let database = try database(request.segments.first ?? [])
        guard let path = AttachmentPath(request.segments) else {
            return try RelatedSink(request, database, server: self)
        }
        return try AttachmentSink(request, database, path, server: self)
    }
}

/// Takes in one attachment and makes the edit that attaches it.
final class AttachmentSink: BodySink {
    private let request: Request
    private let server: ServerCore
    private let database: Database
    private let path: AttachmentPath
    private let contentType: [UInt8]
    private let revision: RevisionID?
    private let upload: AttachmentUpload
    private let received = Mutex(0)

    init(
        _ request: Request,
        _ database: Database,
        _ path: AttachmentPath,
        server: ServerCore
    ) throws(SettleError) {
        self.request = request
        self.server = server
        self.database = database
        self.path = path
        try path.validate()
        revision = try request.attachmentRevision
        contentType =
            request.headers.first(name: "Content-Type").map { Array($0.utf8) }
            ?? Attachment.defaultContentType
        let encoding = try Attachment.Encoding(
            contentEncoding: request.headers.first(name: AttachmentCoding.field)
        )
        let announced = request.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        guard announced <= server.configuration.maximumAttachmentSize else {
            throw SettleError(.attachmentTooLarge, String(decoding: path.name, as: UTF8.self))
        }
        upload = try AttachmentUpload(in: database, contentType: contentType, receivedEncoding: encoding)
    }

    func append(_ bytes: ArraySlice<UInt8>) throws(SettleError) {
        let total = received.withLock { received in
            received += bytes.count
            return received
        }
        guard total <= server.configuration.maximumAttachmentSize else {
            throw SettleError(.attachmentTooLarge, String(decoding: path.name, as: UTF8.self))
        }
        try upload.append(bytes)
    }

    func finish() throws(SettleError) -> Answer {
        let new = EditAttachment.staged(
            name: path.name,
            contentType: contentType,
            try upload.finish()
        )
        guard let edit = try database.attachmentEdit(of: path.id, at: revision, [new, .others()]) else {
            throw SettleError(.missingRevision)
        }
        var location = request.location(database: database.name, document: path.id)
        location.append(UInt8(ascii: "/"))
        PercentEncoding.append(path.name, to: &location)
        return server.submit(
            edit,
            to: database,
            DocumentWrite(context: request.writeContext, status: 201, location: location, hasEntityTag: false)
        )
    }

    func discard() {
        upload.discard()
    }
}
