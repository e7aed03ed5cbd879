// A folder of databases: what a server serves.
//
// A database is opened when it is first asked for, and of those only so many keep their files open; the one that was
// used longest ago is closed for now. Other processes may create and delete databases in the same folder: the directory
// listing is the truth, nothing is remembered about what exists.

public import SettleCore
import SettleStorage
import Synchronization

/// All databases in one folder.
public final class DatabaseFolder: Sendable {
    /// The folder.
    public let path: String
    /// Names this collection of databases to replicators: 32 hexadecimal digits, kept in the folder.
    public let uuid: String
    let options: StoreOptions
    let otherProcesses = OtherProcesses()
    private let state = Mutex(State())

    private struct State {
        /// Databases used through this folder, with when they were last used.
        var used: [String: (database: Database, at: UInt64)] = [:]
        var clock: UInt64 = 0
        var listeners: [UInt64: @Sendable (DatabaseEvent) -> Void] = [:]
        var nextListener: UInt64 = 0
    }

    /// Opens a folder, which is created if it isn't there.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - options: How its databases are kept.
    /// - Throws: `internalError` with the system's reason where the folder can't be used.
    public init(path: String, options: StoreOptions = StoreOptions()) throws(SettleError) {
        let path = FileSystem.absolute(path)
        self.path = path
        self.options = options
        uuid = try settling { () throws in
            try FileSystem.createDirectory(path)
            let file = "\(path)/.settle-uuid"
            if FileSystem.exists(file) {
                return String(decoding: try FileSystem.readFile(file) ?? [], as: UTF8.self)
            }
            let uuid = DatabaseIdentity.new().uuid
            try FileSystem.replaceFile(file, with: Array(uuid.utf8))
            return uuid
        }
    }

    /// The names of all databases, in byte order.
    public func names() throws(SettleError) -> [String] {
        try settling { () throws in
            try FileSystem.list(path).compactMap { DatabaseName.name(ofDirectory: $0) }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// Makes a new, empty database.
    ///
    /// - Parameter name: Its name, by CouchDB's rules.
    /// - Returns: The database.
    /// - Throws: `fileExists` if there is one of that name, `illegalDatabaseName`, `databaseNameTooLong`.
    public func create(_ name: String) throws(SettleError) -> Database {
        try DatabaseName.validate(name)
        let directory = directory(name)
        guard try open(name)?.exists() != true else { throw SettleError(.fileExists) }
        try DatabaseFiles.create(directory, options: options)
        let database = try DatabaseRegistry.shared.database(
            name: name,
            directory: directory,
            options: options
        ) {}
        use(database)
        otherProcesses.noteOwn(name)
        announce(DatabaseEvent(kind: .created, name: name))
        return database
    }

    /// The database of a name; nil if there is none.
    public func open(_ name: String) throws(SettleError) -> Database? {
        if let database = recentlyUsed(name) { return database }
        guard (try? DatabaseName.validate(name)) != nil else { return nil }
        let directory = directory(name)
        guard FileSystem.exists(directory) else { return nil }
        let database = try DatabaseRegistry.shared.database(
            name: name,
            directory: directory,
            options: options
        ) {}
        use(database)
        return database
    }

    /// Deletes the database of a name; false if there was none.
    public func delete(_ name: String) async throws(SettleError) -> Bool {
        guard let database = try open(name) else { return false }
        do throws(SettleError) {
            try await database.delete()
        } catch Database.doesNotExist {
            return false
        }
        state.withLock { _ = $0.used.removeValue(forKey: name) }
        otherProcesses.noteOwn(name)
        announce(DatabaseEvent(kind: .deleted, name: name))
        return true
    }

    func directory(_ name: String) -> String { "\(path)/\(DatabaseName.directory(of: name))" }
}

// MARK: Which are open

extension DatabaseFolder {
    private func recentlyUsed(_ name: String) -> Database? {
        state.withLock { state in
            guard let entry = state.used[name] else { return nil }
            guard !entry.database.isGone else {
                state.used[name] = nil
                return nil
            }
            state.clock += 1
            state.used[name]?.at = state.clock
            return entry.database
        }
    }

    private func use(_ database: Database) {
        let idle = state.withLock { state -> [Database] in
            state.clock += 1
            state.used[database.name] = (database, state.clock)
            guard state.used.count > options.maximumOpenDatabases else { return [] }
            // A quarter at a time, so that not every new one sorts.
            let oldest = state.used.sorted { $0.value.at < $1.value.at }.prefix(
                options.maximumOpenDatabases / 4 + 1
            )
            for (name, _) in oldest { state.used[name] = nil }
            return oldest.map(\.value.database)
        }
        for database in idle { database.closeForNow() }
        database.listeners.onCommit { [weak self, name = database.name] in
            self?.announce(DatabaseEvent(kind: .updated, name: name))
        }
    }

    /// Prepares this process for opening and closing many databases: freed memory goes back to the system, and more files
    /// may be open.
    ///
    /// For programs like a server, once, at their start; it changes how the C library allocates, and the process's limits.
    public static func prepareProcess() {
        Allocator.givesBackLargeBlocks()
        OpenFileLimit.raise()
    }
}

// MARK: Events

/// Something that happened to a database of a folder.
public struct DatabaseEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: String, Hashable, Sendable {
        /// It is new.
        case created
        /// Documents were written.
        case updated
        /// It is gone.
        case deleted
    }

    /// What happened.
    public let kind: Kind
    /// To which database.
    public let name: String
}

extension DatabaseFolder {
    func announce(_ event: DatabaseEvent) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener(event) }
    }

    /// Calls `body` for every event of this process, on some thread; it must be quick.
    package func addEventListener(_ body: @escaping @Sendable (DatabaseEvent) -> Void) -> ListenerToken {
        state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = body
            return ListenerToken(number: state.nextListener)
        }
    }

    /// Takes a listener away.
    package func removeEventListener(_ token: ListenerToken) {
        state.withLock { _ = $0.listeners.removeValue(forKey: token.number) }
    }
}
