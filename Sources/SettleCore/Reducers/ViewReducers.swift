/// Runs reduce functions that are not built in.
package protocol ReduceEngine: Sendable {}

/// The reduce functions of one tree: so far `_count`, and `_sum` of integers.
package struct ViewReducers: NodeReducer {
    private let names: [String]

    package init(_ sources: [String], engine: (any ReduceEngine)?) throws(SettleError) {
        for name in sources where name != "_count" && name != "_sum" {
            throw SettleError(.notImplemented, "There is no reducer \(name) yet.")
        }
        names = sources
    }

    /// The JSON text of a reduction.
    package func finalize(_ reduction: ArraySlice<UInt8>, function: Int) -> [UInt8] { Array(reduction) }

    package var functionCount: Int { names.count }

    package mutating func reduce(_ runs: [RowRun], function: Int) -> [[UInt8]] {
        runs.map { run in
            guard names[function] == "_sum" else { return Array("\(run.count)".utf8) }
            let sum = (0..<run.count).reduce(0) { $0 + Self.number(ViewRow.value(of: run[$1].payload)) }
            return Array("\(sum)".utf8)
        }
    }

    package mutating func rereduce(_ groups: [[ArraySlice<UInt8>]], function: Int) -> [[UInt8]] {
        groups.map { group in Array("\(group.reduce(0) { $0 + Self.number($1) })".utf8) }
    }

    private static func number(_ text: ArraySlice<UInt8>) -> Int {
        Int(String(decoding: text, as: UTF8.self)) ?? 0
    }
}
