// The attachments of a document that comes as JSON: content in it is taken in, stubs are left to the store.

import Settle
import SettleCore

extension ServerCore {
    /// What a document's `_attachments` mean for its edit; for documents that are complete.
    func attachments(
        of document: IncomingDocument,
        in database: Database,
        isReplicated: Bool = false
    ) throws(SettleError) -> [EditAttachment] {
        guard document.attachments != nil else { return [] }
        var edits: [EditAttachment] = []
        for attachment in try IncomingAttachment.parse(document.attachments) {
            guard let edit = try stage(attachment, in: database, isReplicated: isReplicated) else {
                throw SettleError(.badRequest, "Invalid attachment data for \(attachment.nameText)")
            }
            edits.append(edit)
        }
        return edits
    }

    /// Takes in the content of one attachment; nil if it follows.
    ///
    /// A stub of a replicated revision may name content that the database holds.
    func stage(
        _ attachment: IncomingAttachment,
        in database: Database,
        isReplicated: Bool
    ) throws(SettleError) -> EditAttachment? {
        switch attachment.content {
        case .follows: return nil
        case .stub:
            if isReplicated, let held = try database.held(attachment) { return held }
            return .stub(name: attachment.name, revpos: attachment.revpos)
        case .data(let data):
            guard data.count <= configuration.maximumAttachmentSize else {
                throw SettleError(.attachmentTooLarge, attachment.nameText)
            }
            let upload = try AttachmentUpload(in: database, contentType: attachment.contentType)
            try data.decode { part throws(SettleError) in try upload.append(part) }
            return .staged(
                name: attachment.name,
                contentType: attachment.contentType,
                revpos: attachment.revpos,
                try upload.finish()
            )
        }
    }

    /// Local documents have none.
    static let attachmentsOfLocalDocument = SettleError(
        .badRequest,
        "_local documents do not accept attachments."
    )
}

extension Database {
    /// Throws if one of several edits has a stub that stands for nothing: CouchDB then writes none of them.
    func refuseMissingStubs(in edits: [DocumentEdit]) throws(SettleError) {
        guard edits.contains(where: { !$0.stubs.isEmpty }) else { return }
        try read { snapshot in
            for edit in edits where !edit.stubs.isEmpty {
                guard let known = try snapshot.attachmentsForStubs(of: edit) else { continue }
                for stub in edit.stubs {
                    let isThere = known.contains {
                        $0.name == stub.name && stub.revpos ?? $0.revpos == $0.revpos
                    }
                    if !isThere { throw IncomingAttachment.missingStub(stub.name, in: edit.id) }
                }
            }
        }
    }
}

extension DocumentEdit {
    /// The stubs among the attachments.
    fileprivate var stubs: [(name: [UInt8], revpos: UInt64?)] {
        attachments.compactMap { entry in
            if case .stub(let name, let revpos) = entry { (name, revpos) } else { nil }
        }
    }
}

extension Snapshot {
    /// The attachments that an edit's stubs may stand for; nil if the edit will not get as far as looking.
    fileprivate borrowing func attachmentsForStubs(of edit: DocumentEdit) throws -> [Attachment]? {
        let record = try document(edit.id)
        let tree = try record.map { try self.tree(of: $0) } ?? RevisionTree()
        switch edit.kind {
        case .interactive(let parent):
            guard let parent else { return record?.isDeleted ?? true ? [] : nil }
            guard let index = tree.index(of: parent), tree.leaves.contains(index) else { return nil }
            return try attachments(of: tree.nodes[index])
        case .replicated(let path):
            if let newest = path.first, let index = tree.index(of: newest), try isAvailable(tree.nodes[index])
            {
                return nil
            }
            for revision in path.dropFirst() {
                guard let index = tree.index(of: revision), try isAvailable(tree.nodes[index]) else {
                    continue
                }
                return try attachments(of: tree.nodes[index])
            }
            return []
        }
    }
}
