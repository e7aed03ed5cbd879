import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Changes to an environment that appear to everyone at once, at `commit`, or never.
///
/// It reads through `reading`, its own changes included. It must be committed or go out of scope (which
/// aborts it) on the thread that began it; anything else traps.
///
/// **A span read from it is valid until its next change**: LMDB may then move or reuse the bytes. Copy what
/// is needed, or finish reading first. (A cursor is safe: it looks its row up again.)
///
/// After `put`, `delete` or `commit` threw `.mapFull`, `.diskFull` or anything else than `.badKeyLength`,
/// `.keyOutOfOrder` or `.noPermission`, the transaction can only be aborted.
package struct WriteTransaction: ~Copyable {
    /// Reads the state with this transaction's changes.
    package let reading: ReadTransaction

    init(environment: Environment, handle: OpaquePointer) {
        reading = unsafe ReadTransaction(environment: environment, handle: handle, isWriting: true)
        environment.writingThread = Monitor.currentThread
    }

    /// Writes `value` under `key`, over any former value.
    ///
    /// With `append` the key must come after the table's last one. That is faster, and pages fill up
    /// completely; it throws `.keyOutOfOrder` if it isn't so.
    package func put(
        _ table: Table,
        _ key: [UInt8],
        _ value: [UInt8],
        append: Bool = false
    ) throws(StorageError) {
        reading.environment.writeCount &+= 1
        let code = unsafe value.withLMDBValue { data in
            unsafe key.withLMDBValue {
                unsafe mdb_put(reading.handle, table.index, &$0, &data, append ? UInt32(MDB_APPEND) : 0)
            }
        }
        try reading.environment.checkWrite(code)
    }

    /// Writes `value` under a number, over any former value; see the other `put`.
    package func put(
        _ table: Table,
        _ key: UInt64,
        _ value: [UInt8],
        append: Bool = false
    ) throws(StorageError) {
        reading.environment.writeCount &+= 1
        let code = unsafe value.withLMDBValue { data in
            unsafe key.withLMDBValue {
                unsafe mdb_put(reading.handle, table.index, &$0, &data, append ? UInt32(MDB_APPEND) : 0)
            }
        }
        try reading.environment.checkWrite(code)
    }

    /// Removes the row of `key`, and returns whether there was one.
    @discardableResult
    package func delete(_ table: Table, _ key: [UInt8]) throws(StorageError) -> Bool {
        reading.environment.writeCount &+= 1
        return try deleted(unsafe key.withLMDBValue { unsafe mdb_del(reading.handle, table.index, &$0, nil) })
    }

    /// Removes the row of a number, and returns whether there was one.
    @discardableResult
    package func delete(_ table: Table, _ key: UInt64) throws(StorageError) -> Bool {
        reading.environment.writeCount &+= 1
        return try deleted(unsafe key.withLMDBValue { unsafe mdb_del(reading.handle, table.index, &$0, nil) })
    }

    /// Removes every row of `table`.
    package func deleteAll(_ table: Table) throws(StorageError) {
        reading.environment.writeCount &+= 1
        try unsafe reading.environment.checkWrite(mdb_drop(reading.handle, table.index, 0))
    }

    /// Makes the changes visible to all; with `.always`, durable before it returns.
    ///
    /// When it throws, nothing of the transaction has happened.
    package consuming func commit() throws(StorageError) {
        try reading.commit()
    }

    private func deleted(_ code: Int32) throws(StorageError) -> Bool {
        if code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE { return false }
        try reading.environment.checkWrite(code)
        return true
    }
}

extension Environment {
    /// Begins to write, once the write transaction of any other thread or process has ended.
    package func beginWrite() throws(StorageError) -> WriteTransaction {
        guard !options.isReadOnly else { throw .noPermission }
        var begun: OpaquePointer?
        try retrying { () throws(StorageError) in
            try gate.enterWriter()
            let code = unsafe mdb_txn_begin(handle, nil, 0, &begun)
            if code != MDB_SUCCESS { gate.leaveWriter() }
            try StorageError.check(code)
        }
        guard let transaction = unsafe begun else { throw .outOfMemory }
        return unsafe WriteTransaction(environment: self, handle: transaction)
    }

    /// Throws unless `code`, of a call that may write to the file, is success.
    ///
    /// A disk that fills up in the middle of a write makes it short, and LMDB calls a short write EIO. The
    /// disk itself knows better.
    @inline(__always)
    func checkWrite(_ code: Int32) throws(StorageError) {
        guard code != MDB_SUCCESS else { return }
        throw code == EIO && isDiskFull ? .diskFull : StorageError(code: code)
    }

    private var isDiskFull: Bool {
        var descriptor: Int32 = -1
        unsafe mdb_env_get_fd(handle, &descriptor)
        var status = statvfs()
        guard unsafe fstatvfs(descriptor, &status) == 0 else { return false }
        return UInt64(status.f_bavail) &* UInt64(status.f_frsize) < 1 << 20
    }
}
