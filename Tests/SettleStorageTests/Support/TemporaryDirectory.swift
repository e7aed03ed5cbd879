import SettleStorage
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A fresh directory that goes away with its test.
final class TemporaryDirectory: Sendable {
    private static let counter = Atomic<Int>(0)
    let path: String

    init() throws {
        let number = TemporaryDirectory.counter.add(1, ordering: .relaxed).newValue
        path = "/tmp/settle-storage-\(getpid())-\(number)"
        try FileSystem.removeTree(path)
        try FileSystem.createDirectory(path)
    }

    deinit {
        do { try FileSystem.removeTree(path) } catch { print("left behind: \(path)") }
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// An environment in this directory that leaves syncing out: tests don't cut the power.
    func environment(
        _ name: String = "data",
        tables: [String] = ["rows"],
        mapSize: Int = 1 << 30
    ) throws -> Environment {
        try Environment(
            path: file(name),
            tables: tables,
            options: EnvironmentOptions(mapSize: mapSize, durability: .never)
        )
    }
}

func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ span: Span<UInt8>?) -> String? {
    guard let span else { return nil }
    return String(decoding: Array(span), as: UTF8.self)
}
