import CLMDB

extension Environment {
    /// The oldest commit that a reader of any living process still sees; nil if nobody reads.
    ///
    /// What a commit made unreachable may be destroyed outside of the file once this is nil or not less than that
    /// commit: whoever begins to read later sees a later state.
    package func oldestReader() throws(StorageError) -> UInt64? {
        // A reader that was killed would be waited for for ever.
        checkStaleReaders()
        var oldest = OldestReader()
        // LMDB tells about its readers in lines of text only: process, thread and commit, or `-` for an idle slot.
        let code = gate.ifOpen {
            unsafe withUnsafeMutablePointer(to: &oldest) { context in
                unsafe mdb_reader_list(handle, noteReader, context)
            }
        }
        guard let code else { throw .closed }
        guard code >= 0 else { throw StorageError(code: code) }
        return oldest.commit
    }
}

/// What the lines so far have told.
private struct OldestReader {
    var commit: UInt64?
}

private let noteReader: @convention(c) (UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Int32 = {
    guard let line = unsafe $0, let context = unsafe $1 else { return 0 }
    let words = unsafe String(cString: line).split { $0 == " " || $0 == "\n" }
    guard words.count == 3, let commit = UInt64(words[2]) else { return 0 }
    let oldest = unsafe context.assumingMemoryBound(to: OldestReader.self)
    unsafe oldest.pointee.commit = min(unsafe oldest.pointee.commit ?? .max, commit)
    return 0
}
