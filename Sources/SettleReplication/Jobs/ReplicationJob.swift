// One replication of a server: its task, and how it is shown.

import SettleCore

/// A replication that a server runs.
final class ReplicationJob: Sendable {
    let name: ReplicationID
    let replication: Replication
    private let task: Task<Result<ReplicationResult, SettleError>, Never>

    /// Starts a replication; `ended` is called when it is over.
    init(name: ReplicationID, _ replication: Replication, ended: @escaping @Sendable () -> Void) {
        self.name = name
        self.replication = replication
        task = Task {
            defer { ended() }
            do throws(SettleError) {
                return .success(try await replication.run())
            } catch {
                return .failure(error)
            }
        }
    }

    /// What came of it, when it is over.
    var result: ReplicationResult {
        get async throws(SettleError) { try await task.value.get() }
    }

    /// Stops it and waits until it has.
    func stop() async {
        replication.stop()
        _ = await task.value
    }
}

extension ReplicationJob {
    /// Where CouchDB shows an Erlang process.
    private static let process = JSONValue.string("<0.0.0>")
    private static let node = JSONValue.string("nonode@nohost")

    /// The entry of `_active_tasks`.
    var activeTask: JSONValue {
        let status = replication.status
        let options = replication.options
        let members: [(String, JSONValue)] = [
            ("node", Self.node),
            ("pid", Self.process),
            ("type", "replication"),
            ("replication_id", .string(name.text)),
            ("database", .null),
            ("doc_id", .null),
            ("user", .null),
            ("source", .string(options.source.description)),
            ("target", .string(options.target.description)),
            ("continuous", .bool(options.isContinuous)),
            ("checkpoint_interval", .number(JSONNumber(options.checkpointInterval.milliseconds))),
            ("started_on", .number(JSONNumber(status.startedAt))),
            ("updated_on", .number(JSONNumber(status.updatedAt))),
        ]
        return .object(JSONObject(members + status.counts))
    }

    /// The entry of `_scheduler/jobs`.
    var description: JSONValue {
        let status = replication.status
        let started = JSONValue.string(HTTPDate.timestamp(unixSeconds: status.startedAt))
        var history: [JSONValue] = [
            ["timestamp": started, "type": "started"], ["timestamp": started, "type": "added"],
        ]
        if status.state == .crashing, let error = status.error {
            let time = HTTPDate.timestamp(unixSeconds: status.updatedAt)
            history.insert(
                ["timestamp": .string(time), "type": "crashed", "reason": .string("\(error)")],
                at: 0
            )
        }
        return [
            "database": .null,
            "id": .string(name.text),
            "pid": Self.process,
            "source": .string(replication.options.source.description),
            "target": .string(replication.options.target.description),
            "user": .null,
            "doc_id": .null,
            "info": .object(JSONObject(status.counts)),
            "history": .array(history),
            "node": Self.node,
            "start_time": started,
        ]
    }
}

extension ReplicationStatus {
    /// The counts and positions, under the names of `_active_tasks`.
    fileprivate var counts: [(String, JSONValue)] {
        [
            ("revisions_checked", .number(JSONNumber(statistics.missingChecked))),
            ("missing_revisions_found", .number(JSONNumber(statistics.missingFound))),
            ("docs_read", .number(JSONNumber(statistics.documentsRead))),
            ("docs_written", .number(JSONNumber(statistics.documentsWritten))),
            ("changes_pending", pendingChanges.map { .number(JSONNumber($0)) } ?? .null),
            ("doc_write_failures", .number(JSONNumber(statistics.documentWriteFailures))),
            ("bulk_get_docs", .number(JSONNumber(statistics.bulkGetDocuments))),
            ("bulk_get_attempts", .number(JSONNumber(statistics.bulkGetAttempts))),
            ("checkpointed_source_seq", committed.value),
            ("source_seq", position.value),
            ("through_seq", through.value),
        ]
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
