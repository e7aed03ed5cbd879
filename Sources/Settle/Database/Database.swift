// One database: documents that converge, in a directory of their own.
//
//     let notes = try Database.open(at: "notes.settle", creating: true)
//     let revision = try await notes.put(["title": "Milk"], id: "shopping")
//     let note = try notes.document("shopping")
//
// Two rules are all there is to know about concurrency:
//
// 1. Reads run where you call them, at once, on one consistent snapshot; they never wait for a writer.
// 2. Writes of one database are performed one after the other; those that wait together are committed together. A
//    write has happened, and will survive a power cut, when its call returns.
//
// A `Database` is cheap to keep: its file is opened when it is used, and may be closed behind its back.

public import SettleCore
import SettleStorage
import Synchronization

/// A document database in a directory.
public final class Database: Sendable {
    /// The name it is served under.
    public let name: String
    /// The directory that holds its files.
    public let directory: String
    let options: StoreOptions
    /// What runs the functions of this database's design documents; nil where nothing does.
    package var functionEngine: (any FunctionEngine)? { options.functionEngine }
    let writer: Writer
    let listeners: ChangeListeners
    /// What documents must comply with, as last read.
    let rules = WriteRulesCache()
    let views = DatabaseViews()
    let collector = FileCollector()
    private let current: Mutex<Current>
    /// Whether a compaction is under way.
    let compacting = Mutex(false)
    /// Whether the remains of killed uploads have been looked for.
    private let hasSweptDrafts = Mutex(false)

    /// The environment in use: strongly while it should stay open, weakly so that it is never opened twice.
    private struct Current {
        var open: OpenEnvironment?
        weak var recent: OpenEnvironment?
        /// Generations up to this one are known to be retired.
        var retired: UInt64 = 0
        var isGone = false
    }

    init(name: String, directory: String, options: StoreOptions) {
        self.name = name
        self.directory = directory
        self.options = options
        current = Mutex(Current())
        writer = Writer()
        listeners = ChangeListeners()
    }

    /// Opens the database in a directory whose name ends in `.settle`.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - creating: Whether to make the database if there is none.
    ///   - options: How to keep it.
    /// - Returns: The database.
    /// - Throws: `notFound` if there is none and `creating` is false; an illegal name's error.
    public static func open(
        at path: String,
        creating: Bool = false,
        options: StoreOptions = StoreOptions()
    ) throws(SettleError) -> Database {
        let directory = FileSystem.absolute(path)
        let last = directory.utf8.lastIndex(of: UInt8(ascii: "/")).map { directory.utf8.index(after: $0) }
        let component = String(directory[(last ?? directory.startIndex)...])
        guard let name = DatabaseName.name(ofDirectory: component) else {
            try DatabaseName.validate(
                component.hasSuffix(DatabaseName.suffix) ? String(component.dropLast(7)) : component
            )
            throw SettleError(
                .illegalDatabaseName,
                "A database's directory ends in \(DatabaseName.suffix): \(path)"
            )
        }
        return try DatabaseRegistry.shared.database(name: name, directory: directory, options: options) {
            () throws(SettleError) in
            if !FileSystem.exists(directory) {
                guard creating else { throw SettleError(.notFound, "Database does not exist.") }
                try DatabaseFiles.create(directory, options: options)
            }
        }
    }
}

extension Database {
    /// The error of everything that is asked of a database that is no longer there.
    package static let doesNotExist = SettleError(.notFound, "Database does not exist.")

    /// The environment that is the database now, opened if it isn't.
    func environment() throws(SettleError) -> OpenEnvironment {
        try settling { () throws in
            try current.withLock { current in
                if let open = current.open { return open }
                guard !current.isGone else { throw Self.doesNotExist }
                if let recent = current.recent {
                    current.open = recent
                    return recent
                }
                guard let opened = try openWhenClosed(retired: current.retired) else {
                    throw Self.doesNotExist
                }
                current.open = opened
                current.recent = opened
                // It may be the first of a new database in the place of a deleted one.
                current.retired = opened.generation - 1
                return opened
            }
        }
    }

    /// Opens the file.
    ///
    /// Where its last user is letting go of it on another thread at this moment, or another process puts the next generation
    /// in its place, that is waited for.
    private func openWhenClosed(retired: UInt64) throws -> OpenEnvironment? {
        var tries = 0
        while true {
            do {
                return try OpenEnvironment.current(directory: directory, options: options, retired: retired)
            } catch StorageError.alreadyOpen where tries < 1000 {
                tries += 1
                Clock.pause(microseconds: 200)
            } catch StorageError.noSuchFile where tries < 1000 {
                // Compacted by another process between two looks, unless nothing at all is left.
                guard OpenEnvironment.newestFile(in: directory) != nil else { return nil }
                tries += 1
                Clock.pause(microseconds: 200)
            } catch StorageError.noSuchFile {
                return nil
            }
        }
    }

    /// Lets go of an environment that is not the database any more, or, without one, of that which is, for a while.
    ///
    /// One that was retired must not come back while somebody else still holds it: who asks for the environment again
    /// would get it, find it retired, and ask again. Nor may its file be waited for, as long as it is there.
    func release(_ environment: OpenEnvironment?, life: EnvironmentLife = .live) {
        current.withLock { current in
            if let environment, case .retired = life {
                current.retired = max(current.retired, environment.generation)
            }
            if environment == nil || current.open === environment { current.open = nil }
            if environment != nil, current.recent === environment { current.recent = nil }
        }
    }

    /// Closes the file until it is used again.
    func closeForNow() {
        release(nil)
        views.close()
    }

    /// Removes what killed uploads have left, the first time an upload comes that may leave something too.
    func sweepDraftsOnce() {
        let isFirst = hasSweptDrafts.withLock { hasSwept in
            defer { hasSwept = true }
            return !hasSwept
        }
        // Nothing depends on it: compaction tries again.
        if isFirst { try? AttachmentFiles.sweepDrafts(directory) }
    }

    /// Whether this process deleted the database.
    package var isGone: Bool { current.withLock { $0.isGone } }

    /// The database that is in this one's place now: itself, or one that was made there after this one was deleted.
    package func present() throws(SettleError) -> Database {
        guard isGone else { return self }
        guard FileSystem.exists(directory) else { throw Self.doesNotExist }
        return try DatabaseRegistry.shared.database(name: name, directory: directory, options: options) {}
    }

    /// Whether the file is open.
    var isOpen: Bool { current.withLock { $0.open != nil } }

    /// From now on every call answers that the database does not exist.
    func markGone() {
        current.withLock { current in
            current.isGone = true
            current.open = nil
        }
        views.close()
        listeners.notify()
    }

    /// Reads from one consistent snapshot, on the caller's thread.
    package func read<Answer>(
        _ body: (borrowing Snapshot) throws -> Answer
    ) throws(SettleError) -> Answer {
        while true {
            let open = try environment()
            var life = EnvironmentLife.live
            let attempt: Answer? = try settling { () throws in
                let snapshot = Snapshot(try open.environment.beginRead(), open, self)
                life = try snapshot.life
                return life == .live ? try body(snapshot) : nil
            }
            if let attempt { return attempt }
            // Compacted, or deleted by another process, which may have made a new one in its place.
            release(open, life: life)
        }
    }
}

/// Runs storage code and turns whatever it throws into the one error above storage.
func settling<Answer>(_ body: () throws -> Answer) throws(SettleError) -> Answer {
    do {
        return try body()
    } catch let error as SettleError {
        throw error
    } catch let error as StorageError {
        throw SettleError(error)
    } catch {
        throw SettleError(.internalError, "\(error)")
    }
}

extension SettleError {
    /// What a failure of the storage means to callers.
    init(_ error: StorageError) {
        switch error {
        case .diskFull, .mapFull: self.init(.insufficientStorage)
        case .readersFull: self.init(.unavailable, "Too many readers of one database.")
        default: self.init(.internalError, "\(error)")
        }
    }
}
