// `POST /db/doc` as multipart/form-data: a browser's form puts files to a document.
//
//     _rev          the revision to which the files are added, or
//     _doc          the whole document, as JSON
//     _attachments  the files
//
// Only a page of this server may send such a form, which the Referer tells: a form needs no leave from CORS.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `POST /db/doc`.
    func postForm(_ request: Request, _ database: Database, _ id: DocumentID) throws(SettleError) -> Answer {
        try request.requireOwnReferer()
        try id.validateText()
        guard !id.isLocal else { throw Self.attachmentsOfLocalDocument }
        let type = request.headers.first(name: "Content-Type")
        guard let boundary = MultipartBoundary(contentType: type), boundary.subtype == "form-data" else {
            throw SettleError(.badContentType, "Content-Type must be multipart/form-data")
        }
        let form = try MultipartForm(request.body, boundary: boundary.text)
        let files = try stage(form.files("_attachments"), in: database)
        if let text = form["_doc"] {
            let document = try incomingDocument(text, id, makingTerm: true)
            let names = Set(files.map(\.name))
            let others = try attachments(of: document, in: database).filter { edit in
                edit.name.map { !names.contains($0) } ?? true
            }
            return try write(
                try checked(document, as: id, for: database, by: request.user),
                as: id,
                of: database,
                attachments: files.map(\.edit) + others,
                DocumentWrite(
                    context: request.writeContext,
                    status: 201,
                    query: try DocumentQuery(request.query).withoutBatch,
                    ifMatch: request.headers.first(name: "If-Match")
                )
            )
        }
        guard let text = form["_rev"] else {
            throw SettleError(.badRequest, "A form must have a field _doc or _rev.")
        }
        let revision = try DocumentQuery.revision(String(decoding: text, as: UTF8.self))
        let edits = files.map(\.edit) + [.others()]
        guard let edit = try database.attachmentEdit(of: id, at: revision, edits) else {
            throw SettleError(.missingRevision)
        }
        return submit(edit, to: database, DocumentWrite(context: request.writeContext, status: 201))
    }

    private func stage(
        _ files: [MultipartForm.File],
        in database: Database
    ) throws(SettleError) -> [(name: [UInt8], edit: EditAttachment)] {
        var staged: [(name: [UInt8], edit: EditAttachment)] = []
        for file in files {
            try IncomingAttachment.validate(name: file.name)
            guard file.content.count <= configuration.maximumAttachmentSize else {
                throw SettleError(.attachmentTooLarge, String(decoding: file.name, as: UTF8.self))
            }
            let upload = try AttachmentUpload(in: database, contentType: file.contentType)
            try upload.append(file.content[...])
            let edit = EditAttachment.staged(
                name: file.name,
                contentType: file.contentType,
                try upload.finish()
            )
            staged.append((file.name, edit))
        }
        return staged
    }
}

extension DocumentQuery {
    /// The same, for a write that the client waits for.
    fileprivate var withoutBatch: DocumentQuery {
        var query = self
        query.isBatched = false
        return query
    }
}

extension Request {
    /// Refuses what another site's page sends.
    fileprivate func requireOwnReferer() throws(SettleError) {
        guard let referer = headers.first(name: "Referer") else {
            throw SettleError(.badRequest, "Referer header required.")
        }
        let host = headers.first(name: "X-Forwarded-Host") ?? headers.first(name: "Host") ?? listeningAddress
        let rest = referer.utf8.drop { $0 != UInt8(ascii: "/") }
        let authority = rest.dropFirst(2).prefix { ![0x2F, 0x3F, 0x23].contains($0) }
        guard rest.starts(with: "//".utf8), authority.elementsEqual(host.utf8) else {
            throw SettleError(.badRequest, "Referer header must match host.")
        }
    }
}
