// A disk that is soon full, to see what happens then.

import Foundation

/// A file system of few bytes in memory, gone with this object.
///
/// Linux only, and only root may mount one.
package final class SmallDisk {
    /// Where it is mounted.
    package let path: String

    /// Whether this machine lets us make one.
    package static let isPossible = (try? SmallDisk(bytes: 1 << 16)) != nil

    package struct Refused: Error {}

    /// Mounts a disk of so many bytes.
    package init(bytes: Int) throws {
        path = "/tmp/settle-disk-\(UUID().uuidString.lowercased())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Self.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(bytes)", "settle-test", path]) else {
            try FileManager.default.removeItem(atPath: path)
            throw Refused()
        }
    }

    /// Makes room.
    package func grow(to bytes: Int) throws {
        guard Self.run("/bin/mount", ["-o", "remount,size=\(bytes)", path]) else { throw Refused() }
    }

    private static func run(_ program: String, _ arguments: [String]) -> Bool {
        guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: program) else { return false }
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? start(process)) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    deinit {
        // Files that are open still don't matter to a lazy unmount.
        _ = Self.run("/bin/umount", ["-l", path])
        try? FileManager.default.removeItem(atPath: path)
    }
}
