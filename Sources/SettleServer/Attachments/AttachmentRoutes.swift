// `/db/doc/name`: one attachment.
//
// The entity tag is the MD5 of the stored bytes. Content that is stored compressed goes out so to those who accept it
// and is decoded for others; ranges are served of content that is stored as it is, and only of that.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Every method of `/db/doc/name` but PUT, whose body `sink(for:)` takes in.
    func attachment(
        _ request: Request,
        _ database: Database,
        _ path: AttachmentPath
    ) throws(SettleError) -> Answer {
        switch request.method {
        case .GET: return try getAttachment(request, database, path)
        case .DELETE: return try deleteAttachment(request, database, path)
        default: throw request.notAllowed("DELETE,GET,HEAD,PUT")
        }
    }

    /// Answers `GET /db/doc/name`.
    private func getAttachment(
        _ request: Request,
        _ database: Database,
        _ path: AttachmentPath
    ) throws(SettleError) -> Answer {
        let query = try DocumentQuery(request.query)
        let named = query.wantsLatest ? nil : query.revision
        let reader = try database.read { snapshot in
            guard let record = try snapshot.document(path.id) else { throw SettleError(.notFound, "missing") }
            let revision = named ?? query.tombstone(of: record)
            guard revision != nil || !record.isDeleted else { throw SettleError(.notFound, "deleted") }
            guard let attachments = try snapshot.attachments(of: path.id, at: revision) else {
                throw SettleError(.notFound, "missing")
            }
            let attachment = attachments.first { $0.name == path.name }
            return try attachment.flatMap { (attachment) throws in try snapshot.reader(of: attachment) }
        }
        guard let reader else { throw Self.missingAttachment }
        let tag = Array(Base64.encoded(reader.attachment.md5).utf8)
        if request.hasCurrent(tag) { return .now(.notModified(tag)) }
        return try send(reader, tag, request)
    }

    private func send(
        _ reader: AttachmentReader,
        _ tag: [UInt8],
        _ request: Request
    ) throws(SettleError) -> Answer {
        let attachment = reader.attachment
        let sendsStored = attachment.encoding == .identity || request.headers.acceptsGzip
        var head = ResponseHead()
        head.contentType = .other(attachment.contentTypeField)
        head.entityTag = tag
        head.headers.append(("Accept-Ranges", attachment.encoding == .identity ? "bytes" : "none"))
        head.headers.append(("Content-Security-Policy", "sandbox"))
        if attachment.encoding != .identity, sendsStored {
            head.headers.append(("Content-Encoding", attachment.encoding.name))
        }
        var body = SegmentedBytes()
        // Content that came compressed may say nothing of its decoded length, and is then sent without one.
        guard sendsStored || attachment.length != attachment.storedLength else {
            try body.append(decoding: reader)
            return .segments(body, head)
        }
        let length = sendsStored ? attachment.storedLength : attachment.length
        let ranges = try ByteRanges(request.headers.first(name: "Range"), length: length)
        switch ranges {
        case .single(let range) where attachment.encoding == .identity:
            head.status = 206
            head.headers.append(("Content-Range", ByteRanges.contentRange(range, length: length)))
            try body.append(reader, Range(range))
            return .segments(body, head)
        case .several(let ranges) where attachment.encoding == .identity:
            return try sendRanges(ranges, of: reader)
        case .whole, .single, .several:
            if sendsStored {
                head.headers.append(("Content-MD5", Base64.encoded(attachment.md5)))
                try body.append(reader, 0..<length)
                return .segments(body, head)
            }
            try body.append(decoding: reader, length: length)
            return .segments(body, head)
        }
    }

    /// Several ranges, each in a part.
    private func sendRanges(
        _ ranges: [ClosedRange<UInt64>],
        of reader: AttachmentReader
    ) throws(SettleError) -> Answer {
        var writer = MultipartWriter(boundary: IdentifierSource.boundary())
        var body = SegmentedBytes()
        for range in ranges {
            writer.beginPart(
                range,
                length: reader.attachment.storedLength,
                contentType: reader.attachment.contentTypeText,
                to: &body.bytes
            )
            try body.append(reader, Range(range))
        }
        writer.finish(to: &body.bytes)
        var head = ResponseHead(status: 206)
        head.contentType = .other(writer.contentType("byteranges"))
        head.cacheControl = .none
        return .segments(body, head)
    }

    /// Answers `DELETE /db/doc/name`.
    private func deleteAttachment(
        _ request: Request,
        _ database: Database,
        _ path: AttachmentPath
    ) throws(SettleError) -> Answer {
        try path.validate()
        let revision = try request.attachmentRevision
        let attachments = try database.read { snapshot in
            guard let record = try snapshot.document(path.id) else {
                throw SettleError(revision == nil ? .notFound : .missingRevision)
            }
            if revision == nil, record.isDeleted { throw SettleError(.notFound, "deleted") }
            return try snapshot.attachments(of: path.id, at: revision)
        }
        guard let attachments else { throw SettleError(.missingRevision) }
        guard attachments.contains(where: { $0.name == path.name }) else { throw Self.missingAttachment }
        guard let revision,
            let edit = try database.attachmentEdit(of: path.id, at: revision, [.others(except: path.name)])
        else { throw SettleError(.conflict) }
        return submit(
            edit,
            to: database,
            DocumentWrite(context: request.writeContext, status: 200, hasEntityTag: false)
        )
    }

    private static let missingAttachment = SettleError(.notFound, "Document is missing attachment")
}

extension Request {
    /// The revision that a write of an attachment follows.
    var attachmentRevision: RevisionID? {
        get throws(SettleError) {
            try DocumentQuery.parent(
                inBody: nil,
                query: DocumentQuery(query).revision,
                ifMatch: headers.first(name: "If-Match")
            )
        }
    }
}

extension Attachment {
    /// The media type as the value of a header field: nothing in it can end the line.
    fileprivate var contentTypeField: String {
        String(decoding: contentType.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
    }
}
