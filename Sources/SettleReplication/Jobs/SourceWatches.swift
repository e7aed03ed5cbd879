// Who is told when a job's source changes.
//
// A database of this folder tells by itself. One behind a URL would need a connection per job that waits for its
// changes; but CouchDB and Settle also tell which databases have changed, all in one feed (`_db_updates`). So there is
// one connection per server and account, whether one job waits or two thousand.
//
// The subtle thing: a feed that broke may have missed something. When it is back, every job that waits on it is told
// that its source has changed; most find nothing, and wait again.

import Settle
import SettleCore
import Synchronization

/// The sources that jobs wait for.
final class SourceWatches: Sendable {
    typealias JobID = ReplicationScheduler.JobID

    private struct State {
        /// Who waits for databases of the folder.
        var local: [String: Set<JobID>] = [:]
        var remote: [UpdatesFeed.Place: UpdatesFeed] = [:]
        /// Where each job waits.
        var places: [JobID: ReplicationEndpoint] = [:]
        /// What hears of the folder: of this process, and of others.
        var folderTokens: (ListenerToken, ListenerToken)?
        var listener = Listener()
        var isShutDown = false
    }

    /// A closure that is told which jobs' sources have changed.
    struct Listener: Sendable {
        var body: @Sendable (Set<JobID>) -> Void = { _ in }
    }

    private let folder: DatabaseFolder
    private let state = Mutex(State())

    init(folder: DatabaseFolder) {
        self.folder = folder
    }

    /// Names who is told.
    func listen(_ body: @escaping @Sendable (Set<JobID>) -> Void) {
        state.withLock { $0.listener = Listener(body: body) }
    }

    /// Begins to watch a job's source; false where it can't be watched.
    func watch(_ source: ReplicationEndpoint, for job: JobID) async -> Bool {
        switch source {
        case .local(let name):
            let isFirst = state.withLock { state in
                state.local[name, default: []].insert(job)
                state.places[job] = source
                return state.folderTokens == nil && !state.isShutDown
            }
            if isFirst { listenToFolder() }
            return true
        case .remote(let endpoint):
            guard let (place, database) = UpdatesFeed.Place.watching(endpoint) else { return false }
            let feed: UpdatesFeed? = state.withLock { state in
                guard !state.isShutDown else { return nil }
                state.places[job] = source
                if let feed = state.remote[place] { return feed }
                let feed = UpdatesFeed(place) { [weak self] jobs in self?.tell(jobs) }
                state.remote[place] = feed
                return feed
            }
            return await feed?.watch(database, for: job) ?? false
        }
    }

    private func listenToFolder() {
        let token = folder.addEventListener { [weak self] event in
            guard let self else { return }
            let jobs = self.state.withLock { $0.local[event.name] }
            if let jobs { self.tell(jobs) }
        }
        let tokens = (token, folder.watchOtherProcesses())
        let isKept = state.withLock { state in
            guard state.folderTokens == nil, !state.isShutDown else { return false }
            state.folderTokens = tokens
            return true
        }
        if !isKept { stopListening(tokens) }
    }

    private func stopListening(_ tokens: (ListenerToken, ListenerToken)) {
        folder.removeEventListener(tokens.0)
        folder.unwatchOtherProcesses(tokens.1)
    }

    private func tell(_ jobs: Set<JobID>) {
        state.withLock { $0.listener }.body(jobs)
    }

    /// A job waits no longer, and won't again.
    func forget(_ job: JobID) {
        let feed: UpdatesFeed? = state.withLock { state in
            switch state.places.removeValue(forKey: job) {
            case .local(let name)?:
                state.local[name]?.remove(job)
                if state.local[name]?.isEmpty == true { state.local[name] = nil }
                return nil
            case .remote(let endpoint)?:
                guard let (place, _) = UpdatesFeed.Place.watching(endpoint), let feed = state.remote[place]
                else {
                    return nil
                }
                return feed
            case nil: return nil
            }
        }
        guard let feed, feed.forget(job) else { return }
        state.withLock { state in
            if state.remote[feed.place] === feed { state.remote[feed.place] = nil }
        }
    }

    func shutdown() {
        let (feeds, tokens) = state.withLock { state in
            state.isShutDown = true
            defer { (state.remote, state.folderTokens) = ([:], nil) }
            return (Array(state.remote.values), state.folderTokens)
        }
        if let tokens { stopListening(tokens) }
        for feed in feeds { feed.close() }
    }
}
