// Continuous jobs that have nothing to do end their session and watch their source instead.
//
//     session is idle ──a while──► the source is watched ──► the session ends ──► one last look ──► watching
//                                                                                      └──news──► pending
//
// The subtle thing is the gap between the session's last read and the end of it. News that is told meanwhile is
// remembered by the scheduler; what was committed before the watch began is found by the last look. So no change falls
// between the two.

import SettleCore

extension ReplicationJobs {
    /// How long a session is idle before it ends, in milliseconds; where others wait for its slot it is shorter.
    private static let patience = (alone: 5_000, crowded: 250)

    /// A session does something else than before.
    func session(of id: ReplicationScheduler.JobID, is session: ReplicationStatus.State) {
        let wait: (change: Int, time: Int)? = decide { state, now in
            guard let entry = state.jobs[id], entry.session != nil, entry.ending == nil else { return nil }
            state.jobs[id]?.stateChanges += 1
            guard session == .idle else { return nil }
            let isCrowded = state.scheduler.sessions >= state.scheduler.limits.maximumJobs
            let patience = isCrowded ? Self.patience.crowded : Self.patience.alone
            return (entry.stateChanges + 1, now + patience)
        }
        guard let wait else { return }
        let clock = clock
        Task { [weak self] in
            await clock.wait(until: wait.time)
            await self?.park(id, change: wait.change)
        }
    }

    /// Ends a session that has been idle all the time, if its source can be watched.
    private func park(_ id: ReplicationScheduler.JobID, change: Int) async {
        let entry = look { state in state.isShutDown ? nil : state.jobs[id] }
        guard let entry, entry.session != nil, entry.ending == nil, entry.stateChanges == change else {
            return
        }
        guard await watches.watch(entry.definition.options.source, for: id) else { return }
        decide { state, _ in
            guard let entry = state.jobs[id], let session = entry.session, entry.ending == nil,
                entry.stateChanges == change, !state.isShutDown
            else { return }
            state.scheduler.willGoIdle(id)
            state.jobs[id]?.ending = .idleness
            state.effects.append(.stop(session))
        }
    }

    /// Whether a source has changes after a sequence; one that can't be asked may have.
    func hasNews(_ definition: JobDefinition, after sequence: SourceSequence) async -> Bool {
        let source = definition.options.source.peer(in: folder, definition.options)
        let query = ChangesRequest(since: sequence, limit: 1)
        let page = await attempt { () async throws(PeerFailure) in try await source.changes(query) }
        guard case .success(let page) = page else { return true }
        return !page.rows.isEmpty
    }

    /// The last look is over.
    func looked(_ id: ReplicationScheduler.JobID, hasNews: Bool) {
        decide { state, now in
            guard let entry = state.jobs[id], entry.session == nil, let ending = entry.ending else { return }
            switch ending {
            case .cancellation:
                drop(id, &state, at: now)
            case .shutdown: break
            case .idleness, .rotation:
                state.jobs[id]?.ending = nil
                if hasNews { perform(state.scheduler.sourceChanged(id, at: now), &state) }
                perform(state.scheduler.wentIdle(id, at: now), &state)
            }
        }
    }

    /// Sources of jobs have changed, or may have.
    func sourcesChanged(_ ids: Set<ReplicationScheduler.JobID>) {
        decide { state, now in
            guard !state.isShutDown else { return }
            for id in ids { perform(state.scheduler.sourceChanged(id, at: now), &state) }
        }
    }
}
