// Who runs reduce functions that are not built in: an engine for JavaScript, or closures for native views.

/// Reduces by functions that are named by their sources.
package protocol ReduceEngine: Sendable {
    /// A JSON text per run of rows.
    func reduce(_ runs: [RowRun], source: [UInt8]) throws(SettleError) -> [[UInt8]]

    /// A JSON text per group of such texts.
    func rereduce(_ groups: [ReductionGroup], source: [UInt8]) throws(SettleError) -> [[UInt8]]
}

/// Reduces by the functions of a program.
///
/// A reduction that hardly reduces becomes an object that says so, which spreads to the reductions above it.
package struct EngineReducer: ReduceEngine {
    private let engine: any FunctionEngine
    private let program: FunctionProgram
    private let sources: [[UInt8]]
    private let limit: ReduceLimit

    /// `sources` are the program's reduce functions, in its order; `limit` says what becomes of reductions that hardly reduce.
    package init(
        engine: any FunctionEngine,
        program: FunctionProgram,
        sources: [[UInt8]],
        limit: ReduceLimit = .enforced
    ) {
        self.engine = engine
        self.program = program
        self.sources = sources
        self.limit = limit
    }

    package func reduce(_ runs: [RowRun], source: [UInt8]) throws(SettleError) -> [[UInt8]] {
        var batch = ReduceBatch(functions: [try function(source)])
        for run in runs {
            batch.beginGroup()
            for index in 0..<run.count {
                let row = ViewRow(run[index].payload)
                batch.append(key: row.key, id: row.id, value: row.value)
            }
        }
        return try engine.ask(.reduce(batch), of: program).map(reduction)
    }

    package func rereduce(_ groups: [ReductionGroup], source: [UInt8]) throws(SettleError) -> [[UInt8]] {
        var batch = RereduceBatch(functions: [try function(source)])
        var reductions: [[UInt8]?] = []
        for group in groups {
            let group = try group.reductions()
            let overflow = group.first { $0.starts(with: Self.overflowMember.utf8) }
            reductions.append(overflow.map { Array($0) })
            if overflow == nil { batch.append([group]) }
        }
        guard batch.count > 0 else { return reductions.map { $0 ?? [] } }
        var answers = try engine.ask(.rereduce(batch), of: program).map(reduction)[...]
        return reductions.map { $0 ?? answers.removeFirst() }
    }

    private func function(_ source: [UInt8]) throws(SettleError) -> Int {
        guard let index = sources.firstIndex(of: source) else {
            throw SettleError(.internalError, "The program has no such reduce function.")
        }
        return index
    }

    private static let overflowMember = #"{"reduce_overflow_error":"#

    private func reduction(_ answer: ReduceAnswer) -> [UInt8] {
        guard limit == .enforced, let overflow = answer.overflow else { return answer.reductions[0] }
        var text = Array(Self.overflowMember.utf8)
        JSONText.appendString(overflow.reason, to: &text)
        text.append(0x7D)
        return text
    }
}
