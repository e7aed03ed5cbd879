// A folder for one test. When `SETTLE_TEST_DATA` names a directory, folders are made there and left behind, so that
// `make check` can run the consistency checker over every database that the tests wrote.

import Foundation

/// A new, empty folder, deleted with this object unless test data is to be kept.
package final class TemporaryFolder: Sendable {
    package let path: String
    private let isKept: Bool

    package init() throws {
        let kept = ProcessInfo.processInfo.environment["SETTLE_TEST_DATA"]
        isKept = kept != nil
        let parent = kept ?? FileManager.default.temporaryDirectory.path(percentEncoded: false)
        path = URL(filePath: parent).appending(path: "settle-\(UUID().uuidString.lowercased())")
            .path(percentEncoded: false)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        if !isKept { try? FileManager.default.removeItem(atPath: path) }
    }
}
