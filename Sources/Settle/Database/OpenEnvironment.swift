// The environment file that *is* the database now, and how to find it.
//
//     notes.settle/
//         documents-1.mdb        generation 1
//         documents-2.mdb        generation 2: a compacted copy that took its place
//         compaction.lock        held by the process that is making the next generation
//         writer.lock            held by the process that is writing
//
// The lowest generation that is not retired is the database. Whoever opens a retired one follows it to the next; a
// higher generation beside a live one is a compaction that never finished, and is overwritten by the next.
//
// An environment closes when its last user lets go of it: reads that began before a compaction finish on the old file.

import SettleCore
import SettleStorage

/// An open generation of a database's documents.
final class OpenEnvironment: Sendable {
    let environment: Environment
    let tables: Tables
    let generation: UInt64
    let identity: DatabaseIdentity

    static func path(_ directory: String, _ generation: UInt64) -> String {
        "\(directory)/documents-\(generation).mdb"
    }

    /// A file without a format: no Settle database, or none that was ever finished.
    private struct EmptyFile: Error {}

    /// Opens one generation, whose file must be there.
    init(directory: String, generation: UInt64, options: StoreOptions) throws {
        let path = Self.path(directory, generation)
        let environment = try Environment(path: path, tables: Tables.names, options: options.environment)
        let tables = Tables(environment)
        let transaction = try environment.beginRead()
        guard let format = try MetaRows.number(transaction, tables, MetaKey.format) else { throw EmptyFile() }
        guard format == fileFormatVersion else {
            throw SettleError(
                .internalError,
                "\(path) has file format \(format); this version reads \(fileFormatVersion)."
            )
        }
        identity = try MetaRows.identity(transaction, tables)
        self.environment = environment
        self.tables = tables
        self.generation = generation
    }

    /// Opens the generation that is the database now.
    ///
    /// Nil: it was deleted, or there never was one.
    ///
    /// A generation that is known to be `retired` is passed over where it is open still: some reader of this process may be
    /// long about it. `noSuchFile`: a generation went while it was looked for, so another process has compacted the database;
    /// who looks again finds its successor.
    static func current(
        directory: String,
        options: StoreOptions,
        retired: UInt64? = nil
    ) throws -> OpenEnvironment? {
        var generations = try generations(in: directory)
        var next: UInt64?
        while let generation = next ?? generations.first {
            generations.removeAll { $0 <= generation }
            guard FileSystem.exists(path(directory, generation)) else { throw StorageError.noSuchFile }
            let candidate: OpenEnvironment
            do {
                candidate = try OpenEnvironment(
                    directory: directory,
                    generation: generation,
                    options: options
                )
            } catch StorageError.alreadyOpen where generation == retired {
                next = nil
                continue
            } catch is EmptyFile {
                let path = path(directory, generation)
                guard try Self.generations(in: directory).contains(where: { $0 > generation }) else {
                    throw SettleError(.internalError, "\(path) is no Settle database, or was never finished.")
                }
                // LMDB makes a file that isn't there: this one went, retired, after it was looked for. It must not stay,
                // since the lowest generation is taken for the database.
                try removeFile(directory, generation)
                throw StorageError.noSuchFile
            }
            switch try candidate.life() {
            case .live: return candidate
            case .deleted: return nil
            case .retired(let successor):
                // The one who retired it may have been killed before it could clear it away.
                if FileSystem.exists(path(directory, successor)) {
                    candidate.environment.close()
                    try? removeFile(directory, generation)
                }
                next = successor
            }
        }
        return nil
    }

    static func removeFile(_ directory: String, _ generation: UInt64) throws {
        try FileSystem.remove(path(directory, generation))
        try FileSystem.remove(path(directory, generation) + "-lock")
    }

    /// The file of the newest generation in a directory; nil if there is none.
    static func newestFile(in directory: String) -> String? {
        (try? generations(in: directory).last).map { path(directory, $0) }
    }

    static func generations(in directory: String) throws -> [UInt64] {
        try FileSystem.list(directory).compactMap { name in
            guard name.hasPrefix("documents-"), name.hasSuffix(".mdb") else { return nil }
            return UInt64(name.dropFirst(10).dropLast(4))
        }.sorted()
    }

    func life() throws -> EnvironmentLife {
        let transaction = try environment.beginRead()
        return try MetaRows.life(transaction, tables)
    }

    /// Makes the first generation of a new database in a directory that exists.
    static func create(in directory: String, options: StoreOptions) throws {
        let environment = try Environment(
            path: path(directory, 1),
            tables: Tables.names,
            options: options.environment
        )
        defer { environment.close() }
        let tables = Tables(environment)
        let transaction = try environment.beginWrite()
        var format: [UInt8] = []
        appendVarint(fileFormatVersion, to: &format)
        try transaction.put(tables.meta, MetaKey.format, format)
        try transaction.put(tables.meta, MetaKey.identity, DatabaseIdentity.new().encoded)
        try transaction.put(tables.meta, MetaKey.life, EnvironmentLife.live.encoded)
        try transaction.put(tables.meta, MetaKey.state, DatabaseState().encoded)
        try transaction.commit()
    }
}

extension StoreOptions {
    var environment: EnvironmentOptions {
        var environment = EnvironmentOptions()
        environment.mapSize = mapSize
        environment.durability = syncsCommits ? .always : .never
        return environment
    }
}
