import SettleCore
import Testing

@Suite("Reducers that are run elsewhere")
struct EngineReducerTests {
    /// Joins values, and marks how often that was done.
    struct Joining: ReduceEngine {
        func reduce(_ runs: [RowRun], source: [UInt8]) -> [[UInt8]] {
            runs.map { run in
                [0x28] + (0..<run.count).flatMap { Array(ViewRow(run[$0].payload).value) } + [0x29]
            }
        }

        func rereduce(_ groups: [ReductionGroup], source: [UInt8]) throws(SettleError) -> [[UInt8]] {
            try groups.map { (group) throws(SettleError) in
                [0x3C] + (try group.reductions()).flatMap { Array($0) } + [0x3E]
            }
        }
    }

    @Test("what one leaf holds is reduced and then rereduced, as CouchDB's coordinator does")
    func coordination() throws {
        var rows = try ReducedRows(["1", "2", "3"], reducer: "function…", nodeBytes: 4080, engine: Joining())
        #expect(try rows.value() == "<(123)>")
        #expect(try rows.value(from: 1, to: 3) == "<(23)>")
    }

    @Test("without an engine a function's reduction is an error that says so")
    func noEngine() throws {
        let error = #expect(throws: SettleError.self) {
            try ReducedRows(["1"], reducer: "function…", nodeBytes: 4080)
        }
        #expect(error?.kind == .notImplemented)
    }

    /// Answers every question with one text.
    final class OneAnswer: FunctionEngine {
        let answer: String
        init(_ answer: String) { self.answer = answer }

        func answer(_ request: [UInt8], of program: FunctionProgram, limits: FunctionLimits)
            throws(SettleError) -> [UInt8]
        {
            Array(answer.utf8)
        }

        func answerInBackground(
            _ request: [UInt8],
            of program: FunctionProgram,
            limits: FunctionLimits
        ) async throws(SettleError) -> [UInt8] { Array(answer.utf8) }
    }

    @Test("a function's reduction that hardly reduces says so from then on, unless that is off")
    func overflow() throws {
        let long = "\"" + String(repeating: "x", count: 6000) + "\""
        let source = Array("function…".utf8)
        for limit in [ReduceLimit.enforced, .ignored] {
            let engine = EngineReducer(
                engine: OneAnswer("[[\(long)]]"),
                program: .empty,
                sources: [source],
                limit: limit
            )
            let value = try {
                var rows = try ReducedRows(["1"], reducer: "function…", nodeBytes: 4080, engine: engine)
                return try rows.value()
            }()
            if limit == .enforced {
                let reason = try JSONValue(parsing: Array(value.utf8))["reduce_overflow_error"]?.string
                #expect(reason?.hasPrefix("Reduce output must shrink more rapidly") == true)
            } else {
                #expect(value == long)
            }
        }
    }
}
