#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A file of bytes that is written once, from front to back, and read anywhere.
///
/// One that is being written is a *draft*: it is locked (`flock`), and goes away with this object. `link` gives its
/// bytes a name that stays. When a process dies, the lock of its drafts goes with it, so whoever can lock a draft
/// may remove it: `sweepDrafts`.
///
/// Reading is safe on any number of threads; writing must be done by one at a time. A file that was opened stays
/// readable after its name is gone.
package final class BlobFile: Sendable {
    package let path: String
    private let descriptor: Int32
    private let isDraft: Bool

    private init(path: String, descriptor: Int32, isDraft: Bool) {
        self.path = path
        self.descriptor = descriptor
        self.isDraft = isDraft
    }

    deinit {
        if isDraft { _ = unsafe unlink(path) }
        _ = close(descriptor)
    }

    /// Opens a file to read; nil if there is none.
    package static func open(_ path: String) throws(StorageError) -> BlobFile? {
        try opened(openFile(path, O_RDONLY | O_CLOEXEC, 0), path)
    }

    /// Opens a file to read by its name in a directory; nil if there is none.
    package static func open(_ name: String, in directory: Directory) throws(StorageError)
        -> BlobFile?
    {
        try opened(unsafe openat(directory.descriptor, name, O_RDONLY | O_CLOEXEC), name)
    }

    private static func opened(_ descriptor: Int32, _ path: String) throws(StorageError) -> BlobFile? {
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .lastSystemError
        }
        return BlobFile(path: path, descriptor: descriptor, isDraft: false)
    }

    // MARK: Drafts

    private static let draftPrefix = "draft-"

    /// Makes a draft in a directory that exists.
    package static func draft(in directory: String) throws(StorageError) -> BlobFile {
        while true {
            let path = "\(directory)/\(draftPrefix)\(String(UInt64.random(in: .min ... .max), radix: 16))"
            let descriptor = openFile(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                if errno == EEXIST || errno == EINTR { continue }
                throw .lastSystemError
            }
            // A sweeper may have come between the two calls.
            var status = stat()
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, unsafe fstat(descriptor, &status) == 0,
                status.st_nlink > 0
            {
                return BlobFile(path: path, descriptor: descriptor, isDraft: true)
            }
            _ = close(descriptor)
        }
    }

    /// Removes the drafts in a directory whose writers are gone.
    package static func sweepDrafts(in directory: String) throws(StorageError) {
        for name in try FileSystem.list(directory) where name.hasPrefix(draftPrefix) {
            let path = "\(directory)/\(name)"
            let descriptor = openFile(path, O_RDWR | O_CLOEXEC, 0)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { _ = unsafe unlink(path) }
            _ = close(descriptor)
        }
    }

    /// Writes bytes at the end.
    package func append(_ bytes: ArraySlice<UInt8>) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe writeFile(descriptor, rest.baseAddress, rest.count)
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw .lastSystemError
            }
            written += count
        }
    }

    /// Waits until the bytes are on the disk.
    package func sync() throws(StorageError) {
        try FileSystem.sync(descriptor)
    }

    /// Gives the bytes another name, in place of whatever has it; durable after `syncDirectory`.
    package func link(to newPath: String) throws(StorageError) {
        while linkFile(path, newPath) != 0 {
            guard errno == EEXIST else { throw .lastSystemError }
            try FileSystem.remove(newPath)
        }
    }

    // MARK: Reading

    /// How many bytes there are.
    package var size: UInt64 {
        get throws(StorageError) {
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { throw .lastSystemError }
            return UInt64(status.st_size)
        }
    }

    /// Appends up to `count` bytes from `offset` on to `output`; fewer only where the file ends.
    package func read(from offset: UInt64, count: Int, into output: inout [UInt8]) throws(StorageError) {
        var failure: StorageError?
        let part = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let rest = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[done...]
                )
                let got = unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
                if got == 0 { return }
                guard got > 0 else {
                    if errno == EINTR { continue }
                    failure = .lastSystemError
                    return
                }
                done += got
            }
        }
        if let failure { throw failure }
        if output.isEmpty { output = part } else { output.append(contentsOf: part) }
    }
}

// The system's calls, under names that the type's own do not hide.

private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
    unsafe open(path, flags, mode)
}

private func linkFile(_ path: String, _ newPath: String) -> Int32 {
    unsafe link(path, newPath)
}

private func writeFile(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
