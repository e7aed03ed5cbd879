import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Which files this process has open as environments.
///
/// LMDB tells live readers from dead ones by a POSIX record lock on the lock file, and POSIX drops
/// all of a process's locks on a file when *any* descriptor of it is closed. Opening an environment
/// a second time would therefore silently take the first one's protection away. Files are told apart
/// by device and inode, so another spelling of a path, or a link, is caught too.
enum OpenFiles {
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private static let identities = Mutex<Set<Identity>>([])

    /// Notes the file at `path` as open, creating an empty one if asked.
    ///
    /// A plain `open` of the data file is harmless: the locks are on the file beside it.
    static func register(path: String, creating: Bool) throws(StorageError) -> Identity {
        let descriptor = unsafe open(path, (creating ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .lastSystemError }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .lastSystemError }
        let identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        let isNew = identities.withLock { $0.insert(identity).inserted }
        guard isNew else { throw .alreadyOpen }
        return identity
    }

    /// Closes the file by `close` and forgets it, as one step.
    ///
    /// Were they two, the inode of a file that was removed meanwhile could be given to a new file in
    /// between, which would be taken for this one.
    static func unregister(_ identity: Identity, after close: () -> Void = {}) {
        identities.withLock {
            close()
            $0.remove(identity)
        }
    }
}
