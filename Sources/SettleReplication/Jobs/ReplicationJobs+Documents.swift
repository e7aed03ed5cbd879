// Documents of replicator databases become jobs, and learn how their jobs ended.
//
//     a document changes ──► what does it ask for? ──job──► its name ──► the list of jobs
//                                    ├──ended, deleted──► its job is cancelled
//                                    └──malformed──► `failed` is written into it
//
// A replicator database is followed like any other database: its changes since the beginning when the server starts,
// which is how jobs come back after a restart, and then those to come, whoever writes them.
//
// The name of a job with a filter function is made of the function's code, which is the source's. It is looked at again about
// once a minute, and a job whose function has changed is replaced by one of the new name, which begins from the start.
//
// The subtle thing: a document that changes while its job runs replaces the job only if it asks for something else.
// The replicator's own writes into documents come back as changes, too, and must change nothing.

import Settle
import SettleCore

extension ReplicationJobs {
    /// Begins to follow the folder's replicator databases; their jobs start as there is room.
    public func start() {
        let listener = folder.addEventListener { [weak self] event in
            guard ReplicatorDocument.isReplicator(database: event.name) else { return }
            switch event.kind {
            case .created: self?.follow(event.name)
            case .deleted: self?.unfollow(event.name)
            case .updated: break
            }
        }
        decide { state, _ in state.folderListener = listener }
        for name in (try? folder.names()) ?? [] where ReplicatorDocument.isReplicator(database: name) {
            follow(name)
        }
    }

    private func follow(_ name: String) {
        decide { state, _ in
            guard !state.isShutDown, state.followers[name] == nil else { return }
            state.followers[name] = Task { [weak self] in
                guard let database = try? self?.folder.open(name) else { return }
                let changes = database.changes()
                do {
                    for try await change in changes {
                        guard let self, !Task.isCancelled else { return }
                        self.documentChanged(change.id, isDeleted: change.isDeleted, in: database)
                    }
                } catch {
                    // The database is gone, and its jobs with it.
                    self?.unfollow(name)
                }
            }
        }
    }

    private func unfollow(_ name: String) {
        decide { state, now in
            state.followers.removeValue(forKey: name)?.cancel()
            for origin in state.documents.keys where origin.database == name { drop(origin, &state, at: now) }
        }
    }

    /// Forgets what a document asked for.
    private func drop(_ origin: JobOrigin, _ state: inout State, at now: Int) {
        guard let entry = state.documents.removeValue(forKey: origin) else { return }
        guard case .scheduled(let id) = entry.state, state.jobs[id]?.definition.origin == origin else {
            return
        }
        cancel(id, &state, at: now)
    }

    private func documentChanged(_ id: DocumentID, isDeleted: Bool, in database: Database) {
        guard !id.isDesign else { return }
        let origin = JobOrigin(database: database.name, document: id)
        let document = isDeleted ? nil : try? database.read { snapshot in try snapshot.object(id) }
        guard let document else {
            decide { state, now in drop(origin, &state, at: now) }
            return
        }
        switch ReplicatorDocument(document) {
        case .ended: decide { state, now in drop(origin, &state, at: now) }
        case .malformed(let reason):
            decide { state, now in
                drop(origin, &state, at: now)
                state.effects.append(.write(.failed(reason: reason), into: origin, asking: nil))
            }
        case .job(let options, let user):
            decide { state, now in want(options, user: user, origin: origin, &state, at: now) }
        }
    }

    private func want(
        _ options: ReplicationOptions,
        user: String?,
        origin: JobOrigin,
        _ state: inout State,
        at now: Int
    ) {
        guard !state.isShutDown else { return }
        if let entry = state.documents[origin] {
            if entry.options == options, entry.user == user { return }
            drop(origin, &state, at: now)
        }
        state.turns += 1
        let (turn, seconds) = (state.turns, now / 1_000)
        state.documents[origin] = DocumentEntry(
            options: options,
            user: user,
            startedAt: seconds,
            updatedAt: seconds,
            turn: turn
        )
        guard options.filterFunction == nil else {
            state.effects.append(.name(origin, turn: turn, after: nil))
            return
        }
        named(origin, turn: turn, ReplicationID(options, serverUUID: serverUUID), &state, at: now)
    }

    // MARK: Names

    /// Finds out a job's name, which needs the code of the source's filter; tries again until it is there.
    ///
    /// As long as the job is wanted it looks again now and then: other code is another name, with checkpoints of its own.
    func findName(_ origin: JobOrigin, turn: Int) async {
        while true {
            let entry = look { state in state.isShutDown ? nil : state.documents[origin] }
            guard let entry, entry.turn == turn else { return }
            let source = entry.options.source.peer(in: folder, entry.options)
            do throws(SettleError) {
                let name = try await ReplicationID(entry.options, serverUUID: serverUUID, source: source)
                let time = decide { state, now in
                    named(origin, turn: turn, name, &state, at: now)
                    return now + JobDelays.beforeNamingAgain(jobs: state.documents.count)
                }
                await clock.wait(until: time)
            } catch {
                guard let time = failedToName(origin, turn: turn, error) else { return }
                await clock.wait(until: time)
            }
        }
    }

    /// Notes why a name could not be found out, and says when to try again.
    private func failedToName(_ origin: JobOrigin, turn: Int, _ error: SettleError) -> Int? {
        decide { state, now in
            guard !state.isShutDown, let entry = state.documents[origin], entry.turn == turn else {
                return nil
            }
            state.documents[origin]?.errors += 1
            // A job that runs says by itself what is wrong with its source.
            if case .scheduled = entry.state {
            } else {
                state.documents[origin]?.state = .error(reason: error.reason)
                state.documents[origin]?.updatedAt = now / 1_000
            }
            return now + JobDelays.afterNamingFailed(times: entry.errors)
        }
    }

    private func named(
        _ origin: JobOrigin,
        turn: Int,
        _ name: ReplicationID,
        _ state: inout State,
        at now: Int
    ) {
        guard let entry = state.documents[origin], entry.turn == turn else { return }
        let definition = JobDefinition(
            name: name,
            options: entry.options,
            origin: origin,
            user: entry.user,
            startedAt: entry.startedAt
        )
        state.documents[origin]?.errors = 0
        guard case .scheduled(let id) = entry.state else { return enlist(definition, &state, at: now) }
        // The same name; or a job that is complete, or about to be replaced.
        guard id != definition.id, let job = state.jobs[id], job.ending != .cancellation else { return }
        cancel(id, &state, at: now, replacingBy: definition)
    }

    /// Puts the job of a document on the list, unless another one of the same name is there.
    func enlist(_ definition: JobDefinition, _ state: inout State, at now: Int) {
        guard let origin = definition.origin, let entry = state.documents[origin] else { return }
        // The document may have changed its mind while the job waited for its predecessor to end.
        guard entry.options == definition.options else { return }
        func schedule() {
            state.documents[origin]?.state = .scheduled(definition.id)
            state.documents[origin]?.updatedAt = now / 1_000
        }
        guard let other = state.jobs[definition.id] else {
            schedule()
            add(definition, &state, at: now)
            return
        }
        let given = "Replication `\(definition.id)` specified by document `\(origin.document)`"
        if other.ending == .cancellation {
            schedule()
            state.jobs[definition.id]?.successor = definition
        } else if other.definition.origin == origin {
            schedule()
            cancel(definition.id, &state, at: now, replacingBy: definition)
        } else if let first = other.definition.origin {
            state.documents[origin] = nil
            let reason =
                "\(given) already started, triggered by document `\(first.document)` from db `\(first.database)`"
            state.effects.append(.write(.failed(reason: reason), into: origin, asking: entry.options))
        } else {
            state.documents[origin]?.state = .error(
                reason:
                    "\(given) already running as a transient replication, started via `_replicate` API endpoint"
            )
            state.documents[origin]?.errors += 1
            state.documents[origin]?.updatedAt = now / 1_000
            // What has a filter looks again in any case.
            if entry.options.filterFunction == nil {
                state.effects.append(.name(origin, turn: entry.turn, after: now + 60_000))
            }
        }
    }

    // MARK: Writing into documents

    /// Writes how a job ended into its document, if that still asks for it; nil stands for what can't be asked for.
    func write(
        _ ending: ReplicatorDocument.Ending,
        into origin: JobOrigin,
        asking options: ReplicationOptions?
    ) async {
        let time = clock.now / 1_000
        for attempt in 0..<10 {
            do throws(SettleError) {
                guard let database = try folder.open(origin.database),
                    let found = try database.read({ snapshot in try snapshot.object(origin.document) })
                else { return }
                switch ReplicatorDocument(found) {
                case .ended: return
                case .malformed: guard options == nil else { return }
                case .job(let asked, _): guard options == asked else { return }
                }
                let members = ReplicatorDocument.adding(ending, to: found, at: time)
                let document = try IncomingDocument(parsing: JSONValue.object(members).bytes)
                let edit = try DocumentEdit.interactive(document, id: origin.document)
                guard case .edits(let outcomes) = try await database.perform(.edits([edit])),
                    case .failed(let error)? = outcomes.first, error.kind == .conflict
                else { return }
            } catch {
                // A full disk, say: the document keeps asking, and the job is run again at the next start.
                return
            }
            await clock.wait(until: clock.now + 10 << attempt)
        }
    }
}

extension ReplicationID {
    /// The name of a job whose source need not be asked for a filter.
    fileprivate init(_ options: ReplicationOptions, serverUUID: String) {
        self.init(
            serverUUID: serverUUID,
            source: options.source,
            target: options.target,
            narrowing: options.narrowing(filterCode: nil),
            suffix: options.nameSuffix
        )
    }
}

extension Snapshot {
    /// A document that is not deleted, with its `_id` and `_rev`.
    func object(_ id: DocumentID) throws -> JSONObject? {
        var text: [UInt8] = []
        guard case .found(_, isDeleted: false) = try appendWinner(id, to: &text) else { return nil }
        return try JSONValue(parsing: text).object
    }
}
