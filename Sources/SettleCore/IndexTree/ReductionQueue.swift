/// Nodes that were written and wait for their reductions, so that a reducer is asked about many at once.
struct ReductionQueue {
    private enum Content {
        case rows(RowRun)
        case children(IndexNode)
    }

    private var contents: [Content] = []
    private var byteCount = 0
    /// The nodes themselves; their reductions are there once the queue was emptied.
    private(set) var nodes: [IndexChild] = []

    /// Whether the reducer should be asked before more is added.
    var isFull: Bool { contents.count >= 256 || byteCount >= 2 << 20 }

    mutating func add(_ child: IndexChild, _ node: IndexNode) {
        nodes.append(child)
        contents.append(node.isInner ? .children(node) : .rows(RowRun(node: node, rows: 0..<node.count)))
        byteCount += node.bytes.count
    }

    /// Reduces what waits and gives all nodes since the last time they were taken.
    mutating func take(_ reducer: inout some NodeReducer) throws(SettleError) -> [IndexChild] {
        try reduce(&reducer)
        let taken = nodes
        nodes = []
        return taken
    }

    /// Reduces what waits.
    mutating func reduce(_ reducer: inout some NodeReducer) throws(SettleError) {
        guard !contents.isEmpty else { return }
        let first = nodes.count - contents.count
        if reducer.functionCount > 0 {
            var results: [[[UInt8]]] = []
            for function in 0..<reducer.functionCount { results.append(try reductions(function, &reducer)) }
            for index in contents.indices {
                nodes[first + index].reductions = IndexChild.joined(results.map { $0[index] })
            }
        }
        contents.removeAll(keepingCapacity: true)
        byteCount = 0
    }

    /// One reduction per node that waits; all of them have rows, or all have children.
    private func reductions(
        _ function: Int,
        _ reducer: inout some NodeReducer
    ) throws(SettleError) -> [[UInt8]] {
        var runs: [RowRun] = []
        var groups: [ReductionGroup] = []
        for content in contents {
            switch content {
            case .rows(let run): runs.append(run)
            case .children(let node):
                let run = ChildRun(node: node, children: 0..<node.count)
                groups.append(ReductionGroup(function: function, parts: [.children(run)]))
            }
        }
        if groups.isEmpty { return try reducer.reduce(runs, function: function) }
        return try reducer.rereduce(groups, function: function)
    }
}
