import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// An open directory.
///
/// A path means whatever has it at the moment: another process may have deleted a database and made a new one in
/// its place, with files of the same names. What is asked of this object concerns the directory that was opened, wherever
/// it has been moved to, and no other.
///
/// ```swift
/// let directory = try Directory("notes.settle")
/// try directory.remove("attachments/17")
/// ```
///
/// Names are paths from the directory on.
package final class Directory: Sendable {
    let descriptor: Int32

    /// Opens a directory, which must be there.
    package init(_ path: String) throws(StorageError) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .lastSystemError }
    }

    deinit {
        _ = close(descriptor)
    }

    /// The names in the directory, as `FileSystem.list` gives them.
    package func names() throws(StorageError) -> [String] {
        // A descriptor of its own, because a stream keeps its place in it and closes it.
        let stream = unsafe fdopendir(openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        return unsafe try FileSystem.names(in: stream)
    }

    /// Removes a file, and returns whether there was one.
    @discardableResult
    package func remove(_ name: String) throws(StorageError) -> Bool {
        guard unsafe unlinkat(descriptor, name, 0) != 0 else { return true }
        guard errno == ENOENT else { throw .lastSystemError }
        return false
    }

    /// Whether an environment's file is the one of that name here.
    package func holds(_ environment: Environment, as name: String) -> Bool {
        var file: Int32 = -1
        unsafe mdb_env_get_fd(environment.handle, &file)
        var opened = stat()
        var present = stat()
        return unsafe fstat(file, &opened) == 0 && fstatat(descriptor, name, &present, 0) == 0
            && opened.st_ino == present.st_ino && opened.st_dev == present.st_dev
    }
}
