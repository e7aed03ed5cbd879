import SettleCore

/// Rows in trees of different shapes, and what they reduce to.
struct ReducedRows {
    /// Strings by their bytes.
    struct ByteCollator: StringCollator {
        let version = "bytes"

        func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
            bytes.append(contentsOf: text[range])
        }
    }

    var store = MemoryNodeStore()
    var tree: IndexTree
    var reducers: ViewReducers

    /// Rows of ascending keys 0, 1, … unless there are other keys; JSON texts all.
    init(
        _ values: [String],
        keys: [String]? = nil,
        reducer: String,
        nodeBytes: Int,
        engine: (any ReduceEngine)? = nil
    ) throws {
        reducers = try ViewReducers([Array(reducer.utf8)], collator: ByteCollator(), engine: engine)
        tree = IndexTree(nodeBytes: nodeBytes)
        var changes = IndexChanges()
        for (index, value) in values.enumerated() {
            let key = Array((keys?[index] ?? "\(index)").utf8)
            var payload: [UInt8] = []
            ViewRow.appendPayload(
                key: key[...],
                id: Array("id\(index)".utf8)[...],
                value: Array(value.utf8)[...],
                to: &payload
            )
            changes.insert(key: [UInt8(index >> 8), UInt8(index & 255)], payload: payload[...])
        }
        try tree.update(&changes, in: &store, reducer: &reducers)
    }

    /// What a query over all rows, or over some, shows.
    mutating func value(from first: Int = 0, to last: Int = 0xFFFF) throws -> String {
        let range = IndexRange(
            lower: [UInt8(first >> 8), UInt8(first & 255)],
            upper: [UInt8(last >> 8), UInt8(last & 255)]
        )
        let pieces = try tree.pieces(of: first == 0 && last == 0xFFFF ? IndexRange() : range, in: store)
        let reduction = try ReductionPieces.reduce([pieces], function: 0, reducer: &reducers)[0]
        return String(decoding: try reducers.finalize(reduction[...], function: 0), as: UTF8.self)
    }

    /// The same of a single leaf and of a tree of many nodes, which must agree.
    static func value(_ values: [String], keys: [String]? = nil, by reducer: String) throws -> String {
        var flat = try ReducedRows(values, keys: keys, reducer: reducer, nodeBytes: 1 << 15)
        var deep = try ReducedRows(values, keys: keys, reducer: reducer, nodeBytes: 64)
        let value = try flat.value()
        let other = try deep.value()
        guard value == other else { return "a leaf has \(value), nodes have \(other)" }
        return value
    }
}
