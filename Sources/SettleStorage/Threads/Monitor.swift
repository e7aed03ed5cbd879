#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A lock with one condition: what `Synchronization.Mutex` lacks is a way to wait.
///
/// A thread holds the monitor between `lock()` and `unlock()`; `wait` gives it up meanwhile, and
/// may return for no reason, so it always stands in a loop that tests something.
///
/// `@unchecked Sendable`: the two pointers never change, and POSIX makes what they point at safe
/// to use from any thread.
@safe
final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        #if canImport(Darwin)
        unsafe pthread_cond_init(condition, nil)
        #else
        // Deadlines must not move when someone sets the wall clock.
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        #endif
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    @inline(__always)
    func lock() { unsafe pthread_mutex_lock(mutex) }

    @inline(__always)
    func unlock() { unsafe pthread_mutex_unlock(mutex) }

    func wait() { unsafe pthread_cond_wait(condition, mutex) }

    func wakeOne() { unsafe pthread_cond_signal(condition) }

    func wakeAll() { unsafe pthread_cond_broadcast(condition) }

    /// Waits until woken, but no longer than until `deadline`, an instant of `Monitor.now`.
    func wait(until deadline: UInt64) {
        #if canImport(Darwin)
        let now = Monitor.now
        guard now < deadline else { return }
        let rest = deadline - now
        var time = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
        unsafe pthread_cond_timedwait_relative_np(condition, mutex, &time)
        #else
        var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        unsafe pthread_cond_timedwait(condition, mutex, &time)
        #endif
    }

    /// Nanoseconds of a clock that never goes back.
    static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// A number for the calling thread, different from that of every other living thread.
    static var currentThread: UInt {
        #if canImport(Glibc)
        UInt(pthread_self())
        #else
        unsafe UInt(bitPattern: pthread_self())
        #endif
    }
}
