#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

// Making things survive a power cut. A file's bytes and its name are two things: `syncFile` secures the first,
// `syncDirectory` the second. A small file is replaced safely by writing another, syncing it, renaming it over
// the old one (which is atomic), and syncing the directory: `replaceFile`.

extension FileSystem {
    /// Waits until the bytes of a file are on the disk.
    package static func syncFile(_ path: String) throws(StorageError) {
        try sync(path, flags: O_RDONLY)
    }

    /// Waits until the names in a directory (new, renamed, removed) are on the disk.
    package static func syncDirectory(_ path: String) throws(StorageError) {
        try sync(path, flags: O_RDONLY | O_DIRECTORY)
    }

    /// Puts `bytes` into the file at `path`, all or nothing, durably.
    ///
    /// Two writers of one path must not run at once: both use the name with `.new` at its end.
    package static func replaceFile(_ path: String, with bytes: [UInt8]) throws(StorageError) {
        let draft = path + ".new"
        do throws(StorageError) {
            try write(bytes, to: draft)
            try rename(draft, to: path)
        } catch {
            _ = unsafe unlink(draft)
            throw error
        }
        try syncDirectory(parent(absolute(path)))
    }

    /// The bytes of a small file; nil if there is none.
    package static func readFile(_ path: String) throws(StorageError) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .lastSystemError
        }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe read(descriptor, &part, part.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .lastSystemError
            }
            bytes.append(contentsOf: part[..<count])
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .lastSystemError }
        defer { _ = close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                #if canImport(Darwin)
                return unsafe Darwin.write(descriptor, rest.baseAddress, rest.count)
                #elseif canImport(Musl)
                return unsafe Musl.write(descriptor, rest.baseAddress, rest.count)
                #else
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                #endif
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw .lastSystemError
            }
            written += count
        }
        try sync(descriptor)
    }

    private static func sync(_ path: String, flags: Int32) throws(StorageError) {
        let descriptor = unsafe open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw .lastSystemError }
        defer { _ = close(descriptor) }
        try sync(descriptor)
    }

    /// Waits until the bytes of an open file are on the disk.
    static func sync(_ descriptor: Int32) throws(StorageError) {
        #if canImport(Darwin)
        // On Apple systems fsync leaves the bytes in the drive's cache.
        if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
        #endif
        guard fsync(descriptor) == 0 else { throw .lastSystemError }
    }
}
