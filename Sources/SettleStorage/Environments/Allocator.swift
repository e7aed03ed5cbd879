import CLMDB

#if canImport(Glibc)
import Glibc
#endif

/// How the C allocator treats large blocks, for a process that opens and closes many environments.
package enum Allocator {
    /// Gives large blocks back to the system as soon as they are freed, for the rest of the process's life.
    ///
    /// LMDB zeroes two mebibytes for every environment that is written to and uses a few pages of them. As a mapping of
    /// its own such a block costs those pages, and is gone when it is freed. But glibc takes the first free of one as a
    /// sign that they come and go, and serves the next from its heaps: then all of it is touched, and freed heaps
    /// stay with the process. 500 databases, created and deleted, left 550 MB behind.
    ///
    /// It also lets all threads share a few heaps: with one for each, what one thread has freed is no use to another, and
    /// a server's memory grows with its threads instead of its work.
    ///
    /// A decision for a whole process, so programs take it, not the library.
    package static func givesBackLargeBlocks() {
        #if os(Linux) && canImport(Glibc)
        _ = mallopt(M_MMAP_THRESHOLD, 320 << 10)
        _ = mallopt(M_TRIM_THRESHOLD, 2 << 20)
        _ = mallopt(M_ARENA_MAX, 2)
        #endif
    }
}
