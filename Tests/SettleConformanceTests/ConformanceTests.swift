import Foundation
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

/// The areas of CouchDB's interface that Settle serves.
private let areas = [
    "server", "database", "documents", "revids", "revtree", "bulk", "alldocs", "changes", "local", "purge",
    "http", "attachments", "replication", "ddocs", "views",
]

/// Scenarios of areas that are not served as a whole.
private let single = ["session"]

private func scenarios() throws -> [Scenario] {
    try Scenario.all(in: areas) + Scenario.all(in: ["security"]).filter { single.contains($0.name) }
}

/// Those that this build can answer: without JavaScript, those without functions.
private func answerable() throws -> [Scenario] {
    #if JavaScript
    try scenarios()
    #else
    try scenarios().filter { !$0.text.contains("function") }
    #endif
}

@Suite("What CouchDB 3.5.0 answered", .serialized)
struct ConformanceTests {
    @Test("Settle answers as CouchDB did", arguments: try answerable())
    func replay(_ scenario: Scenario) async throws {
        try await TestServer.withServer { endpoint in
            var runner = ScenarioRunner(scenario, endpoint: endpoint)
            let results = try await runner.run()
            #expect(results.count == scenario.steps.filter { $0.background == nil }.count)
            for problem in try PendingSteps().judge(scenario.name, results) {
                Issue.record("\(problem)")
            }
        }
    }

    @Test("the list of pending steps names scenarios that are replayed")
    func pendingScenarios() throws {
        let known = Set(try scenarios().map(\.name))
        #expect(try PendingSteps().scenarios.subtracting(known) == [])
    }
}

@Suite("Pending steps")
struct PendingStepsTests {
    @Test("a step that fails and is not listed, and a listed one that passes, are problems")
    func judgement() throws {
        let pending = try PendingSteps([["scenario": "a", "steps": [2, 3], "reason": "later"]])
        func result(_ number: Int, _ differences: [String]) -> StepResult {
            StepResult(step: Step(number: number, json: [:]), differences: differences)
        }
        #expect(pending.judge("a", [result(1, []), result(2, ["x"]), result(3, ["x"])]) == [])
        #expect(pending.judge("a", [result(1, ["x"]), result(2, ["x"]), result(3, ["x"])]).count == 1)
        #expect(pending.judge("a", [result(1, []), result(2, []), result(3, ["x"])]).count == 1)
        #expect(pending.judge("a", [result(1, []), result(2, ["x"])]).count == 1)
        #expect(pending.judge("b", [result(1, []), result(2, [])]) == [])
    }
}
