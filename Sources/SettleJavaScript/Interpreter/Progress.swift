#if JavaScript
// A number that the harness counts up with every document.
//
// A time limit is for one document, as CouchDB's is, but a question is about a hundred of them. Whoever watches over the
// functions' time looks at this number: while it moves, nothing hangs. It lies in memory that a worker shares with its
// server, so that the server sees it too while the worker is busy.

/// Where a counter lies.
@safe
struct Progress {
    /// Four bytes that the harness sees as an array of one number.
    let address: UnsafeMutablePointer<Int32>
    /// How many bytes a shared counter's file has.
    static let byteCount = 4096

    /// A counter of this process alone, which lives as long as the process.
    init() {
        unsafe address = .allocate(capacity: 1)
        unsafe address.initialize(to: 0)
    }

    /// A counter in memory that somebody mapped.
    init(address: UnsafeMutableRawPointer) {
        unsafe self.address = unsafe address.assumingMemoryBound(to: Int32.self)
    }

    var value: Int32 { unsafe address.pointee }
}
#endif
