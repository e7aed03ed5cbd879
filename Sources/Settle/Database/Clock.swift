#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The time of day, for what is written down; nothing is decided by it.
enum Clock {
    /// Holds the thread for a moment.
    static func pause(microseconds: UInt32) {
        usleep(microseconds)
    }

    /// How many processors there are to run on.
    static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Microseconds since 1970.
    static func microseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }
}
