import Logging
import Settle
import SettleCore

/// How a single document is written, and what is answered when it is.
struct DocumentWrite {
    /// Who writes it.
    var context: WriteContext
    var status: Int
    var location: [UInt8]?
    var query: DocumentQuery?
    var ifMatch: String?
    var hasEntityTag = true
}

extension ServerCore {
    /// Hands one document to the writer and answers when it is on disk, or at once for `batch=ok`.
    func write(
        _ document: IncomingDocument,
        as id: DocumentID,
        of database: Database,
        attachments: [EditAttachment],
        _ write: DocumentWrite
    ) throws(SettleError) -> Answer {
        var document = document
        let isReplicated = write.query?.isReplicated ?? false
        let named = document.ancestry?.first ?? document.revision
        let revision = try DocumentQuery.parent(
            inBody: named,
            query: write.query?.revision,
            ifMatch: write.ifMatch
        )
        if named == nil { document.revision = revision }
        let edit =
            isReplicated
            ? try DocumentEdit.replicated(document, id: id, attachments: attachments)
            : try DocumentEdit.interactive(document, id: id, attachments: attachments)
        return submit(edit, to: database, write)
    }

    /// Hands one edit to the writer and answers when it is on disk, or at once for `batch=ok`.
    func submit(_ edit: DocumentEdit, to database: Database, _ write: DocumentWrite) -> Answer {
        let id = edit.id
        if write.query?.isBatched == true {
            let logger = logger
            database.submit(.edits([edit], by: write.context)) { result in
                if case .failure(let error) = result {
                    logger.error("A batched write failed", metadata: ["error": "\(error)"])
                }
            }
            var body = Self.okID
            JSONText.appendString(id.bytes, to: &body)
            body.append(contentsOf: "}\n".utf8)
            return .now(Response(status: 202, body: body))
        }
        let (context, status) = (write.context, write.status)
        let (location, hasEntityTag) = (write.location, write.hasEntityTag)
        return .later { promise in
            database.submit(.edits([edit], by: context)) { result in
                promise.complete(
                    with: result.flatMap { result in
                        guard case .edits(let outcomes) = result, let outcome = outcomes.first else {
                            return .failure(SettleError(.internalError, "The write has no outcome."))
                        }
                        switch outcome {
                        case .failed(let error): return .failure(error)
                        case .written(let revision):
                            var response = Self.written(id, revision, status: status)
                            response.head.location = location
                            if !hasEntityTag { response.head.entityTag = nil }
                            return .success(response)
                        }
                    }
                )
            }
        }
    }

    /// `{"ok":true,"id":…,"rev":…}` with its entity tag.
    static func written(_ id: DocumentID, _ revision: RevisionID, status: Int) -> Response {
        var body: [UInt8] = []
        body.reserveCapacity(id.bytes.count + 80)
        appendWritten(id, revision, to: &body)
        body.append(UInt8(ascii: "\n"))
        var response = Response(status: status, body: body)
        var tag: [UInt8] = []
        revision.append(to: &tag)
        response.head.entityTag = tag
        return response
    }

    /// Appends `{"ok":true,"id":…,"rev":…}`.
    static func appendWritten(_ id: DocumentID, _ revision: RevisionID, to output: inout [UInt8]) {
        output.append(contentsOf: okID)
        JSONText.appendString(id.bytes, to: &output)
        output.append(contentsOf: rev)
        revision.append(to: &output)
        output.append(contentsOf: "\"}".utf8)
    }

    static let okID = Array(#"{"ok":true,"id":"#.utf8)
    private static let rev = Array(#","rev":""#.utf8)
}
