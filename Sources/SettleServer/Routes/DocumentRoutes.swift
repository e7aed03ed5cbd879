// `/db/doc`: one document, which may be a design document or, in LocalRoutes.swift, a local one.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Every method of `/db/doc`.
    func document(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID
    ) throws(SettleError) -> Answer {
        switch request.method {
        case .GET: return try getDocument(request, database, id)
        case .PUT: return try putDocument(request, database, id)
        case .DELETE: return try deleteDocument(request, database, id)
        case .COPY: return try copyDocument(request, database, id)
        case .POST: return try postForm(request, database, id)
        default: throw request.notAllowed("DELETE,GET,HEAD,POST,PUT,COPY")
        }
    }

    /// Answers `GET /db/doc`.
    func getDocument(_ request: Request, _ database: Database, _ id: DocumentID) throws(SettleError) -> Answer
    {
        if id.isLocal { return try getLocalDocument(request, database, id) }
        if request.query.isEmpty {
            return try found(request) { (body) throws(SettleError) in
                try database.read { snapshot in (try snapshot.appendWinner(id, to: &body.bytes), false) }
            }
        }
        let query = try DocumentQuery(request.query)
        if let wanted = query.openRevisions {
            return try getOpenRevisions(request, database, id, wanted, query)
        }
        if query.includesAttachments,
            AcceptHeader(request.headers.first(name: "Accept")).accepts("multipart/related"),
            let answer = try getRelated(request, database, id, query)
        {
            return answer
        }
        return try getDocument(request, database, id, query)
    }

    private func getDocument(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID,
        _ query: DocumentQuery
    ) throws(SettleError) -> Answer {
        try found(request) { (body) throws(SettleError) in
            try database.read { snapshot in
                guard let record = try snapshot.document(id) else { return (.missing, false) }
                let isOne = query.revision != nil && !query.wantsLatest
                let outcome = try snapshot.append(
                    id,
                    record,
                    revision: isOne ? query.revision : query.tombstone(of: record),
                    isOne ? query.revisionOptions : query.options,
                    attachmentsSince: query.attachmentsSince,
                    to: &body
                )
                return (outcome, !isOne && query.showsState(of: record))
            }
        }
    }

    /// Answers with the document that `append` finds, or why there is none.
    ///
    /// A document whose text says more than its revision does (conflicts, say) has no entity tag.
    private func found(
        _ request: Request,
        _ append: (inout SegmentedBytes) throws(SettleError) -> (DocumentOutcome, showsState: Bool)
    ) throws(SettleError) -> Answer {
        var body = SegmentedBytes()
        body.bytes.reserveCapacity(512)
        let (outcome, showsState) = try append(&body)
        switch outcome {
        case .missing: throw SettleError(.notFound, "missing")
        case .deleted: throw SettleError(.notFound, "deleted")
        case .found(let revision, _):
            var tag: [UInt8]?
            if !showsState {
                var text: [UInt8] = []
                revision.append(to: &text)
                if request.hasCurrent(text) { return .now(.notModified(text)) }
                tag = text
            }
            body.bytes.append(UInt8(ascii: "\n"))
            var head = ResponseHead()
            head.entityTag = tag
            guard !body.omitsContent else { return .segments(body, head) }
            var response = Response(body: body.bytes)
            response.head = head
            return .now(response)
        }
    }

    /// Answers `PUT /db/doc`.
    func putDocument(_ request: Request, _ database: Database, _ id: DocumentID) throws(SettleError) -> Answer
    {
        try id.validateText()
        let query = try DocumentQuery(request.query)
        var document = try incomingDocument(request.body, id, makingTerm: !query.isReplicated)
        if !query.isReplicated { document = try checked(document, as: id, for: database, by: request.user) }
        if id.isLocal { return try putLocalDocument(request, database, id, document, query) }
        return try write(
            document,
            as: id,
            of: database,
            attachments: try attachments(of: document, in: database, isReplicated: query.isReplicated),
            DocumentWrite(
                context: request.writeContext,
                status: document.isDeleted ? 200 : 201,
                location: request.location(database: database.name, document: id),
                query: query,
                ifMatch: request.headers.first(name: "If-Match")
            )
        )
    }

    /// `POST /db`: a document that may leave its id to the server.
    func postDocument(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        try request.requireJSONContentType()
        // CouchDB takes nothing but `batch` from the query here: the body names the revision.
        var query = DocumentQuery()
        query.isBatched = request.query["batch"] == "ok"
        var document = try incomingDocument(request.body, nil, makingTerm: true)
        document = try checked(document, as: document.id, for: database, by: request.user)
        if document.id == nil {
            document.revision = nil
            document.ancestry = nil
        }
        let id = document.id ?? DocumentID(identifiers.next())
        if id.isLocal { return try putLocalDocument(request, database, id, document, query) }
        return try write(
            document,
            as: id,
            of: database,
            attachments: try attachments(of: document, in: database),
            DocumentWrite(
                context: request.writeContext,
                status: 201,
                location: request.location(database: database.name, document: id),
                query: query,
                hasEntityTag: false
            )
        )
    }

    /// Answers `DELETE /db/doc`.
    func deleteDocument(_ request: Request, _ database: Database, _ id: DocumentID) throws(SettleError)
        -> Answer
    {
        if id.isLocal { return try deleteLocalDocument(request, database, id) }
        let record = try database.read { snapshot in try snapshot.document(id) }
        guard let record else { throw SettleError(.notFound, "missing") }
        guard !record.isDeleted else { throw SettleError(.notFound, "deleted") }
        let query = try DocumentQuery(request.query)
        let tombstone = try IncomingDocument(parsing: Array(#"{"_deleted":true}"#.utf8))
        return try write(
            tombstone,
            as: id,
            of: database,
            attachments: [],
            DocumentWrite(
                context: request.writeContext,
                status: 200,
                query: query,
                ifMatch: request.headers.first(name: "If-Match")
            )
        )
    }

    /// Answers `COPY /db/doc`.
    func copyDocument(_ request: Request, _ database: Database, _ id: DocumentID) throws(SettleError)
        -> Answer
    {
        let target = try CopyDestination(request.headers.first(name: "Destination"))
        let query = try DocumentQuery(request.query)
        let revision = try DocumentQuery.parent(
            inBody: nil,
            query: query.revision,
            ifMatch: request.headers.first(name: "If-Match")
        )
        var text: [UInt8] = []
        var attachments: [Attachment] = []
        let outcome: DocumentOutcome = try database.read { snapshot in
            if id.isLocal { return try snapshot.appendLocal(id, to: &text) }
            guard let record = try snapshot.document(id) else { return .missing }
            attachments = try snapshot.attachments(of: id, at: revision) ?? []
            return try snapshot.append(id, record, revision: revision, to: &text)
        }
        switch outcome {
        case .missing: throw SettleError(.notFound, "missing")
        case .deleted: throw SettleError(.notFound, "deleted")
        case .found: break
        }
        try target.id.validateText()
        var document = try incomingDocument(text, target.id, makingTerm: true)
        document.revision = target.revision
        document.ancestry = nil
        if target.id.isLocal {
            return try putLocalDocument(
                request,
                database,
                target.id,
                document,
                DocumentQuery()
            )
        }
        return try write(
            document,
            as: target.id,
            of: database,
            attachments: attachments.map { .stored($0) },
            DocumentWrite(
                context: request.writeContext,
                status: 201,
                location: request.location(database: database.name, document: target.id)
            )
        )
    }

    /// Reads a document that is to be written, and refuses what can't be.
    func incomingDocument(
        _ text: [UInt8],
        _ id: DocumentID?,
        makingTerm: Bool
    ) throws(SettleError) -> IncomingDocument {
        let document = try IncomingDocument(parsing: text, makingTerm: makingTerm)
        if let id = document.id { try id.validate() }
        try checkLimits(document, id ?? document.id)
        return document
    }

    /// Refuses documents that are too large, and local ones with attachments.
    func checkLimits(_ document: IncomingDocument, _ id: DocumentID?) throws(SettleError) {
        guard document.body.count <= configuration.maximumDocumentSize else {
            throw SettleError(.documentTooLarge, id?.text ?? "")
        }
        if document.attachments != nil, id?.isLocal == true { throw Self.attachmentsOfLocalDocument }
    }
}

extension DocumentQuery {
    /// The extra members that the store is to add.
    var options: DocumentOptions {
        var options: DocumentOptions = []
        if includesRevisions { options.insert(.revisions) }
        if includesRevisionsInfo { options.insert(.revisionsInfo) }
        if includesConflicts { options.insert(.conflicts) }
        if includesDeletedConflicts { options.insert(.deletedConflicts) }
        if includesSequence { options.insert(.localSequence) }
        if includesAttachments { options.insert(.attachments) }
        if includesEncodingInfo { options.insert(.encodingInfo) }
        if includesContentKeys { options.insert(.contentKeys) }
        return options
    }

    /// Those that concern a revision that was asked for by name.
    var revisionOptions: DocumentOptions {
        options.intersection([.revisions, .attachments, .encodingInfo, .contentKeys])
    }

    /// The winner's revision, if it is a tombstone and `deleted=true` asks for it.
    func tombstone(of record: DocumentRecord) -> RevisionID? {
        record.isDeleted && includesDeleted ? record.winner.revision : nil
    }

    /// Whether the answer tells something about the document that its revision doesn't determine.
    func showsState(of record: DocumentRecord) -> Bool {
        includesRevisionsInfo || includesSequence
            || includesConflicts && !record.head.conflicts.isEmpty
            || includesDeletedConflicts && !record.head.deletedConflicts.isEmpty
    }
}

extension Request {
    /// Whether the client's copy, which `If-None-Match` names, is the current one.
    ///
    /// As in CouchDB, a tag counts with its quotes only, a weak one like a strong one, and `*` is no tag.
    func hasCurrent(_ entityTag: [UInt8]) -> Bool {
        guard let tags = headers.first(name: "If-None-Match") else { return false }
        let current = [UInt8(ascii: "\"")] + entityTag + [UInt8(ascii: "\"")]
        return tags.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") }.contains { tag in
            (tag.starts(with: "W/".utf8) ? tag.dropFirst(2) : tag).elementsEqual(current)
        }
    }
}

extension DocumentID {
    /// Refuses ids that no document may have, and bytes that are no text.
    func validateText() throws(SettleError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw SettleError(.illegalDocumentID, "Document id must be valid UTF-8")
        }
        try validate()
    }
}

/// Where a COPY goes: `Destination: id` or `id?rev=1-x`.
struct CopyDestination {
    let id: DocumentID
    let revision: RevisionID?

    init(_ header: String?) throws(SettleError) {
        guard let header else {
            throw SettleError(.badRequest, "Destination header is mandatory for COPY.")
        }
        guard !header.hasPrefix("http://"), !header.hasPrefix("https://") else {
            throw SettleError(.badRequest, "Destination URL must be relative.")
        }
        let bytes = Array(header.utf8)
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
        id = DocumentID(bytes: PercentEncoding.decode(bytes[..<(mark ?? bytes.endIndex)]))
        // Whatever the one parameter is called, CouchDB takes it for the revision.
        revision = try mark.map { (mark) throws(SettleError) in
            let value = bytes[mark...].drop { $0 != UInt8(ascii: "=") }.dropFirst()
            return try DocumentQuery.revision(String(decoding: value, as: UTF8.self))
        }
    }
}
