// The environment file that *is* the database now, and how to find it.
//
//     notes.settle/
//         documents-1.mdb        generation 1
//         documents-2.mdb        generation 2: a compacted copy that took its place
//         compaction.lock        held by the process that is making the next generation
//         writer.lock            held by the process that is writing
//
// The lowest generation that is not retired is the database. A higher generation beside a live one is a compaction that
// never finished, and is overwritten by the next.
//
// Reads that began before a compaction finish on the old file. It stays in the directory until the last of them has,
// which tells every process that somebody may still need what only the old generation names: see `FileCollector`.
//
// A database may be deleted, and another made under its path, at any moment. So the directory is opened together
// with the file, and what belongs to this database is reached through it.

import SettleCore
import SettleStorage

/// An open generation of a database's documents.
final class OpenEnvironment: Sendable {
    let environment: Environment
    let tables: Tables
    let generation: UInt64
    let identity: DatabaseIdentity
    /// The directory that the file lies in.
    let directory: Directory

    static func name(_ generation: UInt64) -> String { "documents-\(generation).mdb" }

    static func path(_ directory: String, _ generation: UInt64) -> String {
        "\(directory)/\(name(generation))"
    }

    /// Opens one generation.
    ///
    /// `noSuchFile`: there is none, or another directory has taken the place of this one.
    private init(
        _ generation: UInt64,
        in directory: Directory,
        at path: String,
        options: EnvironmentOptions
    ) throws {
        let path = Self.path(path, generation)
        var options = options
        options.mustExist = true
        let environment = try Environment(path: path, tables: Tables.names, options: options)
        guard directory.holds(environment, as: Self.name(generation)) else {
            throw StorageError.noSuchFile
        }
        let tables = Tables(environment)
        let transaction = try environment.beginRead()
        guard let format = try MetaRows.number(transaction, tables, MetaKey.format) else {
            throw SettleError(.internalError, "\(path) is no Settle database, or was never finished.")
        }
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
        self.directory = directory
    }

    /// Opens the generation that is the database now.
    ///
    /// Nil: it was deleted, or there never was one.
    ///
    /// Generations up to `retired` are known to be; they are passed over where they are open still: some reader of this
    /// process may be long about them. `noSuchFile`: the database was moved or compacted while it was looked for; who looks
    /// again finds it, if it is there.
    static func current(
        directory path: String,
        options: StoreOptions,
        retired: UInt64 = 0
    ) throws -> OpenEnvironment? {
        let directory = try Directory(path)
        var passed: UInt64 = 0
        while let generation = try generations(in: directory).first(where: { $0 > passed }) {
            do {
                let candidate = try OpenEnvironment(
                    generation,
                    in: directory,
                    at: path,
                    options: options.environment
                )
                switch try candidate.life() {
                case .live: return candidate
                case .deleted: return nil
                // The one who retired it may have been killed before it could clear it away.
                case .retired: _ = try? candidate.removeIfUnread()
                }
            } catch StorageError.alreadyOpen where generation <= retired {
                // It is read here, and so not to be cleared away.
            }
            passed = generation
        }
        // Who retires a generation has put the next in its place before.
        guard passed == 0 else { throw StorageError.noSuchFile }
        return nil
    }

    /// The file of the newest generation in a directory; nil if there is none.
    static func newestFile(in path: String) -> String? {
        (try? generations(in: Directory(path)).last).map { self.path(path, $0) }
    }

    /// The generations in a directory, lowest first.
    static func generations(in directory: Directory) throws -> [UInt64] {
        try directory.names().compactMap { name in
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

// MARK: Who still reads

extension OpenEnvironment {
    /// The oldest commit of this generation that somebody may still see: 0 if somebody may still read an earlier
    /// generation, `.max` if nobody reads.
    func oldestView() throws -> UInt64 {
        let lowest = try Self.generations(in: directory).first ?? generation
        guard lowest == generation else { return lowest < generation ? 0 : .max }
        return try environment.oldestReader() ?? .max
    }

    /// Removes the file of this generation, which is retired, unless somebody began to read it before it was; whether it
    /// is gone.
    ///
    /// To retire it was its last transaction, so whoever begins to read it now sees that and goes on to the next.
    func removeIfUnread() throws -> Bool {
        guard try environment.oldestReader() ?? .max >= environment.lastTransaction else {
            return false
        }
        try Environment.remove(Self.name(generation), in: directory)
        return true
    }

    /// Removes the files of earlier generations that nobody reads any more; those that are open in this process stay.
    func removeUnreadAncestors() throws {
        for ancestor in try Self.generations(in: directory) where ancestor < generation {
            let path = FileSystem.parent(environment.path)
            let open = try? OpenEnvironment(
                ancestor,
                in: directory,
                at: path,
                options: environment.options
            )
            if let open, case .retired = try open.life() { _ = try open.removeIfUnread() }
        }
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
