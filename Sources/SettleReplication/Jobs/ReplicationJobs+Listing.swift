// How jobs are shown: `_active_tasks`, `_scheduler/jobs`, `_scheduler/docs`.
//
// A job that watches its source is shown as running, as CouchDB shows a continuous job that has nothing to do.

import Settle
public import SettleCore

extension ReplicationJobs {
    /// Where CouchDB shows an Erlang node.
    private static let node = "settle@127.0.0.1"
    /// Where CouchDB shows an Erlang process.
    private static let process = JSONValue.string("<0.0.0>")

    /// The entries of `GET /_active_tasks` for replications.
    ///
    /// - Returns: One object a replication, with CouchDB's members.
    public func activeTasks() -> [JSONValue] {
        listed.filter { $0.isActive }.map { job in
            let (definition, status) = (job.entry.definition, job.entry.status)
            let options = definition.options
            let members: [(String, JSONValue)] = [
                ("node", .string(Self.node)),
                ("pid", Self.process),
                ("type", "replication"),
                ("replication_id", .string(definition.id)),
                ("database", .text(definition.origin?.database)),
                ("doc_id", .text(definition.origin?.document.text)),
                ("user", .text(definition.user)),
                ("source", .string(options.source.description)),
                ("target", .string(options.target.description)),
                ("continuous", .bool(options.isContinuous)),
                ("checkpoint_interval", .number(JSONNumber(options.checkpointInterval.milliseconds))),
                ("started_on", .number(JSONNumber(definition.startedAt))),
                ("updated_on", .number(JSONNumber(status?.updatedAt ?? definition.startedAt))),
            ]
            return .object(JSONObject(members + (status?.counts ?? [])))
        }
    }

    /// The entries of `GET /_scheduler/jobs`.
    ///
    /// - Returns: One object a replication, with CouchDB's members, sorted by name.
    public func jobList() -> [JSONValue] { listed.map { description($0) } }

    /// The entry of `GET /_scheduler/jobs/ID`; nil if there is no such job.
    package func job(_ id: String) -> JSONValue? {
        listed.first { $0.entry.definition.id.utf8.elementsEqual(id.utf8) }.map { description($0) }
    }

    /// A job with what the scheduler knows of it.
    private struct Listed {
        let entry: JobEntry
        let job: ReplicationScheduler.Job?
        let errors: Int

        var isActive: Bool { job.map { $0.phase != .pending } ?? false }
    }

    private func listed(_ state: borrowing State, _ entry: JobEntry) -> Listed {
        let id = entry.definition.id
        let threshold = state.scheduler.limits.healthThreshold
        let job = state.scheduler.jobs[id]
        return Listed(
            entry: entry,
            job: job,
            errors: job?.history.consecutiveCrashes(healthThreshold: threshold) ?? 0
        )
    }

    private var listed: [Listed] {
        look { state in state.jobs.values.map { listed(state, $0) } }
            .sorted { $0.entry.definition.id < $1.entry.definition.id }
    }

    private func description(_ listed: Listed) -> JSONValue {
        let definition = listed.entry.definition
        let history: [JSONValue] = listed.job?.history.events.map(\.description) ?? []
        return [
            "database": .text(definition.origin?.database),
            "id": .string(definition.id),
            "pid": listed.isActive ? Self.process : .null,
            "source": .string(definition.options.source.description),
            "target": .string(definition.options.target.description),
            "user": .text(definition.user),
            "doc_id": .text(definition.origin?.document.text),
            "info": listed.entry.status.map { .object(JSONObject($0.counts)) } ?? .null,
            "history": .array(history),
            "node": .string(Self.node),
            "start_time": .time(definition.startedAt),
        ]
    }
}

// MARK: Documents

extension ReplicationJobs {
    /// The answer of `GET /_scheduler/docs/DB`.
    ///
    /// - Parameters:
    ///   - name: A replicator database.
    ///   - states: Those to list; all if there are none.
    ///   - skip: So many are left out first.
    ///   - limit: So many are listed at most.
    ///   - isDescending: Whether the greatest id comes first.
    /// - Returns: The object with `total_rows`, `offset` and `docs`.
    /// - Throws: `notFound` if there is no such database.
    package func documents(
        of name: String,
        states: [String],
        skip: Int,
        limit: Int,
        isDescending: Bool
    ) throws(SettleError) -> JSONValue {
        guard let database = try folder.open(name) else { throw Database.doesNotExist }
        let wanted = Set(states)
        var rows: [JSONValue] = []
        var (passed, total) = (0, 0)
        // Ids first: what is known of the documents is asked for without a snapshot.
        let ids = try database.read { snapshot in
            var ids: [DocumentID] = []
            var cursor = try snapshot.documentCursor()
            var found = try isDescending ? cursor.last() : cursor.first()
            while found {
                let id = cursor.id
                if !cursor.isDeleted, !id.isDesign { ids.append(id) }
                found = try isDescending ? cursor.previous() : cursor.next()
            }
            return ids
        }
        total = ids.count
        for id in ids {
            guard rows.count < limit else { break }
            if wanted.isEmpty, passed < skip {
                passed += 1
                continue
            }
            guard let row = try document(id, in: database) else { continue }
            if !wanted.isEmpty, !wanted.contains(row["state"]?.string ?? "") { continue }
            passed += 1
            if passed > skip { rows.append(row) }
        }
        return [
            "total_rows": .number(JSONNumber(total)),
            "offset": .number(JSONNumber(min(skip, total))),
            "docs": .array(rows),
        ]
    }

    /// The answer of `GET /_scheduler/docs/DB/ID`; nil if there is no such document.
    package func document(_ id: DocumentID, of name: String) throws(SettleError) -> JSONValue? {
        guard let database = try folder.open(name), !id.isDesign else { return nil }
        return try document(id, in: database)
    }

    private func document(_ id: DocumentID, in database: Database) throws(SettleError) -> JSONValue? {
        let origin = JobOrigin(database: database.name, document: id)
        let (entry, job) = look { state -> (DocumentEntry?, Listed?) in
            guard let entry = state.documents[origin] else { return (nil, nil) }
            guard case .scheduled(let id) = entry.state, let job = state.jobs[id],
                job.definition.origin == origin
            else { return (entry, nil) }
            return (entry, listed(state, job))
        }
        if let entry, let job { return description(origin, entry, job) }
        let found = try database.read { snapshot in try snapshot.object(id) }
        guard let found else { return nil }
        if let ended = ReplicatorDocument.listing(found, database: database.name) {
            return ended
        }
        return entry.map { description(origin, $0, nil) }
    }

    private func description(_ origin: JobOrigin, _ entry: DocumentEntry, _ listed: Listed?) -> JSONValue {
        var (state, info, errors, updated) = ("initializing", JSONValue.null, entry.errors, entry.updatedAt)
        var id = JSONValue.null
        if case .error(let reason) = entry.state { (state, info) = ("error", ["error": .string(reason)]) }
        if let listed {
            id = .string(listed.entry.definition.id)
            (errors, updated) = (listed.errors, (listed.job?.history.updatedAt ?? 0) / 1_000)
            if let crash = listed.job?.history.crash {
                (state, info) = ("crashing", ["error": .string(crash)])
            } else {
                state = listed.isActive ? "running" : "pending"
                info = listed.entry.status?.information ?? .null
            }
        }
        var members: JSONObject = [
            "database": .string(origin.database),
            "doc_id": .string(origin.document.text),
            "id": id,
            "node": .string(Self.node),
            "state": .string(state),
            "info": info,
            "error_count": .number(JSONNumber(errors)),
            "last_updated": .time(updated),
            "start_time": .time(entry.startedAt),
        ]
        // What is not on the list of jobs is shown without what it would copy.
        if listed != nil {
            for (name, endpoint) in [("source", entry.options.source), ("target", entry.options.target)] {
                members[name] = .string(endpoint.description)
                members["\(name)_proxy"] = .text(endpoint.proxyDescription)
            }
        }
        return .object(members)
    }
}

extension ReplicationStatus {
    /// How many refused documents are listed at most, the newest.
    private static let listedFailures = 100

    /// The counts and positions, under the names of `_active_tasks`.
    var counts: [(String, JSONValue)] {
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

    /// The counts, and the documents that were refused.
    fileprivate var information: JSONValue {
        if failures.isEmpty { return .object(JSONObject(counts)) }
        let refused = failures.suffix(Self.listedFailures).map { failure -> JSONValue in
            [
                "id": .string(failure.id.text),
                "rev": .text(failure.revision?.text),
                "error": .string(failure.name),
                "reason": .string(failure.reason),
            ]
        }
        return .object(JSONObject(counts + [("failures", .array(refused))]))
    }
}

extension JobHistory.Event {
    fileprivate var description: JSONValue {
        let time = JSONValue.time(time / 1_000)
        switch kind {
        case .added: return ["timestamp": time, "type": "added"]
        case .started: return ["timestamp": time, "type": "started"]
        case .stopped: return ["timestamp": time, "type": "stopped"]
        case .crashed(let reason):
            return ["timestamp": time, "type": "crashed", "reason": .string(reason)]
        }
    }
}

extension JSONValue {
    fileprivate static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    fileprivate static func time(_ seconds: Int) -> JSONValue {
        .string(HTTPDate.timestamp(unixSeconds: seconds))
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
