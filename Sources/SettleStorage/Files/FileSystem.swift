#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A file's time, as exact as the file system keeps it.
package struct FileTime: Hashable, Sendable {
    package let seconds: Int
    package let nanoseconds: Int
}

/// What the store asks of the file system.
///
/// Paths are plain strings; errors are the system's.
package enum FileSystem {
    package static func exists(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0
    }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The length of a file in bytes; nil if there is none.
    package static func size(_ path: String) throws(StorageError) -> Int? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .lastSystemError
        }
        return Int(status.st_size)
    }

    /// When a file was last written to; nil if there is none.
    package static func modificationTime(_ path: String) -> FileTime? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        return FileTime(seconds: Int(time.tv_sec), nanoseconds: Int(time.tv_nsec))
    }

    /// Makes a directory, if there is none yet, in one that exists.
    package static func createDirectory(_ path: String) throws(StorageError) {
        guard unsafe mkdir(path, 0o755) != 0 else { return }
        let error = StorageError.lastSystemError
        guard isDirectory(path) else { throw error }
    }

    /// The names in a directory, without `.` and `..`, in the order of their bytes.
    package static func list(_ path: String) throws(StorageError) -> [String] {
        unsafe try names(in: opendir(path))
    }

    #if canImport(Darwin)
    typealias DirectoryStream = UnsafeMutablePointer<DIR>
    #else
    typealias DirectoryStream = OpaquePointer
    #endif

    /// The names that a stream of a directory gives, which is closed at its end; nil: it could not be opened.
    static func names(in stream: DirectoryStream?) throws(StorageError) -> [String] {
        guard let directory = unsafe stream else { throw .lastSystemError }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 1) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .lastSystemError }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Removes a file, and returns whether there was one.
    @discardableResult
    package static func remove(_ path: String) throws(StorageError) -> Bool {
        guard unsafe unlink(path) != 0 else { return true }
        guard errno == ENOENT else { throw .lastSystemError }
        return false
    }

    /// Removes a file, or a directory with all it holds, and returns whether there was anything.
    ///
    /// Links are removed, not followed.
    @discardableResult
    package static func removeTree(_ path: String) throws(StorageError) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw .lastSystemError
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return try remove(path) }
        for name in try list(path) { try removeTree(path + "/" + name) }
        guard unsafe rmdir(path) == 0 else { throw .lastSystemError }
        return true
    }

    /// Gives a file another name at once, replacing whatever had it.
    ///
    /// Not yet durable: see `syncDirectory`.
    package static func rename(_ path: String, to newPath: String) throws(StorageError) {
        #if canImport(Darwin)
        let code = unsafe Darwin.rename(path, newPath)
        #elseif canImport(Musl)
        let code = unsafe Musl.rename(path, newPath)
        #else
        let code = unsafe Glibc.rename(path, newPath)
        #endif
        guard code == 0 else { throw .lastSystemError }
    }

    /// The bytes an unprivileged process may still write where `path` is.
    package static func availableBytes(_ path: String) throws(StorageError) -> Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { throw .lastSystemError }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }
}
