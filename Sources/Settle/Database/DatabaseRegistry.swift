// One `Database` per directory and process: LMDB allows a file to be opened once, and writers share one queue.

import SettleCore
import Synchronization

/// The databases of this process, as long as somebody holds them.
final class DatabaseRegistry: Sendable {
    static let shared = DatabaseRegistry()

    private struct Entry {
        weak var database: Database?
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// The database in a directory: the one that is in use, or a new one once `preparing` has made sure of its files.
    func database(
        name: String,
        directory: String,
        options: StoreOptions,
        preparing: () throws(SettleError) -> Void
    ) throws(SettleError) -> Database {
        let known = entries.withLock { $0[directory]?.database }
        if let known, !known.isGone { return known }
        try preparing()
        return entries.withLock { entries in
            if let known = entries[directory]?.database, !known.isGone { return known }
            let database = Database(name: name, directory: directory, options: options)
            entries[directory] = Entry(database: database)
            if entries.count % 1024 == 0 { entries = entries.filter { $0.value.database != nil } }
            return database
        }
    }
}
