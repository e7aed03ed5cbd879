// Who is told when a database changes that a job waits for.
//
// A source wakes its job whenever it changes. A target does so only when it is deleted or made again: its changes are, for
// the most part, the job's own. And a job that crashed because there was no such database learns that there is one again.
//
// A database of this folder tells by itself. One behind a URL would need a connection per job that waits for its
// changes; but CouchDB and Settle also tell which databases have changed, all in one feed (`_db_updates`). So there is
// one connection per server and account, whether one job waits or two thousand.
//
// The subtle thing: a feed that broke may have missed something. When it is back, every job that waits on it is told
// that its database has changed; most find nothing, and wait again.

import Settle
import SettleCore
import Synchronization

/// What a database is to a job that waits for it.
struct WatchedRoles: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let source = WatchedRoles(rawValue: 1)
    static let target = WatchedRoles(rawValue: 2)

    /// Whether an event of the database is news to the job.
    func areConcerned(by event: DatabaseEvent.Kind) -> Bool {
        contains(.source) || event != .updated
    }
}

extension [ReplicationScheduler.JobID: WatchedRoles] {
    /// The jobs to which an event is news.
    func concerned(by event: DatabaseEvent.Kind) -> Set<ReplicationScheduler.JobID> {
        Set(lazy.filter { $0.value.areConcerned(by: event) }.map(\.key))
    }
}

/// The databases that jobs wait for.
final class DatabaseWatches: Sendable {
    typealias JobID = ReplicationScheduler.JobID

    /// Which of a job's databases tell when they change.
    enum Coverage: Sendable {
        case nothing
        case source
        case both
    }

    private struct State {
        /// Who waits for databases of the folder.
        var local: [String: [JobID: WatchedRoles]] = [:]
        var remote: [UpdatesFeed.Place: UpdatesFeed] = [:]
        /// Where each job waits.
        var places: [JobID: [ReplicationEndpoint]] = [:]
        /// What hears of the folder: of this process, and of others.
        var folderTokens: (ListenerToken, ListenerToken)?
        var listener = Listener()
        var isShutDown = false

        mutating func note(_ endpoint: ReplicationEndpoint, _ job: JobID) {
            if places[job]?.contains(endpoint) != true { places[job, default: []].append(endpoint) }
        }
    }

    /// A closure that is told which jobs' databases have changed, and how.
    struct Listener: Sendable {
        var body: @Sendable (Set<JobID>, DatabaseEvent.Kind) -> Void = { _, _ in }
    }

    private let folder: DatabaseFolder
    private let state = Mutex(State())

    init(folder: DatabaseFolder) {
        self.folder = folder
    }

    /// Names who is told.
    func listen(_ body: @escaping @Sendable (Set<JobID>, DatabaseEvent.Kind) -> Void) {
        state.withLock { $0.listener = Listener(body: body) }
    }

    /// Begins to watch a job's databases, as far as they can be watched.
    func watch(_ options: ReplicationOptions, for job: JobID) async -> Coverage {
        guard await watch(options.source, as: .source, for: job) else { return .nothing }
        return await watch(options.target, as: .target, for: job) ? .both : .source
    }

    private func watch(_ endpoint: ReplicationEndpoint, as role: WatchedRoles, for job: JobID) async -> Bool {
        switch endpoint {
        case .local(let name):
            let isFirst = state.withLock { state in
                state.local[name, default: [:]][job, default: []].insert(role)
                state.note(endpoint, job)
                return state.folderTokens == nil && !state.isShutDown
            }
            if isFirst { listenToFolder() }
            return true
        case .remote(let remote):
            guard let (place, database) = UpdatesFeed.Place.watching(remote) else { return false }
            let feed: UpdatesFeed? = state.withLock { state in
                guard !state.isShutDown else { return nil }
                state.note(endpoint, job)
                if let feed = state.remote[place] { return feed }
                let feed = UpdatesFeed(place) { [weak self] jobs, kind in self?.tell(jobs, kind) }
                state.remote[place] = feed
                return feed
            }
            return await feed?.watch(database, as: role, for: job) ?? false
        }
    }

    private func listenToFolder() {
        let token = folder.addEventListener { [weak self] event in
            guard let self else { return }
            let jobs = self.state.withLock { $0.local[event.name]?.concerned(by: event.kind) }
            if let jobs, !jobs.isEmpty { self.tell(jobs, event.kind) }
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

    private func tell(_ jobs: Set<JobID>, _ kind: DatabaseEvent.Kind) {
        state.withLock { $0.listener }.body(jobs, kind)
    }

    /// A job waits no longer, and won't again.
    func forget(_ job: JobID) {
        let feeds: [UpdatesFeed] = state.withLock { state in
            var feeds: [UpdatesFeed] = []
            for endpoint in state.places.removeValue(forKey: job) ?? [] {
                switch endpoint {
                case .local(let name):
                    state.local[name]?[job] = nil
                    if state.local[name]?.isEmpty == true { state.local[name] = nil }
                case .remote(let remote):
                    guard let (place, _) = UpdatesFeed.Place.watching(remote), let feed = state.remote[place]
                    else { continue }
                    feeds.append(feed)
                }
            }
            return feeds
        }
        for feed in feeds where feed.forget(job) {
            state.withLock { state in
                if state.remote[feed.place] === feed { state.remote[feed.place] = nil }
            }
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
