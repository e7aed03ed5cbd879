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
///
/// Between processes, LMDB warns, opening may fail while another process opens or closes the same file: where
/// its locks need tearing down, the last to close does so, and who opens in that very moment goes on
/// with what was torn down. So every process of ours opens and closes under an advisory lock (`flock`) of the
/// data file, which LMDB doesn't use.
enum OpenFiles {
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// The right to open or close a file's environment, which one process at a time has.
    struct Turn: ~Copyable {
        private let descriptor: Int32

        /// Waits for the turn, which ends with this value and closes the descriptor.
        init(closing descriptor: Int32) {
            self.descriptor = descriptor
            // Another failure than an interruption means a file system without locks: then there is no turn
            // to wait for, and LMDB's own locks wouldn't work there either.
            while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
        }

        deinit {
            _ = close(descriptor)
        }
    }

    private static let identities = Mutex<Set<Identity>>([])

    /// Notes the file at `path` as open, creating an empty one if asked, and runs `open` in this process's turn.
    ///
    /// A plain `open` of the data file is harmless: LMDB's record locks are on the file beside it.
    static func register(
        path: String,
        creating: Bool,
        _ body: () throws(StorageError) -> Void
    ) throws(StorageError) -> Identity {
        let descriptor = unsafe open(path, (creating ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .lastSystemError }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let error = StorageError.lastSystemError
            _ = close(descriptor)
            throw error
        }
        let identity = Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            inode: UInt64(truncatingIfNeeded: status.st_ino)
        )
        let isNew = identities.withLock { $0.insert(identity).inserted }
        guard isNew else {
            _ = close(descriptor)
            throw .alreadyOpen
        }
        let turn = Turn(closing: descriptor)
        do throws(StorageError) {
            try body()
        } catch {
            unregister(identity)
            throw error
        }
        _ = consume turn
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
