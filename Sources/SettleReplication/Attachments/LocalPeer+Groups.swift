// A database here as source and as target of groups of documents with small attachments: read in one snapshot, written in
// one transaction.

import Settle
package import SettleCore

extension LocalPeer {
    package func fetchAttached(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) async throws(PeerFailure) -> AttachedAnswer {
        try read { snapshot in
            var answer = AttachedAnswer()
            for (place, question) in questions.enumerated() {
                let leaves = try snapshot.attachedLeaves(of: question.wanted, held: held)
                if leaves.isEmpty { answer.left.append(place) }
                for (revision, attachments) in leaves {
                    let contents = try snapshot.contents(revision.following, attachments)
                    answer.documents.append(AttachedDocument(question, revision, contents: contents))
                }
            }
            return answer
        }
    }

    package func writeAttached(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection]
    {
        let database = try database()
        var rejections: [WriteRejection] = []
        var accepted: [(AttachedDocument, DocumentEdit)] = []
        let edits: [Result<DocumentEdit, SettleError>]
        do throws(SettleError) {
            edits = try await database.onWorkerThread {
                documents.map { document in
                    Result { () throws(SettleError) in try document.edit(for: database) }
                }
            }
        } catch {
            throw PeerFailure(error)
        }
        for (document, edit) in zip(documents, edits) {
            switch edit {
            case .success(let edit): accepted.append((document, edit))
            case .failure(let error) where error.status >= 500: throw PeerFailure(error)
            case .failure(let error): rejections.append(document.revision.rejected(document.id, error))
            }
        }
        guard case .edits(let outcomes) = try await perform(.edits(accepted.map(\.1), by: writer)) else {
            return rejections
        }
        for ((document, _), outcome) in zip(accepted, outcomes) {
            guard case .failed(let error) = outcome else { continue }
            rejections.append(document.revision.rejected(document.id, error))
        }
        return rejections
    }
}

extension Snapshot {
    /// The stored bytes of attachments that follow.
    fileprivate func contents(
        _ following: [IncomingAttachment],
        _ attachments: [Attachment]
    ) throws -> [[UInt8]] {
        try following.map { entry in
            guard let attachment = attachments.first(where: { $0.name == entry.name }),
                let reader = try reader(of: attachment)
            else { throw SettleError(.internalError, "The content of an attachment is missing.") }
            var bytes: [UInt8] = []
            try reader.read(from: 0, count: Int(attachment.storedLength), into: &bytes)
            return bytes
        }
    }
}

extension AttachedDocument {
    /// The edit that writes the document, with its content taken in.
    fileprivate func edit(for database: Database) throws(SettleError) -> DocumentEdit {
        var contents = contents[...]
        var entries: [EditAttachment] = []
        for attachment in revision.attachments {
            if let known = try database.known(attachment) {
                entries.append(known)
                continue
            }
            let upload = try attachment.upload(to: database)
            if case .follows = attachment.content, let content = contents.popFirst() {
                try attachment.check(receivedLength: UInt64(content.count))
                try upload.append(content[...])
            }
            entries.append(attachment.edit(try attachment.finish(upload)))
        }
        let document = try IncomingDocument(parsing: revision.json, makingTerm: false)
        return try .replicated(document, id: document.id ?? id, attachments: entries)
    }
}
