import CLMDB

/// A place in a table that moves from row to row.
///
/// ```swift
/// var cursor = try transaction.cursor(table)
/// while try cursor.next() { use(cursor.key, cursor.value) }
/// ```
///
/// A move returns whether it found a row; `key` and `value` may only be read while there is one. A new
/// cursor stands outside: `next` goes to the first row, `previous` to the last. After a move past an end
/// the cursor stays there: the same move is false again, the other one comes back to the outermost row. After
/// `seek(exactly:)` was false the cursor is as good as new.
///
/// In a write transaction the rows may change between moves: the cursor keeps its place, and `key` and
/// `value` are looked up again.
@safe
package struct Cursor: ~Copyable, ~Escapable {
    private enum Place {
        case outside, row, removed, end, start
    }

    private let handle: OpaquePointer
    private let environment: Environment
    private let isWriting: Bool
    private var place = Place.outside
    private var writeCount: UInt64 = 0
    private var currentKey: MDB_val
    private var currentValue: MDB_val

    @_lifetime(borrow transaction)
    init(_ transaction: borrowing ReadTransaction, _ table: Table) throws(StorageError) {
        var opened: OpaquePointer?
        try unsafe StorageError.check(mdb_cursor_open(transaction.handle, table.index, &opened))
        guard let opened = unsafe opened else { throw .outOfMemory }
        unsafe handle = opened
        environment = transaction.environment
        isWriting = transaction.isWriting
        unsafe currentKey = MDB_val()
        unsafe currentValue = MDB_val()
    }

    deinit {
        unsafe mdb_cursor_close(handle)
    }

    // MARK: Moves

    package mutating func first() throws(StorageError) -> Bool { try move(MDB_FIRST, elsewhere: .end) }

    package mutating func last() throws(StorageError) -> Bool { try move(MDB_LAST, elsewhere: .start) }

    package mutating func next() throws(StorageError) -> Bool {
        switch place {
        case .row, .removed: try move(MDB_NEXT, elsewhere: .end)
        case .outside, .start: try move(MDB_FIRST, elsewhere: .end)
        case .end: false
        }
    }

    package mutating func previous() throws(StorageError) -> Bool {
        switch place {
        case .row, .removed: try move(MDB_PREV, elsewhere: .start)
        case .outside, .end: try move(MDB_LAST, elsewhere: .start)
        case .start: false
        }
    }

    /// Goes to the first row whose key is `key` or comes after it.
    package mutating func seek(atLeast key: [UInt8]) throws(StorageError) -> Bool {
        // LMDB knows no empty key; every row comes after it.
        try key.isEmpty ? first() : seek(key, MDB_SET_RANGE, elsewhere: .end)
    }

    /// Goes to the first row whose key is that number or comes after it.
    package mutating func seek(atLeast key: UInt64) throws(StorageError) -> Bool {
        try seek(key, MDB_SET_RANGE, elsewhere: .end)
    }

    /// Goes to the row of `key`, if there is one.
    package mutating func seek(exactly key: [UInt8]) throws(StorageError) -> Bool {
        // An empty key is MDB_BAD_VALSIZE to LMDB, and no row's.
        try seek(key, MDB_SET_KEY, elsewhere: .outside)
    }

    /// Goes to the row of a number, if there is one.
    package mutating func seek(exactly key: UInt64) throws(StorageError) -> Bool {
        try seek(key, MDB_SET_KEY, elsewhere: .outside)
    }

    // MARK: The row

    /// Whether the cursor stands on a row.
    package var isOnRow: Bool { place == .row }

    /// The row's key, in place.
    package var key: Span<UInt8> {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(Span(_unsafeElements: row.key.buffer), borrowing: self) }
    }

    /// The row's value, in place.
    package var value: Span<UInt8> {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(Span(_unsafeElements: row.value.buffer), borrowing: self) }
    }

    /// The number that the row's key is.
    package var integerKey: UInt64 {
        let bytes = unsafe UnsafeRawBufferPointer(row.key.buffer)
        precondition(bytes.count == 8, "The key is not a number of eight bytes.")
        return unsafe UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    // MARK: Changes, in a write transaction

    /// Removes the row.
    ///
    /// `next` then goes to the row after it, `previous` to the one before. Should a row be put between these
    /// two before that move, it may be passed over.
    package mutating func delete() throws(StorageError) {
        precondition(place == .row, "The cursor is not on a row.")
        environment.writeCount &+= 1
        try unsafe environment.checkWrite(mdb_cursor_del(handle, 0))
        place = .removed
    }

    /// Replaces the row's value.
    package mutating func put(_ value: [UInt8]) throws(StorageError) {
        // A copy, because LMDB may move the row while it reads the key.
        let key = unsafe Array(row.key.buffer)
        environment.writeCount &+= 1
        try environment.checkWrite(
            unsafe value.withLMDBValue { data in
                unsafe key.withLMDBValue { unsafe mdb_cursor_put(handle, &$0, &data, UInt32(MDB_CURRENT)) }
            }
        )
    }

    // MARK: How

    private mutating func move(_ operation: MDB_cursor_op, elsewhere: Place) throws(StorageError) -> Bool {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let code = unsafe mdb_cursor_get(handle, &key, &value, operation)
        return unsafe try arrive(code, key, value, elsewhere: elsewhere)
    }

    @inline(__always)
    private mutating func seek(
        _ key: some LMDBKey,
        _ operation: MDB_cursor_op,
        elsewhere: Place
    ) throws(StorageError) -> Bool {
        var found = unsafe MDB_val()
        var value = unsafe MDB_val()
        let code = unsafe key.withLMDBValue {
            let code = unsafe mdb_cursor_get(handle, &$0, &value, operation)
            unsafe found = $0
            return code
        }
        return unsafe try arrive(code, found, value, elsewhere: elsewhere)
    }

    @inline(__always)
    private mutating func arrive(
        _ code: Int32,
        _ key: MDB_val,
        _ value: MDB_val,
        elsewhere: Place
    ) throws(StorageError) -> Bool {
        guard code == MDB_SUCCESS else {
            place = elsewhere
            if code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE { return false }
            throw StorageError(code: code)
        }
        place = .row
        unsafe currentKey = key
        unsafe currentValue = value
        if isWriting { writeCount = environment.writeCount }
        return true
    }

    private var row: (key: MDB_val, value: MDB_val) {
        precondition(place == .row, "The cursor is not on a row.")
        guard isWriting, writeCount != environment.writeCount else {
            return unsafe (currentKey, currentValue)
        }
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let code = unsafe mdb_cursor_get(handle, &key, &value, MDB_GET_CURRENT)
        precondition(code == MDB_SUCCESS, "The cursor's row was deleted.")
        return unsafe (key, value)
    }
}
