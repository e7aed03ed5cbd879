// The files of one index, and which of them is the index now.
//
//     notes.settle/views/3f2a…/
//         index-4.mdb        generation 4
//         index-5.draft      generation 5 being built; one that was never finished is overwritten
//         draft-9c1e…        a sorted run of that build, locked by its process
//         update.lock        held by the process that updates or builds
//
// A file gets the name `index-N.mdb` when it is whole, so the highest generation is the index. Whoever has an older one
// open sees in its header that it is retired, and goes over.

import SettleCore
import SettleStorage

/// An open generation of an index.
final class IndexEnvironment: Sendable {
    let environment: Environment
    let generation: UInt64
    /// Node number → node of a tree.
    let nodes: Table
    /// Document id → its rows.
    let documents: TextTable
    let meta: Table

    static func path(_ directory: String, _ generation: UInt64) -> String {
        "\(directory)/index-\(generation).mdb"
    }

    static func draftPath(_ directory: String, _ generation: UInt64) -> String {
        "\(directory)/index-\(generation).draft"
    }

    init(path: String, generation: UInt64, options: EnvironmentOptions) throws(StorageError) {
        environment = try Environment(path: path, tables: ["nodes", "documents", "meta"], options: options)
        nodes = environment.table("nodes")
        documents = TextTable(environment.table("documents"))
        meta = environment.table("meta")
        self.generation = generation
    }

    /// The generations in a directory, lowest first; none if there is no directory.
    static func generations(in directory: String) throws(StorageError) -> [UInt64] {
        guard FileSystem.exists(directory) else { return [] }
        return try FileSystem.list(directory).compactMap { name in
            guard name.hasPrefix("index-"), name.hasSuffix(".mdb") else { return nil }
            return UInt64(name.dropFirst(6).dropLast(4))
        }.sorted()
    }

    /// Opens the generation that is the index now; nil if there is none.
    static func current(in directory: String, options: StoreOptions) throws -> IndexEnvironment? {
        while true {
            let generations = try generations(in: directory)
            guard let newest = generations.last else { return nil }
            do {
                let index = try open(directory, newest, options)
                // Whoever put the newest in its place may have been killed before it could retire the last.
                for old in generations.dropLast() { try retire(directory, old, options) }
                return index
            } catch StorageError.noSuchFile {
                // A newer one has just taken its place.
                continue
            } catch let error as StorageError where error.meansDamage {
                // It is built anew, and what is there removed once that is done.
                return nil
            }
        }
    }

    /// Retires a generation that another one has taken the place of; one that is in use here retires later.
    private static func retire(_ directory: String, _ generation: UInt64, _ options: StoreOptions) throws {
        do {
            try open(directory, generation, options).retire(in: directory)
        } catch let error as StorageError where error.meansDamage {
            try remove(directory, generation)
        } catch {
            return
        }
    }

    private static func open(
        _ directory: String,
        _ generation: UInt64,
        _ options: StoreOptions
    ) throws -> IndexEnvironment {
        var options = options.indexEnvironment
        options.mustExist = true
        return try IndexEnvironment(
            path: path(directory, generation),
            generation: generation,
            options: options
        )
    }

    /// The header as a transaction sees it; nil in a file of another format.
    func header(_ transaction: borrowing ReadTransaction) throws -> IndexHeader? {
        guard let bytes = try transaction.value(meta, IndexHeader.key) else { throw StorageError.corrupted }
        return try IndexHeader(decoding: bytes)
    }

    /// The header now.
    func header() throws -> IndexHeader? {
        try header(try environment.beginRead())
    }

    /// Tells everybody who has the file open that it is the index no more, and removes it.
    func retire(in directory: String) throws {
        if var header = try header(), !header.isRetired {
            header.isRetired = true
            let transaction = try environment.beginWrite()
            try transaction.put(meta, IndexHeader.key, header.encoded)
            try transaction.commit()
        }
        try Self.remove(directory, generation)
    }

    static func remove(_ directory: String, _ generation: UInt64) throws(StorageError) {
        try Environment.remove("index-\(generation).mdb", in: Directory(directory))
    }

    static func removeDraft(_ directory: String, _ generation: UInt64) throws(StorageError) {
        try FileSystem.remove(draftPath(directory, generation))
        try FileSystem.remove(draftPath(directory, generation) + "-lock")
    }
}

extension StorageError {
    /// Whether a file that can't be opened for this reason is no use to anybody.
    fileprivate var meansDamage: Bool {
        switch self {
        case .notADatabase, .versionMismatch, .corrupted: true
        default: false
        }
    }
}

extension StoreOptions {
    /// A power cut may undo an index's last commits: it goes on from where it is then.
    var indexEnvironment: EnvironmentOptions {
        var environment = environment
        environment.durability = syncsCommits ? .noMetaSync : .never
        environment.maximumTables = 4
        return environment
    }

    /// A draft is synced once, when it is whole.
    var indexDraft: EnvironmentOptions {
        var environment = indexEnvironment
        environment.durability = .never
        return environment
    }
}
