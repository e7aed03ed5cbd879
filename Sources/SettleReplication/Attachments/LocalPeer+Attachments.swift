// A database here as source and as target of documents with attachments.
//
// As a source it opens one attachment after the other and holds no snapshot while the target reads. As a target it
// takes content into uploads, which are hashed and on disk before the document that names them is committed.

import Settle
package import SettleCore

extension LocalPeer {
    /// How many bytes are read from an attachment at a time.
    private static let piece = 128 << 10

    package func holds(_ attachments: [Attachment]) async throws(PeerFailure) -> Set<BlobKey> {
        guard !attachments.isEmpty else { return [] }
        return try read { snapshot in
            Set(try attachments.filter { try snapshot.holds($0) }.map(\.blob))
        }
    }

    package func send(
        _ question: AttachedQuestion,
        held: Set<BlobKey>,
        to channel: RevisionChannel
    ) async throws(PeerFailure) {
        let leaves = try read { snapshot in try snapshot.attachedLeaves(of: question.wanted, held: held) }
        if leaves.isEmpty {
            _ = await channel.send(.missing)
            return
        }
        for (revision, attachments) in leaves {
            guard await channel.send(.revision(revision)) else { return }
            for following in revision.following {
                guard let attachment = attachments.first(where: { $0.name == following.name }) else {
                    continue
                }
                guard try await send(attachment, to: channel) else { return }
            }
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
        if let known = try ours({ () throws(SettleError) in try database.known(attachment) }) { return known }
        let staged = try await upload(attachment, from: channel, in: database)
        return attachment.edit(staged)
    }

    private func upload(
        _ attachment: IncomingAttachment,
        from channel: RevisionChannel,
        in database: Database
    ) async throws(AttachmentRefusal) -> StagedAttachment {
        let upload = try ours { () throws(SettleError) in try attachment.upload(to: database) }
        if case .follows = attachment.content {
            let received = try await receive(from: channel, into: upload)
            try ours { () throws(SettleError) in try attachment.check(receivedLength: received) }
        }
        do throws(SettleError) {
            return try await database.onWorkerThread { () throws(SettleError) in
                try attachment.finish(upload)
            }
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

extension Snapshot {
    /// The leaves that a revision has become, and their attachments.
    func attachedLeaves(
        of wanted: WantedRevision,
        held: Set<BlobKey>
    ) throws -> [(revision: AttachedRevision, [Attachment])] {
        guard let record = try document(wanted.id) else { return [] }
        let tree = try tree(of: record)
        var leaves: [(revision: AttachedRevision, [Attachment])] = []
        for leaf in tree.leafDescendants(of: wanted.revision) {
            var text: [UInt8] = []
            let isThere = try append(
                wanted.id,
                tree,
                node: leaf,
                sequence: record.sequence,
                [.revisions, .follows, .encodingInfo],
                attachmentsSince: wanted.ancestors,
                held: held,
                to: &text
            )
            guard isThere else { continue }
            leaves.append((try AttachedRevision(json: text), try attachments(of: tree.nodes[leaf])))
        }
        return leaves
    }
}

extension Database {
    /// What a stub stands for: content that is held, or what an ancestor has; nil if the content comes along.
    func known(_ attachment: IncomingAttachment) throws(SettleError) -> EditAttachment? {
        guard attachment.content == .stub else { return nil }
        return try held(attachment) ?? .stub(name: attachment.name, revpos: attachment.revpos)
    }
}

extension IncomingAttachment {
    /// An upload for the content, which is in it already if it came inside the document.
    func upload(to database: Database) throws(SettleError) -> AttachmentUpload {
        switch content {
        case .follows(let length, _, let encoding):
            return try AttachmentUpload(
                in: database,
                contentType: contentType,
                receivedEncoding: encoding,
                declaredLength: length,
                hashesReceived: digest != nil
            )
        case .data(let data):
            let upload = try AttachmentUpload(in: database, contentType: contentType)
            try data.decode { part throws(SettleError) in try upload.append(part) }
            return upload
        case .stub: throw SettleError(.missingStub)
        }
    }

    /// Ends the upload; throws unless it has the digest that was announced.
    func finish(_ upload: AttachmentUpload) throws(SettleError) -> StagedAttachment {
        let staged = try upload.finish()
        if let md5 = staged.receivedMD5 { try check(receivedMD5: md5) }
        return staged
    }

    /// The entry for the store.
    func edit(_ staged: StagedAttachment) -> EditAttachment {
        .staged(name: name, contentType: contentType, revpos: revpos, staged)
    }
}

extension AttachedRevision {
    func rejected(_ id: DocumentID, _ error: SettleError) -> WriteRejection {
        WriteRejection(id: id, revision: revision, name: error.name, reason: error.reason)
    }
}
