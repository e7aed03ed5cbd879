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
/// with what was torn down. So every process of ours opens, closes and removes under an advisory lock (`flock`) of the
/// data file, which LMDB doesn't use.
enum OpenFiles {
    struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        /// The file that a descriptor is of; nil if the system can't tell.
        init?(of descriptor: Int32) {
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { return nil }
            self.init(status)
        }

        /// The file that has a path; nil if there is none.
        init?(at path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return nil }
            self.init(status)
        }

        private init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(truncatingIfNeeded: status.st_ino)
        }
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
        while true {
            let descriptor = unsafe open(path, (creating ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw .lastSystemError }
            guard let identity = Identity(of: descriptor) else {
                let error = StorageError.lastSystemError
                _ = close(descriptor)
                throw error
            }
            let isNew = identities.withLock { $0.insert(identity).inserted }
            guard isNew else {
                _ = close(descriptor)
                throw .alreadyOpen
            }
            let turn = Turn(closing: descriptor)
            // Who had the turn before may have removed the file. LMDB would then make a new one, and if the lock file is not
            // gone yet, share that with those who still have the old file open: they would follow a stranger's commits.
            guard Identity(at: path) == identity else {
                unregister(identity)
                guard creating else { throw .noSuchFile }
                continue
            }
            do throws(StorageError) {
                try body()
            } catch {
                unregister(identity)
                throw error
            }
            _ = consume turn
            return identity
        }
    }

    /// Waits for the turn with a file in a directory; nil if there is none.
    static func turn(with name: String, in directory: Directory) throws(StorageError) -> Turn? {
        let descriptor = unsafe openat(directory.descriptor, name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .lastSystemError
        }
        return Turn(closing: descriptor)
    }

    /// Takes the room that LMDB's lock file needs on the disk: for all readers, or as many as there hardly ever are.
    ///
    /// LMDB makes a file that is one hole and writes to it through a mapping. Where the disk is full, that is no error but
    /// the end of the process (SIGBUS).
    static func reserveLockFile(_ path: String, readers: Int) throws(StorageError) {
        guard try (FileSystem.size(path) ?? 0) == 0 else { return }
        // A slot has 64 bytes. LMDB takes a file that is larger than it needs for one with more slots.
        let room = min(8192, readers * 64)
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .lastSystemError }
        defer { _ = close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: room)
        let written = unsafe pwrite(descriptor, zeros, room, 0)
        guard written != room else { return }
        let error = written < 0 ? StorageError.lastSystemError : .diskFull
        _ = ftruncate(descriptor, 0)
        throw error
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
