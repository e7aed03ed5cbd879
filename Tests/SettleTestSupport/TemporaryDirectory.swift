// A directory for one test's files, cleared afterwards, or kept for `settle check` where SETTLE_TEST_DATA names a place.

import Foundation

/// A fresh directory that goes away with this object.
package final class TemporaryDirectory: Sendable {
    package let path: String
    private let isKept: Bool

    /// Makes a directory; `mayBeKept` is false where no sound databases will be in it.
    package init(mayBeKept: Bool = true) {
        let kept = mayBeKept ? ProcessInfo.processInfo.environment["SETTLE_TEST_DATA"] : nil
        isKept = kept != nil
        path = "\(kept ?? "/tmp")/settle-test-\(UUID().uuidString.lowercased())"
        // Whoever uses the directory finds out if there is none.
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        if !isKept { try? FileManager.default.removeItem(atPath: path) }
    }
}
