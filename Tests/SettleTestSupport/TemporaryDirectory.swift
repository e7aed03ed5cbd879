// A directory for one test's files, cleared afterwards, or kept for `settle check` where SETTLE_TEST_DATA names a place.

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A fresh directory that goes away with this object.
package final class TemporaryDirectory: Sendable {
    package let path: String
    private let isKept: Bool

    package init() {
        let kept = getenv("SETTLE_TEST_DATA").map { String(cString: $0) }
        isKept = kept != nil
        var name = ""
        for _ in 0..<12 { name.append("abcdefghijklmnopqrstuvwxyz".randomElement() ?? "x") }
        path = "\(kept ?? "/tmp")/settle-test-\(name)"
        mkdir(path, 0o755)
    }

    deinit {
        guard !isKept else { return }
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        guard let directory = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        closedir(directory)
        rmdir(path)
    }
}
