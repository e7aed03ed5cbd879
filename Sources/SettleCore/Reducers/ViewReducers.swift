/// The reduce functions of one tree of a view index: CouchDB's built-in ones run here, others by a ``ReduceEngine``.
package struct ViewReducers: NodeReducer {
    private let reducers: [Reducer]
    private let engine: (any ReduceEngine)?
    private let limit: ReduceLimit
    private let order: ValueOrder

    /// The order of values, behind which a collator is.
    private struct ValueOrder: Sendable {
        let key: @Sendable (_ text: [UInt8], _ range: Range<Int>) -> [UInt8]
    }

    /// The functions of `sources`, which are their names or texts, in the tree's order.
    ///
    /// - Parameters:
    ///   - sources: The functions, or their names, in the tree's order.
    ///   - collator: Ranks strings for `_top_N` and `_bottom_N`.
    ///   - engine: Runs what isn't built in; without it that is an error.
    ///   - limit: What becomes of sums that hardly reduce.
    /// - Throws: where a name is of no built-in function.
    package init(
        _ sources: [[UInt8]],
        collator: some StringCollator,
        engine: (any ReduceEngine)? = nil,
        limit: ReduceLimit = .enforced
    ) throws(SettleError) {
        var reducers: [Reducer] = []
        for source in sources { reducers.append(try Reducer(source: source)) }
        self.reducers = reducers
        self.engine = engine
        self.limit = limit
        order = ValueOrder { text, range in
            var key: [UInt8] = []
            // A row's value is JSON.
            try? CollationKey.append(text, in: range, to: &key, collator: collator)
            return key
        }
    }

    package var functionCount: Int { reducers.count }

    // MARK: Rows

    package mutating func reduce(_ runs: [RowRun], function: Int) throws(SettleError) -> [[UInt8]] {
        switch reducers[function] {
        case .function(let source): return try runner().reduce(runs, source: source)
        case .count: return runs.map { Self.text(of: $0.count) }
        case .first: return runs.map { Array(ViewRow($0[0].payload).value) }
        case .last: return runs.map { Array(ViewRow($0[$0.count - 1].payload).value) }
        case .sum: return runs.map(sum)
        case .statistics:
            return runs.map { run in
                var statistics = StatisticsReducer()
                run.forEachValue { statistics.add($0) }
                return statistics.reduction
            }
        case .distinctKeys:
            return runs.map { run in
                var sketch = DistinctSketch()
                for index in 0..<run.count { sketch.insert(key: ViewRow(run[index].payload).key) }
                return sketch.reduction
            }
        case .ranked(let count, let isAscending):
            return runs.map { run in
                var ranked = RankedReducer(limit: count, isAscending: isAscending)
                run.forEachValue { ranked.add($0.text, key: order.key($0.bytes, $0.range)) }
                return ranked.reduction
            }
        }
    }

    private func runner() throws(SettleError) -> any ReduceEngine {
        guard let engine else {
            throw SettleError(.notImplemented, "There is nothing here that runs reduce functions.")
        }
        return engine
    }

    private static func text(of count: Int) -> [UInt8] {
        var text: [UInt8] = []
        JSONText.appendInteger(count, to: &text)
        return text
    }

    private func sum(_ run: RowRun) -> [UInt8] {
        var sum = SumReducer()
        run.forEachValue { sum.add($0) }
        return sum.reduction(limit: limit) {
            // As Erlang would write [[[Key, Id], Value], …].
            var size = 7
            for index in 0..<run.count {
                let row = ViewRow(run[index].payload)
                size += 17 + row.id.count + IncomingDocument.term(of: Array(row.key)).count
                size += IncomingDocument.term(of: Array(row.value)).count
            }
            return size
        }
    }

    // MARK: Reductions

    package mutating func rereduce(
        _ groups: [ReductionGroup],
        function: Int
    ) throws(SettleError) -> [[UInt8]] {
        switch reducers[function] {
        case .function(let source): return try runner().rereduce(groups, source: source)
        case .first: return try groups.map { (group) throws(SettleError) in try Array(group.reductions()[0]) }
        case .last:
            return try groups.map { (group) throws(SettleError) in
                let reductions = try group.reductions()
                return Array(reductions[reductions.count - 1])
            }
        case .count, .sum: return try groups.map(sum)
        case .statistics:
            return try groups.map { (group) throws(SettleError) in
                var statistics = StatisticsReducer()
                try group.forEachText { statistics.add($0) }
                return statistics.reduction
            }
        case .distinctKeys:
            return try groups.map { (group) throws(SettleError) in
                let reductions = try group.reductions()
                if reductions.count == 1 { return Array(reductions[0]) }
                var sketch = DistinctSketch()
                for reduction in reductions { sketch.join(reduction) }
                return sketch.reduction
            }
        case .ranked(let count, let isAscending):
            return try groups.map { (group) throws(SettleError) in
                var ranked = RankedReducer(limit: count, isAscending: isAscending)
                try group.forEachText { reduction in
                    var reader = JSONReader(reduction.bytes, in: reduction.range)
                    // A reduction of this function's is an array.
                    guard (try? reader.enterArray()) == true else { return }
                    while (try? reader.nextElement()) == true, let range = try? reader.skip() {
                        ranked.add(reduction.bytes[range], key: order.key(reduction.bytes, range))
                    }
                }
                return ranked.reduction
            }
        }
    }

    private func sum(_ group: ReductionGroup) throws(SettleError) -> [UInt8] {
        var sum = SumReducer()
        try group.forEachText { sum.add($0) }
        return try sum.reduction(limit: limit) { () throws(SettleError) in
            // As Erlang would write [[[], Reduction], …].
            try group.reductions().reduce(7) { $0 + 7 + IncomingDocument.term(of: Array($1)).count }
        }
    }

    // MARK: Results

    /// What a query shows of a reduction: JSON text.
    ///
    /// - Throws: why the rows can't be reduced (`invalid_value` of `_stats`).
    package func finalize(_ reduction: ArraySlice<UInt8>, function: Int) throws(SettleError) -> [UInt8] {
        if let failure = Reduction.failure(in: reduction) { throw failure }
        guard reducers[function] == .distinctKeys else { return Array(reduction) }
        var sketch = DistinctSketch()
        sketch.join(reduction)
        return Self.text(of: sketch.count)
    }
}
