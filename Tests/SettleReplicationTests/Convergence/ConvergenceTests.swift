// Convergence is what it is all for: whatever happens to some peers, once the network is good again and replications
// have run, all of them have the same leaves, the same winners and the same attachments of every document.
//
//     SETTLE_CONVERGENCE_ROUNDS=2000 swift test --filter Convergence          the long form
//     SETTLE_CONVERGENCE_SEED=42                                              begins with the schedule of this seed
//
// A schedule that ends otherwise is shortened to the steps that matter before it is shown.

import Foundation
import SettleTestSupport
import Testing

@Suite("Convergence")
struct ConvergenceTests {
    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test("Whatever happens to some peers, they agree when the network has healed")
    func agree() async throws {
        let rounds = Self.number("SETTLE_CONVERGENCE_ROUNDS")
        let seed = UInt64(
            Self.number("SETTLE_CONVERGENCE_SEED") ?? (rounds == nil ? 1 : Int.random(in: 0...999_999))
        )
        let workers = rounds == nil ? 2 : 4
        let count = rounds ?? 4
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    let world = try await ConvergenceWorld(seed: seed + UInt64(worker))
                    for round in stride(from: worker, to: count, by: workers) {
                        try await Self.round(seed: seed + UInt64(round), in: world, isLong: rounds != nil)
                    }
                    if rounds != nil { print("convergence: \(await world.cuts) connections cut") }
                    try await world.stop()
                }
            }
            try await group.waitForAll()
        }
    }

    private static func round(seed: UInt64, in world: ConvergenceWorld, isLong: Bool) async throws {
        let schedule = ConvergenceSchedule(
            seed: seed,
            peers: ConvergenceWorld.peerCount,
            steps: isLong ? 5...40 : 5...15
        )
        let outcome = try await outcome(schedule, "c\(seed)", in: world)
        if isLong {
            print(
                """
                convergence: seed \(seed), \(schedule.steps.count) steps, \(schedule.peers.count) peers: \
                \(outcome.documents) documents, \(outcome.leaves) leaves, \(outcome.attachments) attachments \
                \(outcome.complaints.isEmpty ? "ok" : "FAILED")
                """
            )
        }
        if outcome.complaints.isEmpty { return }
        let (short, reasons) = try await shorten(schedule, outcome.complaints, "c\(seed)", in: world)
        Issue.record(
            """
            seed \(seed), peers \(schedule.peers):
            \(short.steps.map(\.description).joined(separator: "\n"))
            \(reasons.joined(separator: "\n"))
            """
        )
    }

    private static func outcome(
        _ schedule: ConvergenceSchedule,
        _ name: String,
        in world: ConvergenceWorld
    ) async throws -> ConvergenceOutcome {
        try await ConvergenceRun(world: world, schedule: schedule, database: name).run()
    }

    /// The steps that matter; each shorter schedule gets three chances to fail, for what happens at once happens in any
    /// order.
    private static func shorten(
        _ schedule: ConvergenceSchedule,
        _ complaints: [String],
        _ name: String,
        in world: ConvergenceWorld
    ) async throws -> (ConvergenceSchedule, [String]) {
        var (reasons, attempt) = (complaints, 0)
        let fails = { (steps: [ConvergenceSchedule.Step]) async throws -> Bool in
            for _ in 0..<3 {
                attempt += 1
                var shorter = schedule
                shorter.steps = steps
                let found = try await outcome(shorter, "\(name)-\(attempt)", in: world).complaints
                if found.isEmpty { continue }
                reasons = found
                return true
            }
            return false
        }
        // Where it doesn't matter that things happen at once, they are steps of their own.
        let apart = schedule.steps.flatMap { step in
            if case .together(let steps) = step { steps } else { [step] }
        }
        let isSequential = try await fails(apart)
        let steps = try await shrunk(isSequential ? apart : schedule.steps, attempts: 60, fails: fails)
        var short = schedule
        short.steps = steps
        return (short, reasons)
    }

    @Test("A peer that loses a document is found out, in few steps")
    func loss() async throws {
        let world = try await ConvergenceWorld(seed: 1)
        let copy = ConvergenceSchedule.Copy(from: 0, to: 1, runner: .here, cuts: nil, batch: 7)
        let edit = { ConvergenceSchedule.Step.edit(peer: 0, .init(document: $0, kind: .change, choice: $1)) }
        let schedule = ConvergenceSchedule(
            peers: [0, 1],
            steps: [
                edit(1, 5), edit(0, 6), .copy(copy), edit(1, 7), .lose(peer: 1, document: 0), edit(3, 8),
                .compact(peer: 0),
            ],
            // What one runner has noted is nothing to another one, who would look at everything again.
            healers: [.here]
        )
        let complaints = try await Self.outcome(schedule, "loss", in: world).complaints
        #expect(complaints.contains { $0.hasPrefix("a: ") })
        let (short, _) = try await Self.shorten(schedule, complaints, "loss", in: world)
        #expect(short.steps.count <= 3)
        #expect(short.steps.contains { if case .lose = $0 { true } else { false } })
        try await world.stop()
    }

    @Test("Shrinking leaves what matters")
    func shrinking() async {
        let short = await shrunk(Array(0..<100), attempts: 1000) { $0.contains(17) && $0.contains(80) }
        #expect(short == [17, 80])
        #expect(await shrunk([1, 2, 3], attempts: 1000) { _ in true } == [])
    }
}
