// The reduction of a range before it is made: rows of leaves at the range's edges, and reductions that inner nodes keep.
//
// Gathering them needs the snapshot, reducing them needs the reducer. The one must be short and the other may be slow, so
// they are two steps, and many ranges (the groups of a query) are reduced in one question each for rows and reductions.

/// What one range comes to, in the order of its rows.
package struct ReductionPieces: Sendable {
    enum Piece: Sendable {
        /// Rows of a leaf.
        case rows(RowRun)
        /// Children of an inner node, which keeps their reductions.
        case children(ChildRun)
        /// All functions' reductions of the whole tree, each after its length.
        case tree([UInt8])
    }

    private(set) var pieces: [Piece] = []

    /// Whether the range has no rows.
    package var isEmpty: Bool { pieces.isEmpty }

    mutating func append(_ node: IndexNode, _ rows: Range<Int>) {
        if !rows.isEmpty { pieces.append(.rows(RowRun(node: node, rows: rows))) }
    }

    mutating func append(_ node: IndexNode, children: Range<Int>) {
        if !children.isEmpty { pieces.append(.children(ChildRun(node: node, children: children))) }
    }

    mutating func append(tree: IndexChild) { pieces.append(.tree(tree.reductions)) }

    /// Puts pieces that were gathered from the end into the order of their rows.
    mutating func reverse() { pieces.reverse() }

    /// The reductions of ranges, none of which is empty.
    ///
    /// Each has been reduced and then rereduced, even one that is a single piece: so does CouchDB, where one node
    /// rereduces what others found.
    package static func reduce(
        _ ranges: [ReductionPieces],
        function: Int,
        reducer: inout some NodeReducer
    ) throws(SettleError) -> [[UInt8]] {
        guard !ranges.isEmpty else { return [] }
        var runs: [RowRun] = []
        for range in ranges {
            for case .rows(let run) in range.pieces { runs.append(run) }
        }
        let reduced = runs.isEmpty ? [] : try reducer.reduce(runs, function: function)
        var next = 0
        var groups: [ReductionGroup] = []
        groups.reserveCapacity(ranges.count)
        for range in ranges {
            var group = ReductionGroup(function: function)
            group.parts.reserveCapacity(range.pieces.count)
            for piece in range.pieces {
                switch piece {
                case .rows:
                    group.parts.append(.reduction(reduced[next]))
                    next += 1
                case .children(let run): group.parts.append(.children(run))
                case .tree(let bytes):
                    let range = try IndexChild.reduction(function, of: bytes, in: 0..<bytes.count)
                    group.parts.append(.reduction(Array(bytes[range])))
                }
            }
            groups.append(group)
        }
        return try reducer.rereduce(groups, function: function)
    }
}
