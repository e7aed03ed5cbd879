// Making and removing a database's directory, so that no other process ever sees half of one.

package import SettleCore
import SettleStorage

/// What is done to a database's directory as a whole.
enum DatabaseFiles {
    /// Makes a new database beside its place and moves it there in one step.
    ///
    /// `fileExists` if the place is taken.
    static func create(_ directory: String, options: StoreOptions) throws(SettleError) {
        try settling { () throws in
            let parent = FileSystem.parent(directory)
            try clearRemains(directory, options: options)
            let draft = "\(parent)/.new-\(DatabaseIdentity.new().uuid)"
            try FileSystem.createDirectory(draft)
            do {
                try OpenEnvironment.create(in: draft, options: options)
                if options.syncsCommits { try FileSystem.syncDirectory(draft) }
                // A directory that has files in it can't be renamed over: creation is decided here, for all processes.
                guard try FileSystem.renameIfAbsent(draft, to: directory) else {
                    throw SettleError(.fileExists)
                }
            } catch {
                _ = try? FileSystem.removeTree(draft)
                throw error
            }
            if options.syncsCommits { try FileSystem.syncDirectory(parent) }
        }
    }

    /// Clears a database whose deletion was killed before it could clear it itself.
    private static func clearRemains(_ directory: String, options: StoreOptions) throws {
        guard FileSystem.exists(directory) else { return }
        do {
            guard try OpenEnvironment.current(directory: directory, options: options) == nil else { return }
        } catch StorageError.noSuchFile {
            // Another process is at work on it, so it is no remains.
            return
        }
        try clear(directory, options: options)
    }

    /// Moves a deleted database out of the way and clears it.
    static func clear(_ directory: String, options: StoreOptions) throws(SettleError) {
        try settling { () throws in
            let parent = FileSystem.parent(directory)
            let grave = "\(parent)/.deleted-\(DatabaseIdentity.new().uuid)"
            try FileSystem.rename(directory, to: grave)
            if options.syncsCommits { try FileSystem.syncDirectory(parent) }
            try FileSystem.removeTree(grave)
        }
    }
}

extension Database {
    /// Whether the database is there: another process may have deleted it.
    func exists() throws(SettleError) -> Bool {
        do throws(SettleError) {
            try read { _ in }
            return true
        } catch Self.doesNotExist {
            return false
        }
    }

    /// Deletes the database: its last transaction says so to every process, then its files go.
    package func delete() async throws(SettleError) {
        try await exclusively { () throws(SettleError) in try self.deleteNow() }
    }

    private func deleteNow() throws(SettleError) {
        let open = try environment()
        let isDeleted = try settling { () throws -> Bool in
            let transaction = try open.environment.beginWrite()
            switch try MetaRows.life(transaction.reading, open.tables) {
            case .live: break
            case .retired: return false
            case .deleted: throw Self.doesNotExist
            }
            try transaction.put(open.tables.meta, MetaKey.life, EnvironmentLife.deleted.encoded)
            try transaction.commit()
            return true
        }
        guard isDeleted else {
            release(open)
            return try deleteNow()
        }
        markGone()
        try DatabaseFiles.clear(directory, options: options)
    }
}
