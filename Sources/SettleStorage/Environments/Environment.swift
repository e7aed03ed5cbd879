import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// One LMDB file: ordered tables of bytes, read from any thread, written by one at a time.
///
/// ```swift
/// let environment = try Environment(path: "notes.db", tables: ["docs"])
/// let docs = environment.table("docs")
///
/// let write = try environment.beginWrite()
/// try write.put(docs, Array("apple".utf8), Array("green".utf8))
/// try write.commit()
///
/// let read = try environment.beginRead()
/// let colour = try read.value(docs, Array("apple".utf8))      // a span over the mapped file
/// ```
///
/// The rules, most of them LMDB's:
/// 1. A read transaction sees the state of the moment it began, may be used on any one thread at a
///    time, and costs no lock of the file. While it lives, no page it may need is used again: keep
///    it short.
/// 2. A write transaction belongs to the thread that began it. Others wait for it, in this process
///    and in every other.
/// 3. A thread must hold no transaction of an environment when it calls `growMap()` or `close()` on it,
///    and must not begin a second write transaction while it has one.
/// 4. A file is opened once per process (see `OpenFiles`), and an environment is not used after `fork`.
///
/// `@unchecked Sendable`: `handle` never changes and LMDB locks what is behind it; what LMDB leaves to
/// its caller `gate` sees to; the two variables belong to the thread with the write transaction.
@safe
package final class Environment: @unchecked Sendable {
    package let path: String
    package let options: EnvironmentOptions
    let handle: OpaquePointer
    let gate = TransactionGate()
    /// Changes made by write transactions so far: how a cursor notices that its row may have moved.
    var writeCount: UInt64 = 0
    /// The thread that began the write transaction.
    var writingThread: UInt = 0
    private let pageSize: Int
    private let identity: OpenFiles.Identity
    private let tables: [String: Table]

    /// Opens the file at `path`, creating it and the named tables where they are missing.
    ///
    /// The lock file stands beside it, with `-lock` at the end of its name.
    ///
    /// - Throws: `.alreadyOpen` if this process has the file open, `.notADatabase` and
    ///   `.versionMismatch` for files that are not LMDB's, `.diskFull` where there is no room for the lock file, and
    ///   what the system reports.
    package init(path: String, tables names: [String], options: EnvironmentOptions = .init())
        throws(StorageError)
    {
        var opened: OpaquePointer?
        var tables: [String: Table] = [:]
        identity = try OpenFiles.register(path: path, creating: !options.isReadOnly && !options.mustExist) {
            () throws(StorageError) in
            if !options.isReadOnly {
                try OpenFiles.reserveLockFile(path + "-lock", readers: options.maximumReaders)
            }
            let handle = unsafe try Environment.open(path: path, options: options)
            do throws(StorageError) {
                tables = unsafe try Environment.openTables(names, in: handle, options: options)
            } catch {
                unsafe mdb_env_close(handle)
                throw error
            }
            unsafe opened = handle
        }
        guard let handle = unsafe opened else { throw .outOfMemory }
        unsafe self.handle = handle
        self.tables = tables
        var statistics = MDB_stat()
        unsafe mdb_env_stat(handle, &statistics)
        pageSize = Int(statistics.ms_psize)
        self.path = path
        self.options = options
    }

    deinit {
        close()
    }

    /// Removes an environment's file and the lock file beside it, by the file's name in a directory.
    ///
    /// Who has it open goes on with it. Who is about to open it either still gets both files or finds none.
    package static func remove(_ name: String, in directory: Directory) throws(StorageError) {
        guard let turn = try OpenFiles.turn(with: name, in: directory) else { return }
        // Killed in between, it leaves a file that gets another lock file, and not a lock file for another file.
        try directory.remove(name + "-lock")
        try directory.remove(name)
        _ = consume turn
    }

    /// The table of that name; one of those given to `init`.
    package func table(_ name: String) -> Table {
        guard let table = tables[name] else {
            preconditionFailure("The environment was opened without a table named \(name).")
        }
        return table
    }

    /// Ends the environment: refuses new transactions, waits for the present ones, unmaps the file.
    ///
    /// Closing again does nothing. Every call returns only when the file is closed.
    package func close() {
        unsafe gate.close { idle in
            unsafe idle.forEach { unsafe mdb_txn_abort($0) }
            // A copy of the descriptor, because LMDB closes its own long before it is through.
            var descriptor: Int32 = -1
            unsafe mdb_env_get_fd(handle, &descriptor)
            let turn = OpenFiles.Turn(closing: fcntl(descriptor, F_DUPFD_CLOEXEC, 0))
            OpenFiles.unregister(identity) { unsafe mdb_env_close(handle) }
            _ = consume turn
        }
    }
}

extension Environment {
    private static func open(path: String, options: EnvironmentOptions) throws(StorageError) -> OpaquePointer
    {
        var created: OpaquePointer?
        try unsafe StorageError.check(mdb_env_create(&created))
        guard let handle = unsafe created else { throw .outOfMemory }
        var flags = MDB_NOSUBDIR | MDB_NOTLS
        switch options.durability {
        case .always: break
        case .noMetaSync: flags |= MDB_NOMETASYNC
        case .never: flags |= MDB_NOSYNC
        }
        if options.isReadOnly { flags |= MDB_RDONLY }
        do throws(StorageError) {
            try unsafe StorageError.check(mdb_env_set_mapsize(handle, options.mapSize))
            try unsafe StorageError.check(mdb_env_set_maxreaders(handle, UInt32(options.maximumReaders)))
            try unsafe StorageError.check(mdb_env_set_maxdbs(handle, MDB_dbi(options.maximumTables)))
            try unsafe StorageError.check(mdb_env_open(handle, path, UInt32(flags), 0o644))
        } catch {
            // A handle that failed to open must still be closed.
            unsafe mdb_env_close(handle)
            throw error
        }
        return unsafe handle
    }

    /// Opens every table in one read transaction, or, if one is missing, in one write transaction.
    ///
    /// Handles live on in the environment only if the transaction that opened them commits, and
    /// `mdb_dbi_open` must not run in two transactions at once: hence here, before anyone has the object.
    private static func openTables(
        _ names: [String],
        in handle: OpaquePointer,
        options: EnvironmentOptions
    ) throws(StorageError) -> [String: Table] {
        do throws(StorageError) {
            return unsafe try openTables(names, in: handle, creating: false)
        } catch .noSuchTable where !options.isReadOnly {
            return unsafe try openTables(names, in: handle, creating: true)
        }
    }

    private static func openTables(
        _ names: [String],
        in handle: OpaquePointer,
        creating: Bool
    ) throws(StorageError) -> [String: Table] {
        var begun: OpaquePointer?
        try unsafe StorageError.check(mdb_txn_begin(handle, nil, creating ? 0 : UInt32(MDB_RDONLY), &begun))
        guard let transaction = unsafe begun else { throw .outOfMemory }
        var tables: [String: Table] = [:]
        for name in names {
            var index: MDB_dbi = 0
            let code = unsafe mdb_dbi_open(transaction, name, creating ? UInt32(MDB_CREATE) : 0, &index)
            guard code == MDB_SUCCESS else {
                unsafe mdb_txn_abort(transaction)
                throw StorageError(code: code)
            }
            tables[name] = Table(index: index)
        }
        try unsafe StorageError.check(mdb_txn_commit(transaction))
        return tables
    }
}

extension Environment {
    /// The number of the last commit, by whichever process: a change of it means there is news.
    ///
    /// Reads one word of the mapped file. 0 once the environment is closed.
    package var lastTransaction: UInt64 { unsafe UInt64(information?.me_last_txnid ?? 0) }

    /// How far the file may grow before `.mapFull`, in bytes.
    package var mapSize: Int { unsafe information?.me_mapsize ?? 0 }

    /// The bytes of the file that were ever used, free pages among them.
    package var usedBytes: Int { unsafe information.map { unsafe ($0.me_last_pgno + 1) * pageSize } ?? 0 }

    private var information: MDB_envinfo? {
        // Under the gate's lock, because the answer stands in the map that `growMap` may just be moving.
        unsafe gate.ifOpen {
            var information = unsafe MDB_envinfo()
            unsafe mdb_env_info(handle, &information)
            return unsafe information
        }
    }

    /// Frees the reader slots of processes that died: their snapshots would hold pages for ever.
    ///
    /// - Returns: How many slots were freed.
    @discardableResult
    package func checkStaleReaders() -> Int {
        var dead: Int32 = 0
        _ = gate.ifOpen { unsafe mdb_reader_check(handle, &dead) }
        return Int(dead)
    }

    /// Writes everything committed to the disk; needed only with `.noMetaSync` and `.never`.
    package func sync() throws(StorageError) {
        try inside { () throws(StorageError) in try unsafe StorageError.check(mdb_env_sync(handle, 1)) }
    }

    /// Copies a snapshot of the whole environment to a new file, which must not exist.
    ///
    /// The copy isn't yet durable: see `FileSystem.syncFile` and `syncDirectory`.
    ///
    /// - Parameters:
    ///   - path: Where the new file goes.
    ///   - compacting: Leave free pages out. Slower, but it doesn't hold up writers; a plain copy does for a
    ///     moment, so the caller must not have a write transaction.
    /// - Throws: `.diskFull` among others; the unfinished copy is left for the caller to remove.
    package func copy(to path: String, compacting: Bool) throws(StorageError) {
        try retrying { () throws(StorageError) in
            try inside { () throws(StorageError) in
                try unsafe StorageError.check(
                    mdb_env_copy2(handle, path, compacting ? UInt32(MDB_CP_COMPACT) : 0)
                )
            }
        }
    }

    /// Runs `body` counted as a reader, so that the environment is neither closed nor remapped meanwhile.
    private func inside(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        let idle = unsafe try gate.enterReader()
        defer {
            if let idle = unsafe idle { unsafe keep(idle) } else { gate.leaveReader() }
        }
        try body()
    }

    /// Counts a reader out whose transaction is reset, and keeps that for the next one.
    func keep(_ transaction: OpaquePointer) {
        guard unsafe !gate.leaveReader(keeping: transaction) else { return }
        unsafe mdb_txn_abort(transaction)
        gate.leaveReader()
    }
}
