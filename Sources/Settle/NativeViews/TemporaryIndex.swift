// An index for one question: a view that somebody tries out.
//
//     notes.settle/views/native-temporary-4711-1/
//         owner.lock          held as long as the index is wanted
//         index-1.mdb …       as of any index
//
// It is built like any other, so it may be larger than memory, and removed when the last reference to it goes. What a killed
// process leaves is removed by the next one that makes one: nobody holds its lock.

package import SettleCore
import SettleStorage
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// An index that goes when nobody refers to it any more.
package final class TemporaryIndex: Sendable {
    private static let prefix = "native-temporary-"
    private static let made = Atomic<Int>(0)

    package let index: ViewIndex
    private let lock: FileLock
    private let directory: String

    package init(_ source: ViewSource, of database: Database) throws(SettleError) {
        let number = Self.made.wrappingAdd(1, ordering: .relaxed).newValue
        let folder = "\(database.directory)/views"
        let directory = "\(folder)/\(Self.prefix)\(getpid())-\(number)"
        lock = try settling { () throws in
            guard FileSystem.exists(database.directory) else { throw Database.doesNotExist }
            try FileSystem.createDirectory(folder)
            try Self.sweep(folder)
            try FileSystem.createDirectory(directory)
            let lock = try FileLock(path: "\(directory)/owner.lock")
            guard try lock.tryLock() else {
                throw SettleError(.unavailable, "The view's directory is in use.")
            }
            return lock
        }
        self.directory = directory
        index = ViewIndex(
            database: database,
            source: source,
            shared: SharedIndex(directory: directory, options: database.options)
        )
    }

    deinit {
        index.shared.release(nil)
        // Should this fail, the next one sweeps it away.
        _ = try? FileSystem.removeTree(directory)
    }

    /// Removes what killed processes have left.
    private static func sweep(_ folder: String) throws {
        for name in try FileSystem.list(folder) where name.hasPrefix(prefix) {
            let lock = "\(folder)/\(name)/owner.lock"
            guard FileSystem.exists(lock), try FileLock(path: lock).tryLock() else { continue }
            _ = try FileSystem.removeTree("\(folder)/\(name)")
        }
    }

    /// The index's only view, as it was built.
    package func view() throws(SettleError) -> View {
        View(index: index, definition: index.group.views[0], position: try index.position())
    }
}
