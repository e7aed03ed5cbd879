#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How many files this process may have open at once.
package enum OpenFileLimit {
    /// Enough for the open databases (three files each), their indexes (two) and some ten thousand connections.
    private static let wanted: rlim_t = 1 << 14

    /// Raises the limit to what a server needs, or as far as the system allows.
    ///
    /// Many systems give a process 1024 files, or 256, unless it asks for more.
    package static func raise() {
        #if canImport(Glibc)
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let files = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard unsafe getrlimit(files, &limit) == 0, limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(limit.rlim_max, wanted)
        _ = unsafe setrlimit(files, &limit)
    }
}
