import CLMDB

/// One consistent view of an environment; also the reading half of a write transaction.
///
/// The spans it returns lie in the mapped file: nothing is copied. The compiler sees to it that neither
/// they nor a cursor outlives the transaction. In a write transaction they also die at its next change
/// (see `WriteTransaction`).
///
/// It ends when it goes out of scope.
@safe
package struct ReadTransaction: ~Copyable {
    let environment: Environment
    let handle: OpaquePointer
    let isWriting: Bool
    /// Set when a write transaction was committed: LMDB has then freed `handle`.
    var hasEnded = false

    init(environment: Environment, handle: OpaquePointer, isWriting: Bool) {
        self.environment = environment
        unsafe self.handle = handle
        self.isWriting = isWriting
    }

    deinit {
        if !isWriting {
            unsafe mdb_txn_reset(handle)
            unsafe environment.keep(handle)
        } else if !hasEnded {
            checkThread()
            unsafe mdb_txn_abort(handle)
            environment.gate.leaveWriter()
        }
    }

    /// Commits a write transaction; whether it succeeds or not, LMDB frees the handle.
    consuming func commit() throws(StorageError) {
        checkThread()
        hasEnded = true
        let code = unsafe mdb_txn_commit(handle)
        environment.gate.leaveWriter()
        try environment.checkWrite(code)
    }

    /// LMDB's writer lock is a mutex, which only the thread that took it may give back.
    private func checkThread() {
        precondition(
            environment.writingThread == Monitor.currentThread,
            "A write transaction ended on another thread than it began on."
        )
    }

    /// The number of the commit this view shows; of the commit to come, in a write transaction.
    package var id: UInt64 { unsafe UInt64(mdb_txn_id(handle)) }

    /// The value under `key`, in place; nil if there is none.
    @_lifetime(borrow self)
    package func value(_ table: Table, _ key: [UInt8]) throws(StorageError) -> Span<UInt8>? {
        var value = unsafe MDB_val()
        let code = unsafe key.withLMDBValue { unsafe mdb_get(handle, table.index, &$0, &value) }
        return unsafe try found(code, value)
    }

    /// The value under a number, in place; nil if there is none.
    @_lifetime(borrow self)
    package func value(_ table: Table, _ key: UInt64) throws(StorageError) -> Span<UInt8>? {
        var value = unsafe MDB_val()
        let code = unsafe key.withLMDBValue { unsafe mdb_get(handle, table.index, &$0, &value) }
        return unsafe try found(code, value)
    }

    /// A copy of the value under `key`; nil if there is none.
    package func bytes(_ table: Table, _ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        guard let span = try value(table, key) else { return nil }
        return Array(span)
    }

    /// A copy of the value under a number; nil if there is none.
    package func bytes(_ table: Table, _ key: UInt64) throws(StorageError) -> [UInt8]? {
        guard let span = try value(table, key) else { return nil }
        return Array(span)
    }

    /// How many rows the table has, for one look at its root.
    package func count(_ table: Table) throws(StorageError) -> Int {
        var statistics = MDB_stat()
        try unsafe StorageError.check(mdb_stat(handle, table.index, &statistics))
        return statistics.ms_entries
    }

    /// A cursor before the first row of `table`.
    @_lifetime(borrow self)
    package func cursor(_ table: Table) throws(StorageError) -> Cursor {
        try Cursor(self, table)
    }

    @inline(__always)
    @_lifetime(borrow self)
    private func found(_ code: Int32, _ value: MDB_val) throws(StorageError) -> Span<UInt8>? {
        guard code == MDB_SUCCESS else {
            // An empty key is MDB_BAD_VALSIZE to LMDB; nothing is ever stored under it.
            if code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE { return nil }
            throw StorageError(code: code)
        }
        let span = unsafe Span(_unsafeElements: value.buffer)
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

extension Environment {
    /// Begins to read the last committed state.
    ///
    /// Callable on any thread; usually costs two short locks, this one and the one at its end.
    package func beginRead() throws(StorageError) -> ReadTransaction {
        var begun: OpaquePointer?
        try retrying { () throws(StorageError) in
            unsafe begun = try gate.enterReader()
            let code: Int32
            if let idle = unsafe begun {
                unsafe code = mdb_txn_renew(idle)
                // A transaction that fails to renew stays reset.
                if code != MDB_SUCCESS { unsafe keep(idle) }
            } else {
                unsafe code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun)
                if code != MDB_SUCCESS { gate.leaveReader() }
            }
            try StorageError.check(code)
        }
        guard let transaction = unsafe begun else { throw .outOfMemory }
        return unsafe ReadTransaction(environment: self, handle: transaction, isWriting: false)
    }
}
