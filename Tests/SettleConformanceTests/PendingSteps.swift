// Steps that Settle does not answer as CouchDB does, each with the reason, in `Fixtures/conformance/pending.json`.
//
// The list can only shrink: a step on it that is answered rightly fails the test until it is taken off.

import Foundation
import SettleCore

struct PendingSteps: Sendable {
    /// Step numbers by scenario.
    private let steps: [String: Set<Int>]

    init(file: URL = Fixtures.conformance.appending(path: "pending.json")) throws {
        try self.init(JSONValue(parsing: [UInt8](try Data(contentsOf: file))))
    }

    init(_ json: JSONValue) throws {
        var steps: [String: Set<Int>] = [:]
        for entry in json.array ?? [] {
            guard let scenario = entry["scenario"]?.string, entry["reason"]?.string != nil,
                let numbers = entry["steps"]?.array
            else { throw ScenarioError.malformed("pending.json: \(entry)") }
            steps[scenario, default: []].formUnion(numbers.compactMap(\.int))
        }
        self.steps = steps
    }

    /// What is wrong with the results of a scenario, for people: empty if only pending steps failed, and all of them.
    func judge(_ scenario: String, _ results: [StepResult]) -> [String] {
        let pending = steps[scenario] ?? []
        var problems: [String] = []
        for result in results {
            switch (result.passed, pending.contains(result.step.number)) {
            case (false, false):
                problems.append("\(result.step.title)\n    \(result.differences.joined(separator: "\n    "))")
            case (true, true):
                problems.append("\(result.step.title): passes now; take it off pending.json")
            default:
                break
            }
        }
        let known = Set(results.map(\.step.number))
        problems += pending.subtracting(known).sorted().map { "pending.json: step \($0) is no step" }
        return problems
    }

    /// The scenarios that the list names.
    var scenarios: Set<String> { Set(steps.keys) }
}
