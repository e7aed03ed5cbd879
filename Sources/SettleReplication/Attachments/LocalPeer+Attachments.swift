// A database here as source and as target of documents with attachments.
//
// As a source it opens one attachment after the other and holds no snapshot while the target reads. As a target it
// takes content into uploads, which are hashed and on disk before the document that names them is committed; content
// that it has already, it says beforehand.

import Settle
package import SettleCore

extension LocalPeer {
    /// How many bytes are read from an attachment at a time.
    private static let piece = 128 << 10

    package func holds(_ attachments: [Attachment]) throws(PeerFailure) -> [Attachment] {
        try read { snapshot in
            try attachments.filter { try snapshot.hasContent(of: $0) }
        }
    }

    package func send(
        _ wanted: WantedRevision,
        to channel: RevisionChannel,
        holder: (any Peer)?
    ) async throws(PeerFailure) {
        let leaves = try leaves(of: wanted)
        if leaves.isEmpty {
            _ = await channel.send(.missing)
            return
        }
        for (json, attachments) in leaves {
            let held = try holder?.holds(attachments) ?? []
            let revision: AttachedRevision
            do throws(SettleError) {
                revision = try AttachedRevision(json: json, held: held)
            } catch {
                throw PeerFailure(error)
            }
            guard await channel.send(.revision(revision)) else { return }
            for following in revision.following {
                guard let attachment = attachments.first(where: { $0.name == following.name }) else {
                    continue
                }
                guard try await send(attachment, to: channel) else { return }
            }
        }
    }

    /// The text and the attachments of the leaves that a revision has become.
    private func leaves(of wanted: WantedRevision) throws(PeerFailure) -> [(json: [UInt8], [Attachment])] {
        try read { snapshot in
            guard let record = try snapshot.document(wanted.id) else { return [] }
            let tree = try snapshot.tree(of: record)
            var leaves: [(json: [UInt8], [Attachment])] = []
            for leaf in tree.leafDescendants(of: wanted.revision) {
                var text: [UInt8] = []
                let isThere = try snapshot.append(
                    wanted.id,
                    tree,
                    node: leaf,
                    sequence: record.sequence,
                    [.revisions, .follows, .encodingInfo],
                    attachmentsSince: wanted.ancestors,
                    to: &text
                )
                if isThere { leaves.append((text, try snapshot.attachments(of: tree.nodes[leaf]))) }
            }
            return leaves
        }
    }

    /// Sends the stored bytes of an attachment; false if nobody wants them any more.
    private func send(_ attachment: Attachment, to channel: RevisionChannel) async throws(PeerFailure) -> Bool
    {
        let database = try database()
        var offset: UInt64 = 0
        do throws(SettleError) {
            guard let reader = try database.attachmentReader(attachment) else {
                // The revision was replaced and forgotten a moment ago; the next look finds its successor.
                throw SettleError(.unavailable, "The attachment \(attachment.nameText) is gone.")
            }
            while offset < attachment.storedLength {
                var bytes: [UInt8] = []
                try reader.read(from: offset, count: Self.piece, into: &bytes)
                guard !bytes.isEmpty else {
                    throw SettleError(.internalError, "The attachment \(attachment.nameText) is cut short.")
                }
                offset += UInt64(bytes.count)
                guard await channel.send(.content(bytes[...])) else { return false }
            }
        } catch {
            throw PeerFailure(error)
        }
        return await channel.send(.contentEnd)
    }
}

extension LocalPeer {
    package func take(
        _ revision: AttachedRevision,
        of id: DocumentID,
        from channel: RevisionChannel
    ) async throws(PeerFailure) -> WriteRejection? {
        let database = try database()
        var entries: [EditAttachment] = []
        for attachment in revision.attachments {
            do throws(AttachmentRefusal) {
                entries.append(try await entry(attachment, of: revision, from: channel, in: database))
            } catch {
                switch error {
                case .source(let failure): throw failure
                case .target(let error) where error.status >= 500: throw PeerFailure(error)
                case .target(let error): return revision.rejected(id, error)
                }
            }
        }
        do throws(SettleError) {
            let document = try IncomingDocument(parsing: revision.json, makingTerm: false)
            let edit = try DocumentEdit.replicated(document, id: document.id ?? id, attachments: entries)
            guard case .edits(let outcomes) = try await database.perform(.edits([edit], by: writer)),
                case .failed(let error) = outcomes.first
            else { return nil }
            return revision.rejected(id, error)
        } catch {
            guard error.status < 500 else { throw PeerFailure(error) }
            return revision.rejected(id, error)
        }
    }

    /// Why an attachment could not be taken.
    private enum AttachmentRefusal: Error {
        case source(PeerFailure)
        case target(SettleError)
    }

    /// An attachment for the store: content that was here or has now arrived, or what an ancestor has.
    private func entry(
        _ attachment: IncomingAttachment,
        of revision: AttachedRevision,
        from channel: RevisionChannel,
        in database: Database
    ) async throws(AttachmentRefusal) -> EditAttachment {
        if attachment.content == .stub { return .stub(name: attachment.name, revpos: attachment.revpos) }
        let staged: StagedAttachment
        if let held = revision.held.first(where: { $0.name == attachment.name }) {
            staged = StagedAttachment(stored: held)
        } else {
            staged = try await upload(attachment, from: channel, in: database)
        }
        return .staged(
            name: attachment.name,
            contentType: attachment.contentType,
            revpos: attachment.revpos,
            staged
        )
    }

    private func upload(
        _ attachment: IncomingAttachment,
        from channel: RevisionChannel,
        in database: Database
    ) async throws(AttachmentRefusal) -> StagedAttachment {
        let upload: AttachmentUpload
        switch attachment.content {
        case .follows(let length, _, let encoding):
            upload = try ours { () throws(SettleError) in
                try AttachmentUpload(
                    in: database,
                    contentType: attachment.contentType,
                    receivedEncoding: encoding,
                    declaredLength: length,
                    hashesReceived: attachment.digest != nil
                )
            }
            let received = try await receive(from: channel, into: upload)
            try ours { () throws(SettleError) in try attachment.check(receivedLength: received) }
        case .data(let data):
            upload = try ours { () throws(SettleError) in
                try AttachmentUpload(in: database, contentType: attachment.contentType)
            }
            try ours { () throws(SettleError) in
                try data.decode { part throws(SettleError) in try upload.append(part) }
            }
        case .stub:
            throw .target(SettleError(.missingStub))
        }
        do throws(SettleError) {
            let staged = try await database.onWorkerThread { () throws(SettleError) in try upload.finish() }
            if let md5 = staged.receivedMD5 { try attachment.check(receivedMD5: md5) }
            return staged
        } catch {
            throw .target(error)
        }
    }

    /// Takes the content that comes next; answers how long it was.
    private func receive(
        from channel: RevisionChannel,
        into upload: AttachmentUpload
    ) async throws(AttachmentRefusal) -> UInt64 {
        var length: UInt64 = 0
        while true {
            let event: RevisionEvent?
            do throws(PeerFailure) { event = try await channel.next() } catch { throw .source(error) }
            switch event {
            case .content(let bytes):
                length += UInt64(bytes.count)
                try ours { () throws(SettleError) in try upload.append(bytes) }
            case .contentEnd: return length
            case .revision, .missing, nil:
                throw .source(
                    PeerFailure(.transport, name: "no_answer", reason: "The source stopped in the middle.")
                )
            }
        }
    }

    private func ours<Answer>(
        _ body: () throws(SettleError) -> Answer
    ) throws(AttachmentRefusal) -> Answer {
        do throws(SettleError) { return try body() } catch { throw .target(error) }
    }
}

extension AttachedRevision {
    fileprivate func rejected(_ id: DocumentID, _ error: SettleError) -> WriteRejection {
        WriteRejection(id: id, revision: revision, name: error.name, reason: error.reason)
    }
}
