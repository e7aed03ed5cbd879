// How the rows of a tree are reduced, as the tree sees it: bytes in, bytes out.
//
// Several functions may reduce the rows of one tree (views with equal maps share it). Every inner node keeps one
// reduction per function and child. A reduction is a byte string that only its reducer understands.
//
// The subtle thing: questions come in batches, many nodes at once, because a reducer written in JavaScript is a round
// trip to another process.

/// Reduces rows and reductions.
package protocol NodeReducer {
    /// How many functions reduce the rows of the tree.
    var functionCount: Int { get }

    /// The reductions of runs of rows, one per run; no run is empty.
    mutating func reduce(_ runs: [RowRun], function: Int) throws(SettleError) -> [[UInt8]]

    /// The reductions of groups of reductions, one per group.
    mutating func rereduce(_ groups: [ReductionGroup], function: Int) throws(SettleError) -> [[UInt8]]
}

/// Reduces nothing: for views that only map.
package struct NoReducer: NodeReducer, Sendable {
    package init() {}

    package var functionCount: Int { 0 }

    package mutating func reduce(_ runs: [RowRun], function: Int) -> [[UInt8]] { runs.map { _ in [] } }

    package mutating func rereduce(_ groups: [ReductionGroup], function: Int) -> [[UInt8]] {
        groups.map { _ in [] }
    }
}
