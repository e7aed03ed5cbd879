// Attachments in a write transaction: what stubs stand for, and keeping blobs in step with the bodies that name them.

import SettleCore
import SettleStorage

/// A stub that stands for nothing.
struct MissingStub: Error {
    let name: [UInt8]
}

// MARK: What an edit's attachments are

extension Update {
    /// The attachments of the revision that an edit makes.
    ///
    /// New content of an interactive edit gets its revision's generation as `revpos`; a replicated edit, which has no
    /// `generation` here, says so itself. Stubs refer to the ancestor.
    func resolve(
        _ edit: DocumentEdit,
        generation: UInt64?,
        ancestor: RevisionNode?
    ) throws(MissingStub) -> [Attachment] {
        guard !edit.attachments.isEmpty else { return [] }
        var known: [Attachment] = []
        if let ancestor, state.blobCount > 0, edit.attachments.contains(where: \.isTakenOver) {
            // A row that cannot be read has nothing that a stub could stand for.
            known = (try? transaction.reading.attachments(ofBody: ancestor.body, tables)) ?? []
        }
        var attachments: [Attachment] = []
        for entry in edit.attachments {
            switch entry {
            case .staged(let name, let contentType, let revpos, let staged):
                if staged.content == nil, (try? transaction.reading.blob(staged.blob, tables)) == nil {
                    throw MissingStub(name: name)
                }
                attachments.append(
                    staged.attachment(name: name, contentType: contentType, revpos: generation ?? revpos ?? 0)
                )
            case .stored(let attachment):
                guard let row = try? transaction.reading.blob(attachment.blob, tables), row.uses > 0 else {
                    throw MissingStub(name: attachment.name)
                }
                attachments.append(attachment)
            case .stub(let name, let revpos):
                guard let found = known.first(where: { $0.name == name }),
                    revpos ?? found.revpos == found.revpos
                else { throw MissingStub(name: name) }
                attachments.append(found)
            case .others(let exception):
                attachments += known.filter { other in
                    other.name != exception && !edit.attachments.contains { $0.name == other.name }
                }
            }
        }
        return attachments
    }

    /// The nearest ancestor of a replicated revision whose body is stored; nil if there is none, or nobody asks.
    func storedAncestor(
        _ path: [RevisionID],
        of edit: DocumentEdit,
        _ record: DocumentRecord
    ) throws -> RevisionNode? {
        guard edit.attachments.contains(where: \.isTakenOver), record.number != 0 else { return nil }
        let tree = try transaction.reading.tree(of: record, tables)
        for revision in path.dropFirst() {
            guard let index = tree.index(of: revision) else { continue }
            let node = tree.nodes[index]
            if node.body == BodyNumber.empty { return node }
            if node.body >= BodyNumber.first, try transaction.reading.value(tables.bodies, node.body) != nil {
                return node
            }
        }
        return nil
    }
}

// MARK: Blobs

extension Update {
    /// Counts the uses that a new body makes of blobs, and stores those that are new.
    mutating func useBlobs(_ attachments: [Attachment], of edit: DocumentEdit) throws {
        for attachment in attachments {
            blobsOfEdit.insert(attachment.blob)
            guard try !transaction.useBlob(attachment.blob, tables) else { continue }
            guard
                let staged = edit.attachments.lazy.compactMap(\.staged).first(where: {
                    $0.blob == attachment.blob
                })
            else { throw StorageError.corrupted }
            var row = BlobRow(uses: 1, length: staged.storedLength, md5: staged.md5, file: 0)
            switch staged.content {
            case nil: throw StorageError.corrupted
            case .bytes(let bytes): try transaction.put(tables.blobBytes, staged.blob.bytes, bytes)
            case .file(let file):
                row.file = state.nextFile
                state.nextFile += 1
                hasAddedFiles = true
                // Whatever has the name already belongs to a transaction that was given up.
                try file.link(to: AttachmentFiles.path(directory, row.file))
            }
            try transaction.put(tables.blobs, staged.blob.bytes, row.encoded)
            state.blobCount += 1
            state.blobBytes += row.length
        }
    }

    /// Deletes a body, with the blobs that nothing else uses; returns whether it was there.
    mutating func deleteBody(_ number: UInt64) throws -> Bool {
        if state.blobCount > 0 {
            for attachment in try transaction.reading.attachments(ofBody: number, tables) {
                guard let row = try transaction.disuseBlob(attachment.blob, tables) else { continue }
                state.blobCount -= 1
                state.blobBytes -= min(row.length, state.blobBytes)
                if row.file != 0 { removedFiles.append(row.file) }
            }
        }
        return try transaction.delete(tables.bodies, number)
    }

    /// The bytes of the blobs that a body has and the edit at hand does not: what is kept for the old revision alone.
    func blobBytes(onlyOf node: RevisionNode) throws -> UInt64 {
        guard state.blobCount > 0 else { return 0 }
        var bytes: UInt64 = 0
        for attachment in try transaction.reading.attachments(ofBody: node.body, tables)
        where !blobsOfEdit.contains(attachment.blob) {
            bytes += attachment.storedLength
        }
        return bytes
    }
}

// MARK: Files

extension Update {
    /// More removed files than this are not left standing in the list.
    private static let removedFilesLimit = 64

    /// Makes the names of new files durable, and keeps the list of removed ones.
    ///
    /// Files are removed after the commit that took their last use, as soon as no reader is allowed to open them. The list is
    /// for the case that we are killed in between; it is worked off when it is long, and when nothing is known of the
    /// transaction before.
    mutating func settleFiles() throws {
        // Nobody else gives out numbers at this moment.
        if sweepsFiles { try AttachmentFiles.sweepLeftovers(directory, from: state.nextFile) }
        guard state.nextFile > 1 else { return }
        if hasAddedFiles, options.syncsCommits {
            try FileSystem.syncDirectory(AttachmentFiles.directory(directory))
            // With its first file the directory itself must become durable.
            if stateBefore.nextFile == 1 { try FileSystem.syncDirectory(directory) }
        }
        var list = try MetaRows.removedFiles(transaction.reading, tables)
        guard !list.files.isEmpty || !removedFiles.isEmpty else { return }
        if !list.files.isEmpty, isFirst || list.files.count > Self.removedFilesLimit {
            try workOff(&list)
            if isFirst { inheritedFiles = list.files.map(\.number) }
        }
        list.files += removedFiles.map { ($0, transaction.reading.id) }
        if list.files.isEmpty {
            try transaction.delete(tables.meta, MetaKey.removedFiles)
        } else {
            try transaction.put(tables.meta, MetaKey.removedFiles, list.encoded)
        }
    }

    /// Removes the files in the list that no reader can need, durably, and strikes them off.
    private func workOff(_ list: inout RemovedFiles) throws {
        let oldest = try open.oldestView()
        let due = list.files.filter { $0.since <= oldest }
        guard !due.isEmpty else { return }
        for file in due { try FileSystem.remove(AttachmentFiles.path(directory, file.number)) }
        if options.syncsCommits { try FileSystem.syncDirectory(AttachmentFiles.directory(directory)) }
        list.files.removeAll { $0.since <= oldest }
    }
}
