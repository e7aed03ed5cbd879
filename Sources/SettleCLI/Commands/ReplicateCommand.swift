// `settle replicate`: copies what one database has and another lacks.

import ArgumentParser
import Settle
import SettleCore
import SettleReplication

struct ReplicateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate",
        abstract: "Copy documents from one database to another.",
        discussion: """
            Copies every revision that the target lacks, in CouchDB's protocol, and notes in both databases how far it \
            has come, so that the next run goes on from there. Both ways is two replications.

            A line on a terminal shows documents, rate, pending changes and failures; otherwise standard output gets a \
            JSON object per event. The exit status is 0 if everything was copied, 3 if some documents could not be \
            written, and 1 if the replication could not go on. A continuous one runs until SIGINT or SIGTERM, and \
            notes how far it came before it ends.
            """
    )

    @Argument(help: ArgumentHelp("Where to copy from: a name, a path or a URL.", valueName: "source"))
    var source: Location

    @Argument(help: ArgumentHelp("Where to copy to.", valueName: "target"))
    var target: Location

    @Flag(help: "Create the target if there is none.")
    var createTarget = false

    @Flag(help: "Wait for further changes at the end, until a signal.")
    var continuous = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Copy only the documents with these ids.", valueName: "id")
    )
    var docIds: [String] = []

    @OptionGroup var data: DataOptions

    func run() async throws {
        let signals = Signals()
        let replication = try Replication(
            from: try data.side(source),
            to: try data.side(target, creating: createTarget)
        ) { options in
            options.isContinuous = continuous
            options.createsTarget = createTarget
            if !docIds.isEmpty { options.selection = .documents(docIds.map { DocumentID($0) }) }
        }
        let stopper = Task {
            await signals.first()
            replication.stop()
        }
        defer { stopper.cancel() }
        let statuses = replication.statuses()
        let running = Task { () throws(SettleError) in try await replication.run() }
        var report = ReplicationReport()
        for await status in statuses {
            try report.take(status)
        }
        let result = try await running.value
        try report.finish(result)
        if !result.failures.isEmpty {
            let count = Shown.count(result.failures.count)
            throw CommandFailure("\(count) documents were not copied", status: CommandFailure.partial)
        }
        if result.wasStopped, !continuous {
            throw CommandFailure("stopped before everything was copied")
        }
    }
}

/// Tells how a replication is getting on.
private struct ReplicationReport {
    private var progress = ProgressReporter()
    private var failuresTold = 0
    private var lastTold: (statistics: ReplicationStatistics, state: ReplicationStatus.State)?
    /// Documents written before this run: the counts go on from the last checkpoint's.
    private var writtenBefore: Int?

    mutating func take(_ status: ReplicationStatus) throws {
        for failure in status.failures.dropFirst(failuresTold) {
            StandardError.say("\(failure.id): \(failure.name): \(failure.reason)")
        }
        failuresTold = max(failuresTold, status.failures.count)
        guard lastTold?.statistics != status.statistics || lastTold?.state != status.state else { return }
        lastTold = (status.statistics, status.state)
        if status.state == .crashing, let error = status.error {
            StandardError.say("will try again: \(error.reason)")
        }
        // The end is told by `finish`.
        guard ![.completed, .stopped, .failed].contains(status.state) else { return }
        if status.state != .initializing {
            writtenBefore = writtenBefore ?? status.statistics.documentsWritten
        }
        let line = line(status)
        try progress.report(event(status), line)
    }

    mutating func finish(_ result: ReplicationResult) throws {
        let statistics = result.statistics
        let failures = result.failures.isEmpty ? "" : ", \(Shown.count(result.failures.count)) not copied"
        let state = result.wasStopped ? "stopped" : "completed"
        let count = statistics.documentsWritten - Self.writtenBefore(result)
        let rate = Shown.rate(count, progress.elapsed)
        try progress.finish(
            ProgressEvent(name: state, values: Self.values(statistics)),
            "\(state): \(Shown.count(count)) documents copied\(failures), \(rate)"
        )
    }

    private func line(_ status: ReplicationStatus) -> String {
        let written = status.statistics.documentsWritten - (writtenBefore ?? 0)
        var parts = ["\(Shown.count(written)) documents"]
        if status.documentsPerSecond > 0 { parts.append("\(Shown.count(Int(status.documentsPerSecond)))/s") }
        if let pending = status.pendingChanges { parts.append("\(Shown.count(pending)) pending") }
        if !status.failures.isEmpty { parts.append("\(Shown.count(status.failures.count)) not copied") }
        return "\(status.state.rawValue)  \(parts.joined(separator: "  "))"
    }

    private func event(_ status: ReplicationStatus) -> ProgressEvent {
        let pending: JSONValue = status.pendingChanges.map { .number(JSONNumber($0)) } ?? .null
        return ProgressEvent(
            name: status.state.rawValue,
            values: Self.values(status.statistics) + [("pending", pending)]
        )
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
