// Reductions that are to become one: those of neighbouring stretches of rows, in the order of the rows.
//
// Most of them lie in inner nodes, side by side, one per child. They are reduced where they lie: a run of children stands
// for all of its reductions, and a reducer is shown one stretch of bytes after the other. Taking each out as a slice of
// its own costs several times what adding up a number does, nearly all of it for counting references.

/// Neighbouring children of one inner node; never none.
struct ChildRun: Sendable {
    let node: IndexNode
    let children: Range<Int>

    /// Shows what the children's rows reduce to under one function: a node's bytes, and where in them.
    @inline(__always)
    func forEachReduction(
        _ function: Int,
        _ body: (_ bytes: [UInt8], _ range: Range<Int>) throws(SettleError) -> Void
    ) throws(SettleError) {
        let bytes = node.bytes
        for index in children {
            try body(bytes, try IndexChild.reduction(function, of: bytes, in: node.child(index).reductions))
        }
    }
}

/// Reductions under one function that are to be rereduced together; never none.
package struct ReductionGroup: Sendable {
    enum Part: Sendable {
        /// One reduction.
        case reduction([UInt8])
        /// Those that an inner node keeps.
        case children(ChildRun)
    }

    let function: Int
    var parts: [Part] = []

    /// Shows every reduction: bytes, and where in them.
    @inline(__always)
    func forEach(
        _ body: (_ bytes: [UInt8], _ range: Range<Int>) throws(SettleError) -> Void
    ) throws(SettleError) {
        for part in parts {
            switch part {
            case .reduction(let bytes): try body(bytes, 0..<bytes.count)
            case .children(let run): try run.forEachReduction(function, body)
            }
        }
    }

    /// The reductions one by one, for reducers that take their time.
    package func reductions() throws(SettleError) -> [ArraySlice<UInt8>] {
        var reductions: [ArraySlice<UInt8>] = []
        try forEach { (bytes, range) throws(SettleError) in reductions.append(bytes[range]) }
        return reductions
    }
}
