import CLMDB

extension Array where Element == UInt8 {
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

extension UInt64 {
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
