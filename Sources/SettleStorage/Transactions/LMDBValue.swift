import CLMDB

/// What can be a key in LMDB.
protocol LMDBKey {
    /// Calls `body` with the key as LMDB takes it.
    func withLMDBValue(_ body: (inout MDB_val) -> Int32) -> Int32
}

extension [UInt8]: LMDBKey {
    /// Calls `body` with these bytes as LMDB takes them; LMDB doesn't write through the pointer.
    @inline(__always)
    func withLMDBValue(_ body: (inout MDB_val) -> Int32) -> Int32 {
        unsafe withUnsafeBufferPointer { buffer in
            var value = unsafe MDB_val(
                mv_size: buffer.count,
                mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress)
            )
            return unsafe body(&value)
        }
    }
}

extension UInt64: LMDBKey {
    /// Calls `body` with this number as a key: eight bytes, highest first.
    @inline(__always)
    func withLMDBValue(_ body: (inout MDB_val) -> Int32) -> Int32 {
        var bytes = bigEndian
        return unsafe withUnsafeMutableBytes(of: &bytes) { buffer in
            var value = unsafe MDB_val(mv_size: buffer.count, mv_data: buffer.baseAddress)
            return unsafe body(&value)
        }
    }
}

extension MDB_val {
    /// The bytes LMDB points at.
    ///
    /// Without a lifetime of its own: the caller gives it that of the transaction or cursor it came from.
    @inline(__always)
    var buffer: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(
            start: mv_data.map { unsafe UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) },
            count: mv_size
        )
    }
}
