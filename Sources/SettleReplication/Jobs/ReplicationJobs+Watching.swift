// Continuous jobs that have nothing to do end their session and watch their databases instead.
//
//     session is idle ──a while──► its databases are watched ──► the session ends ──► one last look ──► watching
//                                                                                          └──news──► pending
//
// News is a change of the source, and that either database was deleted, made again or set back. A target whose server tells
// nobody of that is looked at every five minutes.
//
// The subtle thing is the gap between the session's last read and the end of it. News that is told meanwhile is
// remembered by the scheduler; what was committed before the watch began is found by the last look. So no change falls
// between the two.

import Settle
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

    /// Ends a session that has been idle all the time, if at least its source can be watched.
    private func park(_ id: ReplicationScheduler.JobID, change: Int) async {
        let entry = look { state in state.isShutDown ? nil : state.jobs[id] }
        guard let entry, entry.session != nil, entry.ending == nil, entry.stateChanges == change else {
            return
        }
        let coverage = await watches.watch(entry.definition.options, for: id)
        guard coverage != .nothing else { return }
        decide { state, _ in
            guard let entry = state.jobs[id], let session = entry.session, entry.ending == nil,
                entry.stateChanges == change, !state.isShutDown
            else { return }
            state.scheduler.willGoIdle(id)
            state.jobs[id]?.ending = .idleness
            state.jobs[id]?.isTargetWatched = coverage == .both
            state.effects.append(.stop(session))
        }
    }

    /// Whether a job without a session has something to do; one whose source can't be asked may have.
    func hasNews(_ entry: JobEntry) async -> Bool {
        let options = entry.definition.options
        let source = options.source.peer(in: folder, options)
        let target = options.target.peer(in: folder, options)
        let through = entry.lastStatus?.through ?? .zero
        let query = ChangesRequest(since: through, limit: 1)
        let page = await attempt { () async throws(PeerFailure) in try await source.changes(query) }
        guard case .success(let page) = page, page.rows.isEmpty else { return true }
        do throws(PeerFailure) {
            try await entry.known?.verify(source, target, readUpTo: through)
            guard options.retracts, let target = target as? LocalPeer,
                let source = source as? any RetractionSource
            else { return false }
            return try await Retraction.hasPurges(
                source,
                target,
                name: options.retractionName(serverUUID: serverUUID)
            )
        } catch {
            return error.kind == .replaced || error.status == 404
        }
    }

    /// A look is over: the last one of a session, or a later one.
    func looked(_ id: ReplicationScheduler.JobID, hasNews: Bool) {
        decide { state, now in
            guard let entry = state.jobs[id], entry.session == nil else { return }
            guard let ending = entry.ending else {
                if hasNews { perform(state.scheduler.sourceChanged(id, at: now), &state) }
                return
            }
            switch ending {
            case .cancellation:
                drop(id, &state, at: now)
            case .shutdown: break
            case .idleness, .rotation:
                state.jobs[id]?.ending = nil
                if hasNews { perform(state.scheduler.sourceChanged(id, at: now), &state) }
                let isWatched = entry.isTargetWatched
                perform(state.scheduler.wentIdle(id, at: now, isFullyWatched: isWatched), &state)
            }
        }
    }

    /// Databases that jobs wait for have changed, or may have.
    func databasesChanged(_ ids: Set<ReplicationScheduler.JobID>, _ kind: DatabaseEvent.Kind) {
        decide { state, now in
            guard !state.isShutDown else { return }
            for id in ids {
                let actions =
                    kind == .created
                    ? state.scheduler.databaseCreated(id, at: now)
                    : state.scheduler.sourceChanged(id, at: now)
                perform(actions, &state)
            }
        }
    }
}
