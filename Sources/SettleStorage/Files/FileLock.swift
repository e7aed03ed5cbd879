#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A lock between processes: a file that one of them at a time may hold.
///
/// Advisory (`flock`): it binds those who ask. The system gives it back when its holder dies, however it dies.
/// It belongs to this object, so two objects for one path exclude each other in one process too; any
/// thread may give it back. The file stays where it is: removing it would let two processes lock two files.
package final class FileLock: Sendable {
    private let descriptor: Int32

    /// Opens the lock file at `path`, creating it if needed, without taking the lock.
    package init(path: String) throws(StorageError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .lastSystemError }
    }

    /// Opens the lock file of that name in a directory, creating it if needed, without taking the lock.
    package init(_ name: String, in directory: Directory) throws(StorageError) {
        descriptor = unsafe openat(directory.descriptor, name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .lastSystemError }
    }

    deinit {
        _ = close(descriptor)
    }

    /// Takes the lock if nobody else has it, never waiting, and returns whether it is held now.
    package func tryLock() throws(StorageError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return false
            default: throw .lastSystemError
            }
        }
        return true
    }

    /// Whether the file that is locked is still the one at `path`: it may have been removed, and made anew by others.
    package func isInPlace(_ path: String) -> Bool {
        var held = stat()
        var present = stat()
        return unsafe fstat(descriptor, &held) == 0 && stat(path, &present) == 0
            && held.st_ino == present.st_ino && held.st_dev == present.st_dev
    }

    /// Gives the lock back.
    package func unlock() {
        _ = flock(descriptor, LOCK_UN)
    }
}
