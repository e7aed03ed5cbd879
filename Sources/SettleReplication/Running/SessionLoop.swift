// The loop of a session: events in, requests out.

import SettleCore

/// A running session: the replicator, and what it takes to perform its actions.
struct SessionLoop {
    let session: ReplicationSession
    let send: AsyncStream<ReplicationSession.Event>.Continuation
    var store: CheckpointStore
    var replicator: Replicator
    let checkpoint: Checkpoint
    /// What makes documents leave the target beside the copying, and how many have left.
    var retraction: Retraction?
    var retracted = 0
    /// The notes as last saved in this session.
    private var saved: JSONObject?

    init(
        session: ReplicationSession,
        send: AsyncStream<ReplicationSession.Event>.Continuation,
        store: CheckpointStore,
        replicator: Replicator,
        checkpoint: Checkpoint
    ) {
        self.session = session
        self.send = send
        self.store = store
        self.replicator = replicator
        self.checkpoint = checkpoint
    }

    /// Runs to the end.
    mutating func run(_ events: AsyncStream<ReplicationSession.Event>) async -> ReplicationSession.End {
        var mine = self
        // A group that kept the results of its tasks would keep some 20 KB for every request, until the run is over.
        let outcome = await withDiscardingTaskGroup { group in
            let outcome = await mine.follow(events, &group)
            group.cancelAll()
            return outcome
        }
        self = mine
        return ReplicationSession.End(
            outcome: outcome,
            answer: answer,
            progress: progress,
            known: store.known(withNotes: session.options.usesCheckpoints)
        )
    }

    private mutating func follow(
        _ events: AsyncStream<ReplicationSession.Event>,
        _ group: inout DiscardingTaskGroup
    ) async -> Replicator.Outcome {
        if session.options.usesCheckpoints {
            let (send, interval) = (send, session.options.checkpointInterval)
            group.addTask {
                while (try? await Task.sleep(for: interval)) != nil { send.yield(.checkpointDue) }
            }
        }
        if session.options.isContinuous { watchPeers(&group) }
        if let retraction, session.options.isContinuous {
            let (send, options) = (send, session.options)
            group.addTask {
                var following = RetractionFollowing(retraction, retries: options.retries)
                // As often as a feed that waits sends a sign of life, unless checkpoints are told to be rarer or more frequent.
                await following.run(lookingEvery: options.checkpointInterval / 3, send)
            }
        }
        var actions = replicator.start()
        var events = events.makeAsyncIterator()
        while true {
            for action in actions {
                if case .finish(let outcome) = action { return outcome }
                start(action, &group)
            }
            // The stream ends only when the task that owns the replication is cancelled.
            let event = await events.next() ?? .stop
            actions = handle(event)
            session.report(progress)
        }
    }

    /// Sees to it that a session which waits for changes notices if one of its databases is replaced.
    ///
    /// A database here tells at once; others are looked at now and then.
    private func watchPeers(_ group: inout DiscardingTaskGroup) {
        let (send, interval) = (send, session.options.checkpointInterval * 2)
        group.addTask {
            while (try? await Task.sleep(for: interval)) != nil { send.yield(.checkDue) }
        }
        for peer in [session.source, session.target] {
            guard let replacements = peer.replacements() else { continue }
            group.addTask {
                for await _ in replacements { send.yield(.peersMayBeReplaced) }
            }
        }
    }

    private mutating func handle(_ event: ReplicationSession.Event) -> [Replicator.Action] {
        switch event {
        case .changes(.success(let page)): return replicator.changesRead(page)
        case .changes(.failure(let failure)): return replicator.changesFailed(failure)
        case .compared(let id, .success(let missing)): return replicator.compared(id, missing: missing)
        case .compared(let id, .failure(let failure)): return replicator.failed(id, failure)
        case .fetched(let id, .success(let answer)): return replicator.fetched(id, answer)
        case .fetched(let id, .failure(let failure)): return replicator.failed(id, failure)
        case .written(let id, .success(let rejected)): return replicator.written(id, rejected: rejected)
        case .written(let id, .failure(let failure)): return replicator.failed(id, failure)
        case .fetchedAttached(let id, .success(let answer)): return replicator.fetchedAttached(id, answer)
        case .fetchedAttached(let id, .failure(let failure)): return replicator.failed(id, failure)
        case .writtenAttached(let id, .success(let rejected)):
            return replicator.writtenAttached(id, rejected: rejected)
        case .writtenAttached(let id, .failure(let failure)): return replicator.failed(id, failure)
        case .saved(_, let store, _, let failure?):
            self.store = store
            return replicator.checkpointFailed(failure)
        case .saved(let sequence, let store, let document, nil):
            (self.store, saved) = (store, document)
            return replicator.checkpointSaved(sequence)
        case .copied(let id, .success(let answer)): return replicator.copied(id, answer)
        case .copied(let id, .failure(let failure)): return replicator.failed(id, failure)
        case .checkpointDue: return replicator.checkpointDue()
        case .checkDue: return replicator.checkDue()
        case .peersMayBeReplaced: return replicator.peersMayBeReplaced()
        case .checked(nil): return replicator.checked()
        case .checked(let failure?): return replicator.checkFailed(failure)
        case .retracted(let count):
            retracted += count
            return []
        case .failed(let failure): return replicator.abort(failure)
        case .retryFailures: return replicator.retryFailures()
        case .stop: return replicator.stop()
        }
    }

    private func start(_ action: Replicator.Action, _ group: inout DiscardingTaskGroup) {
        let (send, session) = (send, session)
        switch action {
        case .readChanges(let after, let limit, let waiting, let delay):
            let query = ChangesRequest(
                since: after,
                limit: limit,
                waits: waiting,
                winnersOnly: session.options.winningRevisionsOnly,
                selection: session.options.selection
            )
            group.addTask {
                guard await Waiting.current(delay) else { return }
                send.yield(
                    .changes(
                        await attempt { () async throws(PeerFailure) in
                            try await session.source.changes(query)
                        }
                    )
                )
            }
        case .perform(let id, let step, let delay):
            group.addTask {
                guard await Waiting.current(delay) else { return }
                send.yield(await session.perform(id, step))
            }
        case .saveCheckpoint(let sequence, let delay):
            var store = store
            let position = replicator.position
            let document = checkpoint.document(
                recorded: sequence,
                at: Clock.unixSeconds,
                replicator.statistics
            )
            group.addTask {
                guard await Waiting.current(delay) else { return }
                do throws(PeerFailure) {
                    try await store.save(document, readUpTo: position)
                    send.yield(.saved(sequence, store, document, nil))
                } catch {
                    send.yield(.saved(sequence, store, document, error))
                }
            }
        case .checkPeers:
            let known = store.known(withNotes: session.options.usesCheckpoints)
            let position = replicator.position
            group.addTask {
                do throws(PeerFailure) {
                    try await session.check(known, readUpTo: position)
                    send.yield(.checked(nil))
                } catch {
                    send.yield(.checked(error))
                }
            }
        case .finish: break
        }
    }

    private var progress: ReplicationSession.Progress {
        ReplicationSession.Progress(
            statistics: replicator.statistics,
            failures: replicator.failures,
            pending: replicator.pending,
            position: replicator.position,
            through: replicator.through,
            committed: replicator.committed,
            isIdle: replicator.isIdle,
            hasCommitted: replicator.committed != replicator.origin,
            retracted: retracted
        )
    }

    /// What `_replicate` answers, but for `ok`: the notes as they are now.
    private var answer: JSONObject {
        if !session.options.usesCheckpoints, replicator.through != checkpoint.startSequence {
            return ["use_checkpoints": false]
        }
        if var saved {
            saved["_rev"] = nil
            return saved
        }
        let notes = store.sourceNotes?.members.filter { !$0.name.utf8.starts(with: "_".utf8) } ?? []
        return JSONObject([("no_changes", true)] + notes.map { ($0.name, $0.value) })
    }
}

extension ReplicationSession {
    /// Performs a step and says how it ended.
    fileprivate func perform(_ id: Replicator.StepID, _ step: Replicator.Step) async -> Event {
        switch step {
        case .compare(let rows):
            .compared(
                id,
                await attempt { () async throws(PeerFailure) in try await target.missing(from: rows) }
            )
        case .fetch(let wanted):
            .fetched(
                id,
                await attempt { () async throws(PeerFailure) in
                    try accepted(try await source.fetch(wanted))
                }
            )
        case .fetchAlone(let wanted):
            .fetched(
                id,
                await attempt { () async throws(PeerFailure) in
                    try accepted(try await source.fetchAlone(wanted))
                }
            )
        case .fetchAttached(let questions):
            .fetchedAttached(
                id,
                await attempt { () async throws(PeerFailure) in
                    let held = try await target.holds(questions.flatMap(\.shown))
                    return try await source.fetchAttached(questions, held: held)
                }
            )
        case .writeAttached(let documents):
            .writtenAttached(
                id,
                await attempt { () async throws(PeerFailure) in try await target.writeAttached(documents) }
            )
        case .copy(let question, let inFull):
            .copied(
                id,
                await attempt { () async throws(PeerFailure) in
                    try await AttachedCopy(source: source, target: target, inFull: inFull).run(question)
                }
            )
        case .write(let documents):
            .written(id, await attempt { () async throws(PeerFailure) in try await target.write(documents) })
        }
    }
}

extension ReplicationSession {
    /// What an app's own filter leaves of an answer.
    private func accepted(_ answer: FetchAnswer) throws(PeerFailure) -> FetchAnswer {
        guard let filter else { return answer }
        var answer = answer
        do throws(SettleError) {
            answer.documents = try filter.accepted(answer.documents)
        } catch {
            throw PeerFailure(.malformedAnswer, name: error.name, reason: error.reason)
        }
        return answer
    }
}
