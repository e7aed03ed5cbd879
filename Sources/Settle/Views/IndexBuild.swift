// Building an index from nothing: everything is sorted, then written once, from left to right.
//
//     1. walk over `changes` up to the sequence of the first snapshot, in snapshots of bounded length
//     2. the rows go to a sorter, which spills to files beyond its memory
//     3. pack the trees bottom-up into a draft that is not synced
//     4. follow what changed since, as any update does
//     5. sync, give the draft its name, retire the former file
//
// Each document is read at most once in step 1, because one that changes moves beyond the sequence where the walk ends. A
// build that is killed leaves a draft, which the next one overwrites; until step 5 the former file answers.

import SettleCore
import SettleStorage

/// Builds one index anew.
struct IndexBuild {
    let update: IndexUpdate
    private var index: ViewIndex { update.index }

    /// Memory that rows take up before they are written to sorted runs.
    static let sortMemory = 32 << 20
    /// Bytes of nodes that one transaction of the draft holds in memory.
    static let transactionLimit = 8 << 20

    init(_ update: IndexUpdate) {
        self.update = update
    }

    func run(from position: DatabasePosition) throws(SettleError) {
        let directory = index.shared.directory
        try settling { () throws in
            try BlobFile.sweepDrafts(in: directory)
            let former = try index.shared.environment()
            let generation = try (IndexEnvironment.generations(in: directory).last ?? 0) + 1
            try IndexEnvironment.removeDraft(directory, generation)
            try buildGrowing(generation, from: position)
            try FileSystem.rename(
                IndexEnvironment.draftPath(directory, generation),
                to: IndexEnvironment.path(directory, generation)
            )
            if index.database.options.syncsCommits { try FileSystem.syncDirectory(directory) }
            try former?.retire(in: directory)
            index.shared.release(former)
        }
    }

    /// Makes the draft, beginning anew with more room where it has not enough.
    private func buildGrowing(_ generation: UInt64, from position: DatabasePosition) throws {
        var options = index.database.options.indexDraft
        while true {
            do {
                return try build(generation, from: position, options)
            } catch {
                try? IndexEnvironment.removeDraft(index.shared.directory, generation)
                guard (error as? StorageError) == .mapFull else { throw error }
                options.mapSize *= 2
            }
        }
    }

    /// Makes the draft, whole and synced.
    private func build(
        _ generation: UInt64,
        from position: DatabasePosition,
        _ options: EnvironmentOptions
    ) throws {
        let directory = index.shared.directory
        var sorter = RunSorter(
            count: index.group.trees.count + 1,
            directory: directory,
            memoryLimit: Self.sortMemory
        )
        try collect(into: &sorter, upTo: position.updateSequence)
        let draft = try IndexEnvironment(
            path: IndexEnvironment.draftPath(directory, generation),
            generation: generation,
            options: options
        )
        defer { draft.environment.close() }
        try write(&sorter, to: draft, position)
        try update.follow(draft)
        if index.database.options.syncsCommits { try draft.environment.sync() }
        draft.environment.close()
        try FileSystem.remove(IndexEnvironment.draftPath(directory, generation) + "-lock")
    }

    /// Maps every document that is not newer than a sequence.
    private func collect(into sorter: inout RunSorter, upTo last: UInt64) throws {
        var sequence: UInt64 = 0
        let documents = index.group.trees.count
        func deliver(_ rows: EncodedRows) throws {
            update.task.advance(rows.documents.count)
            for document in rows.documents where !document.rows.isEmpty {
                for row in rows.rows[document.rows] {
                    try sorter.append(
                        to: row.tree,
                        key: rows.bytes[row.sortKey],
                        value: rows.bytes[row.payload]
                    )
                }
                let entry = DocumentRows.encode(rows.documentRows(document))
                try sorter.append(to: documents, key: document.id[...], value: entry[...])
            }
        }
        var pipeline = MapPipeline(index.source, collator: try index.database.collator)
        var goesOn = true
        while goesOn {
            goesOn = try index.database.read { snapshot in
                if sequence == 0 {
                    update.task.begin(total: try snapshot.changes(after: 0))
                }
                var changes = try snapshot.changesCursor()
                var found = try changes.seek(after: sequence)
                var count = 0
                while found, changes.sequence <= last {
                    guard count < IndexUpdate.snapshotLimit / 4 else { return true }
                    sequence = changes.sequence
                    count += 1
                    try pipeline.add(
                        { try changes.append(to: &$0, of: index.group, in: snapshot) },
                        deliver: deliver
                    )
                    found = try changes.next()
                }
                return false
            }
        }
        try pipeline.finish(deliver: deliver)
    }

    /// Writes the sorted rows into an empty draft.
    private func write(
        _ sorter: inout RunSorter,
        to draft: IndexEnvironment,
        _ position: DatabasePosition
    ) throws {
        let group = index.group
        let state = ViewIndexState(
            databaseUUID: position.databaseUUID,
            incarnation: position.incarnation,
            collatorVersion: update.collatorVersion,
            updateSequence: position.updateSequence,
            purgeSequence: position.purgeSequence
        )
        var header = IndexHeader(state: state, treeCount: group.trees.count)
        for tree in group.trees.indices {
            header = try pack(try sorter.finish(tree), tree, into: draft, header)
        }
        var rows = try sorter.finish(group.trees.count)
        var writer = try IndexWriter(draft, header)
        var written = 0
        while try rows.next() {
            try writer.transaction.put(draft.documents, Array(rows.key), Array(rows.value))
            written += rows.key.count + rows.value.count
            if written >= Self.transactionLimit {
                try writer.commit()
                writer = try IndexWriter(draft, header)
                written = 0
            }
        }
        try writer.commit()
    }

    /// Writes one tree from left to right.
    private func pack(
        _ rows: SortedRows,
        _ tree: Int,
        into draft: IndexEnvironment,
        _ header: IndexHeader
    ) throws -> IndexHeader {
        var rows = rows
        var loader = IndexLoader(reducer: try index.source.reducers(tree: tree))
        var writer = try IndexWriter(draft, header)
        while true {
            var isDone = false
            do {
                while !isDone, writer.written < Self.transactionLimit {
                    isDone = try !rows.next()
                    if !isDone { try loader.append(key: rows.key, payload: rows.value, to: &writer) }
                }
                if isDone {
                    let root = try loader.finish(in: &writer)
                    if let failure = root.reductionFailure { throw failure }
                    writer.header.trees[tree] = root
                }
            } catch {
                throw writer.failure ?? error
            }
            let header = writer.header
            try writer.commit()
            if isDone { return header }
            writer = try IndexWriter(draft, header)
        }
    }
}
