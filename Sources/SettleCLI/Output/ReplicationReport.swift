// How replications on a command line get on: a line that is redrawn for people, JSON lines for programs.
//
//     running  1,200 documents  400/s  8,800 pending                     settle replicate
//     → idle  12 documents    ← running  300 documents  20 pending       settle sync
//     {"event":"running","direction":"push","missing_checked":12,…}      both, for programs
//
// The subtle thing: a program gets a line whenever a count or a state has changed since the last line, not a line per
// event; what happened while standard output was full is told at once.

import SettleCore
import SettleReplication

/// One replication of a command, and what is said about it.
struct ReportedReplication {
    /// Which way it goes, where there are two.
    enum Direction: String {
        case push, pull

        var arrow: String { self == .push ? "→" : "←" }
    }

    let direction: Direction?
    let replication: Replication
    private var failuresTold = 0
    private var restartsTold = 0
    private var lastTold: (statistics: ReplicationStatistics, state: ReplicationStatus.State)?
    /// Documents written before this run: the counts go on from the last checkpoint's.
    private var writtenBefore: Int?

    init(_ replication: Replication, _ direction: Direction? = nil) {
        self.replication = replication
        self.direction = direction
    }

    /// Takes notice of how it stands, and gives the event to tell, if there is one.
    mutating func take(_ status: ReplicationStatus) -> ProgressEvent? {
        let news = status.failures.dropFirst(failuresTold)
        for failure in news {
            let revision = failure.revision.map { " \($0)" } ?? ""
            StandardError.say("\(failure.id)\(revision): \(failure.name): \(failure.reason)")
        }
        failuresTold = max(failuresTold, status.failures.count)
        if status.restarts > restartsTold, let error = status.error {
            StandardError.say("begins anew: \(error.reason)")
        }
        restartsTold = status.restarts
        guard lastTold?.statistics != status.statistics || lastTold?.state != status.state else { return nil }
        lastTold = (status.statistics, status.state)
        if status.state == .crashing, let error = status.error {
            StandardError.say("will try again: \(error.reason)")
        }
        // The end is told once it is known what came of it.
        guard ![.completed, .stopped, .failed].contains(status.state) else { return nil }
        if status.state != .initializing {
            writtenBefore = writtenBefore ?? status.statistics.documentsWritten
        }
        let pending: JSONValue = status.pendingChanges.map { .number(JSONNumber($0)) } ?? .null
        var values = [(name: "pending", value: pending)]
        if replication.options.retracts {
            values.append(("docs_retracted", .number(JSONNumber(status.documentsRetracted))))
        }
        if !news.isEmpty { values.append(("failures", .array(news.map(\.json)))) }
        return event(status.state.rawValue, status.statistics, values)
    }

    /// An event of this replication.
    private func event(
        _ name: String,
        _ statistics: ReplicationStatistics,
        _ values: [(name: String, value: JSONValue)] = []
    ) -> ProgressEvent {
        let direction = direction.map { [(name: "direction", value: JSONValue.string($0.rawValue))] } ?? []
        return ProgressEvent(name: name, values: direction + Self.values(statistics) + values)
    }

    /// The part of the line for people.
    var line: String {
        let status = replication.status
        let written = status.statistics.documentsWritten - (writtenBefore ?? 0)
        var parts = ["\(Shown.count(written)) documents"]
        if status.documentsPerSecond > 0 { parts.append("\(Shown.count(Int(status.documentsPerSecond)))/s") }
        if let pending = status.pendingChanges { parts.append("\(Shown.count(pending)) pending") }
        if !status.failures.isEmpty { parts.append("\(Shown.count(status.failures.count)) not copied") }
        return "\(prefix)\(status.state.rawValue)  \(parts.joined(separator: "  "))"
    }

    private var prefix: String { direction.map { "\($0.arrow) " } ?? "" }

    /// What is said at the end.
    func ending(_ result: ReplicationResult, after time: Duration) -> (ProgressEvent, line: String) {
        let statistics = result.statistics
        let failures = result.failures.isEmpty ? "" : ", \(Shown.count(result.failures.count)) not copied"
        let left = result.documentsRetracted
        let retracted = left == 0 ? "" : ", \(Shown.count(left)) removed"
        let state = result.wasStopped ? "stopped" : "completed"
        let count = statistics.documentsWritten - Self.writtenBefore(result)
        let line = "\(prefix)\(state): \(Shown.count(count)) documents copied\(retracted)\(failures)"
        return (event(state, statistics), "\(line), \(Shown.rate(count, time))")
    }

    /// What earlier sessions wrote: the history's newest entry is this one's, unless there was nothing to do.
    private static func writtenBefore(_ result: ReplicationResult) -> Int {
        let isUnchanged = result.answer["no_changes"]?.bool == true
        let earlier = isUnchanged ? result.answer["history"]?[0] : result.answer["history"]?[1]
        return earlier?["docs_written"]?.int ?? 0
    }

    /// The counts by the names that CouchDB gives them.
    private static func values(_ statistics: ReplicationStatistics) -> [(name: String, value: JSONValue)] {
        ReplicationStatistics.checkpointMembers.prefix(5).map { name, path in
            (name, .number(JSONNumber(statistics[keyPath: path])))
        }
    }
}

extension DocumentFailure {
    /// The document, which revision of it, and why.
    fileprivate var json: JSONValue {
        [
            "id": .string(id.text), "rev": revision.map { .string($0.description) } ?? .null,
            "error": .string(name), "reason": .string(reason),
        ]
    }
}

/// Runs the replications of a command side by side and tells how they get on.
struct ReplicationReport {
    private var parts: [ReportedReplication]
    private var progress = ProgressReporter()

    init(_ parts: [ReportedReplication]) {
        self.parts = parts
    }

    /// Runs to the end, or until the first signal; then says what came of it and throws if that was not everything.
    mutating func run(until signals: Signals) async throws {
        let replications = parts.map(\.replication)
        let isContinuous = replications.contains { $0.options.isContinuous }
        let stopper = Task {
            await signals.first()
            for replication in replications { replication.stop() }
        }
        defer { stopper.cancel() }
        let (news, send) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let streams = replications.map { $0.statuses() }
        let running = Task {
            await withTaskGroup(of: (Int, Result<ReplicationResult, SettleError>?).self) { group in
                for (index, replication) in replications.enumerated() {
                    group.addTask {
                        // Not inside the pair: the optimizer of Swift 6.3 loses the number where the other half suspends.
                        let result: Result<ReplicationResult, SettleError>
                        do throws(SettleError) {
                            result = .success(try await replication.run())
                        } catch {
                            result = .failure(error)
                        }
                        return (index, result)
                    }
                    group.addTask {
                        for await _ in streams[index] { send.yield() }
                        return (index, nil)
                    }
                }
                var results: [Int: Result<ReplicationResult, SettleError>] = [:]
                for await case (let index, let result?) in group { results[index] = result }
                send.finish()
                return results
            }
        }
        for await _ in news { try tell() }
        try tell()
        try finish(await running.value, isContinuous: isContinuous)
    }

    private mutating func tell() throws {
        for index in parts.indices {
            guard let event = parts[index].take(parts[index].replication.status) else { continue }
            let line = parts.map(\.line).joined(separator: "    ")
            try progress.report(event, line)
        }
    }

    private mutating func finish(
        _ results: [Int: Result<ReplicationResult, SettleError>],
        isContinuous: Bool
    ) throws {
        var refused = 0
        var isComplete = true
        var failure: SettleError?
        for (index, part) in parts.enumerated() {
            switch results[index] {
            case .success(let result)?:
                let (event, line) = part.ending(result, after: progress.elapsed)
                try progress.finish(event, line)
                refused += result.failures.count
                if result.wasStopped, !isContinuous { isComplete = false }
            case .failure(let error)?: failure = failure ?? error
            case nil: isComplete = false
            }
        }
        if let failure { throw failure }
        if refused > 0 {
            throw CommandFailure(
                "\(Shown.count(refused)) documents were not copied",
                status: CommandFailure.partial
            )
        }
        if !isComplete { throw CommandFailure("stopped before everything was copied") }
    }
}
