import SettleCore

@testable import Settle

extension TestDatabase {
    /// Content as an upload in pieces of some size leaves it.
    func stage(
        _ bytes: [UInt8],
        _ contentType: String = "application/octet-stream",
        receivedEncoding: Attachment.Encoding = .identity,
        pieces: Int = .max
    ) throws -> StagedAttachment {
        let upload = try AttachmentUpload(
            in: database,
            contentType: Array(contentType.utf8),
            receivedEncoding: receivedEncoding
        )
        var rest = bytes[...]
        while !rest.isEmpty {
            try upload.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return try upload.finish()
    }

    /// An entry with new content.
    func new(_ name: String, _ bytes: [UInt8], _ contentType: String = "application/octet-stream") throws
        -> EditAttachment
    {
        .staged(name: Array(name.utf8), contentType: Array(contentType.utf8), try stage(bytes, contentType))
    }

    @discardableResult
    func put(
        _ id: DocumentID,
        _ json: String = "{}",
        parent: RevisionID? = nil,
        attachments: [EditAttachment]
    ) throws -> EditOutcome {
        let document = try IncomingDocument(parsing: Array(json.utf8))
        let kind = DocumentEdit.Kind.interactive(parent: parent)
        return try write([DocumentEdit(id: id, kind: kind, document: document, attachments: attachments)])[0]
    }

    @discardableResult
    func replicate(
        _ id: DocumentID,
        _ path: [String],
        _ json: String = "{}",
        attachments: [EditAttachment]
    ) throws -> EditOutcome {
        let document = try IncomingDocument(parsing: Array(json.utf8))
        let kind = DocumentEdit.Kind.replicated(path: path.compactMap { RevisionID($0) })
        return try write([DocumentEdit(id: id, kind: kind, document: document, attachments: attachments)])[0]
    }

    /// The numbers of the files that hold attachments, once there are `count`: unused ones are removed after the answer.
    func files(_ count: Int) async throws -> [UInt64] {
        for _ in 0..<1000 {
            let files = try AttachmentFiles.numbers(database.directory)
            if files.count == count { return files }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try AttachmentFiles.numbers(database.directory)
    }

    var state: DatabaseState { get throws { try database.read { try $0.state } } }
}

extension EditAttachment {
    static func stub(_ name: String, revpos: UInt64? = nil) -> EditAttachment {
        .stub(name: Array(name.utf8), revpos: revpos)
    }
}

/// Bytes that do not compress.
func noise(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
    var word = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<count).map { _ in
        word ^= word << 13
        word ^= word >> 7
        word ^= word << 17
        return UInt8(truncatingIfNeeded: word >> 24)
    }
}
