import SettleStorage
import SettleTestSupport

extension TemporaryDirectory {
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
