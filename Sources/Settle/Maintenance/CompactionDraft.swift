// A compacted copy that is being brought up to date with the file it was copied from.
//
// The copy knows how far it is: its own `state` names the last sequence and purge it has. What came after is in the
// source's `changes` and `purges`; small tables are copied whole. New bodies are those with numbers that the copy has not
// reached, and blobs follow the bodies that use them. A body that the source has forgotten since must not survive in the
// copy.
//
// The subtle thing: all that was forgotten goes before anything new comes. Content that lost its last use and then came
// back is in another file than before. If its old row were still in the copy when the new body arrives, the body would be
// counted as one more use of the old file, which is gone, and the new file would belong to nobody.

import SettleCore
import SettleStorage

/// The next generation of a database's documents, not yet in its place.
final class CompactionDraft: Sendable {
    let source: OpenEnvironment
    private let path: String
    private let environment: Environment
    private let tables: Tables

    /// Copies the source; drafts that are there already are taken for those of processes that were killed.
    init(copying source: OpenEnvironment) throws {
        self.source = source
        for name in try source.directory.names() where Self.isDraft(name) {
            try source.directory.remove(name)
        }
        // A name of its own: were the database deleted and made anew at this moment, somebody else could be compacting the
        // new one.
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        let path =
            "\(FileSystem.parent(source.environment.path))/documents-\(source.generation + 1).draft-\(random)"
        var options = EnvironmentOptions()
        options.mapSize = source.environment.mapSize
        options.durability = .never
        do {
            try source.environment.copy(to: path, compacting: true)
            environment = try Environment(path: path, tables: Tables.names, options: options)
        } catch {
            try Self.remove(path)
            throw error
        }
        self.path = path
        tables = Tables(environment)
    }

    private static func isDraft(_ name: String) -> Bool {
        name.hasPrefix("documents-") && name.contains(".draft-")
    }

    private static func remove(_ path: String) throws {
        try FileSystem.remove(path)
        try FileSystem.remove(path + "-lock")
    }

    func discard() throws {
        environment.close()
        try Self.remove(path)
    }

    /// Moves the finished draft to its place, durably.
    func settle(syncing: Bool) throws {
        if syncing { try environment.sync() }
        environment.close()
        try FileSystem.remove(path + "-lock")
        let directory = FileSystem.parent(path)
        try FileSystem.rename(path, to: OpenEnvironment.path(directory, source.generation + 1))
        if syncing { try FileSystem.syncDirectory(directory) }
    }

    /// Applies what a state of the source has and the draft doesn't; returns how many changes that were.
    func catchUp(with from: borrowing ReadTransaction) throws -> Int {
        while true {
            do {
                return try attempt(from)
            } catch StorageError.mapFull {
                try environment.growMap()
            }
        }
    }

    private func attempt(_ from: borrowing ReadTransaction) throws -> Int {
        let to = try environment.beginWrite()
        let state = try MetaRows.state(to.reading, tables)
        var count = try forgetPurged(after: state.purgeSequence, from, source.tables, to)
        var numbers: [UInt64] = []
        do {
            var changes = try from.cursor(source.tables.changes)
            var found = try changes.seek(atLeast: state.sequence + 1)
            while found {
                numbers.append(changes.integerKey)
                found = try changes.next()
            }
        }
        for number in numbers {
            guard let row = try from.bytes(source.tables.changes, number) else { continue }
            let id = DocumentID(bytes: Array(row[try ChangeRow(decoding: row.span).idOffset...]))
            try copy(id, row, at: number, from, source.tables, to)
            count += 1
        }
        try forgetSuperseded(from, source.tables, to)
        try copyBodies(from: state.nextBody, from, source.tables, to)
        for name in ["superseded", "counts", "purges", "local", "meta"] {
            try copyTable(from, source.environment.table(name), to, environment.table(name))
        }
        try inheritRemovedFiles(to)
        try to.commit()
        return count
    }

    /// Replaces one document by what the source has of it now.
    private func copy(
        _ id: DocumentID,
        _ row: [UInt8],
        at sequence: UInt64,
        _ from: borrowing ReadTransaction,
        _ sourceTables: Tables,
        _ to: borrowing WriteTransaction
    ) throws {
        guard let record = try from.record(id, sourceTables) else { throw StorageError.corrupted }
        if let old = try to.reading.record(id, tables) {
            try forget(old, from, sourceTables, to)
        }
        guard let bytes = try from.bytes(sourceTables.documents, id.bytes) else {
            throw StorageError.corrupted
        }
        try to.put(tables.documents, id.bytes, bytes)
        try to.put(tables.changes, sequence, row, append: true)
        guard let trunk = record.head.trunkGenerations else { return }
        for chunk in HistoryChunk.index(of: trunk.lowerBound)...HistoryChunk.index(of: trunk.upperBound) {
            let key = HistoryChunk.key(document: record.number, chunk: chunk)
            if let value = try from.bytes(sourceTables.history, key) {
                try to.put(tables.history, key, value)
            }
        }
    }

    /// Removes a document's rows from the draft, and those of its bodies that the source does not have any more.
    private func forget(
        _ record: DocumentRecord,
        _ from: borrowing ReadTransaction,
        _ sourceTables: Tables,
        _ to: borrowing WriteTransaction
    ) throws {
        for node in try to.reading.tree(of: record, tables).nodes where node.body >= BodyNumber.first {
            if try from.value(sourceTables.bodies, node.body) == nil {
                try deleteBody(node.body, to)
            }
        }
        try to.delete(tables.changes, record.sequence)
        guard let trunk = record.head.trunkGenerations else { return }
        for chunk in HistoryChunk.index(of: trunk.lowerBound)...HistoryChunk.index(of: trunk.upperBound) {
            try to.delete(tables.history, HistoryChunk.key(document: record.number, chunk: chunk))
        }
    }

    /// Removes the documents that were purged since; those that still have revisions come back with their change.
    private func forgetPurged(
        after sequence: UInt64,
        _ from: borrowing ReadTransaction,
        _ sourceTables: Tables,
        _ to: borrowing WriteTransaction
    ) throws -> Int {
        var purged: Set<DocumentID> = []
        var count: UInt64 = 0
        do {
            var cursor = try from.cursor(sourceTables.purges)
            var found = try cursor.seek(atLeast: sequence + 1)
            while found {
                purged.insert(try PurgeRecord(sequence: cursor.integerKey, decoding: cursor.value).id)
                count += 1
                found = try cursor.next()
            }
        }
        if count < (try MetaRows.state(from, sourceTables).purgeSequence) - sequence {
            // More purges than are remembered: whatever the source does not have is one of them.
            var cursor = try to.reading.cursor(tables.documents)
            while try cursor.next() {
                let id = DocumentID(bytes: Array(cursor.key))
                if try from.value(sourceTables.documents, id.bytes) == nil { purged.insert(id) }
            }
        }
        for id in purged {
            guard let record = try to.reading.record(id, tables) else { continue }
            try forget(record, from, sourceTables, to)
            _ = try to.delete(tables.documents, id.bytes)
        }
        return purged.count
    }

    /// Removes the bodies that the source has forgotten since the copy, by the rows it no longer has.
    private func forgetSuperseded(
        _ from: borrowing ReadTransaction,
        _ sourceTables: Tables,
        _ to: borrowing WriteTransaction
    ) throws {
        var gone: [UInt64] = []
        do {
            var cursor = try to.reading.cursor(tables.superseded)
            while try cursor.next() {
                guard try from.value(sourceTables.superseded, cursor.integerKey) == nil else { continue }
                gone += try SupersededRow(decoding: cursor.value).bodies.map(\.number)
            }
        }
        for body in gone { try deleteBody(body, to) }
    }

    /// Copies the bodies that were stored since, with the blobs that they are the first to use.
    ///
    /// The draft counts the uses of blobs as the source does, by its own bodies, so only new blobs are ever copied.
    /// Files stay where they are: both generations name them.
    private func copyBodies(
        from first: UInt64,
        _ from: borrowing ReadTransaction,
        _ sourceTables: Tables,
        _ to: borrowing WriteTransaction
    ) throws {
        var bodies = try from.cursor(sourceTables.bodies)
        var found = try bodies.seek(atLeast: first)
        while found {
            let row = [UInt8](bodies.value)
            try to.put(tables.bodies, bodies.integerKey, row, append: true)
            for attachment in try AttachedBody(decoding: row.span)?.attachments ?? [] {
                try useBlob(attachment.blob, from, sourceTables, to)
            }
            found = try bodies.next()
        }
    }

    private func useBlob(
        _ blob: BlobKey,
        _ from: borrowing ReadTransaction,
        _ sourceTables: Tables,
        _ to: borrowing WriteTransaction
    ) throws {
        guard try !to.useBlob(blob, tables) else { return }
        guard var row = try from.blob(blob, sourceTables) else { throw StorageError.corrupted }
        row.uses = 1
        try to.put(tables.blobs, blob.bytes, row.encoded)
        guard row.file == 0 else { return }
        guard let bytes = try from.bytes(sourceTables.blobBytes, blob.bytes) else {
            throw StorageError.corrupted
        }
        try to.put(tables.blobBytes, blob.bytes, bytes)
    }

    /// Deletes a body of the draft, if it is there, with the blobs that nothing else uses.
    private func deleteBody(_ number: UInt64, _ to: borrowing WriteTransaction) throws {
        for attachment in try to.reading.attachments(ofBody: number, tables) {
            _ = try to.disuseBlob(attachment.blob, tables)
        }
        try to.delete(tables.bodies, number)
    }

    /// Puts the removed files down as removed before the draft's first commit: the source's commits are none of its own.
    private func inheritRemovedFiles(_ to: borrowing WriteTransaction) throws {
        var list = try MetaRows.removedFiles(to.reading, tables)
        guard !list.files.isEmpty else { return }
        list.files = list.files.map { ($0.number, 1) }
        try to.put(tables.meta, MetaKey.removedFiles, list.encoded)
    }

    /// Makes a small table of the draft equal to the source's.
    private func copyTable(
        _ from: borrowing ReadTransaction,
        _ source: Table,
        _ to: borrowing WriteTransaction,
        _ target: Table
    ) throws {
        try to.deleteAll(target)
        var cursor = try from.cursor(source)
        while try cursor.next() {
            try to.put(target, [UInt8](cursor.key), [UInt8](cursor.value), append: true)
        }
    }
}
