// The feed of one server that tells which of its databases have changed.
//
//     closed ──first job──► connecting ──200──► live ──breaks──► connecting …
//                                └──it has no such feed, or not for us──► refused, for ten minutes
//
// Jobs whose server refuses are scheduled as CouchDB schedules all: they run in turns, with a connection each.

import AsyncHTTPClient
import NIOCore
import Settle
import SettleCore
import Synchronization

/// Listens to the `_db_updates` of a server, for as long as a job waits for one of its databases.
final class UpdatesFeed: Sendable {
    /// A server, or the part of one behind a path, and how we log in there.
    struct Place: Hashable, Sendable {
        let endpoint: RemoteEndpoint

        /// The place to ask about a database, and the database's name there; nil if the URL names none.
        static func watching(_ database: RemoteEndpoint) -> (Place, database: String)? {
            let path = database.path.utf8.dropLast()
            guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return nil }
            let name = PercentEncoding.decode(
                Array(path[path.index(after: slash)...])[...],
                plusIsSpace: false
            )
            guard !name.isEmpty else { return nil }
            var endpoint = database
            endpoint.path = String(decoding: path[...slash], as: UTF8.self)
            return (Place(endpoint: endpoint), String(decoding: name, as: UTF8.self))
        }
    }

    private typealias Waiters = [CheckedContinuation<Bool, Never>]

    private enum Phase: Equatable {
        case closed, connecting, live
        case refused(until: ContinuousClock.Instant)
    }

    private struct State {
        var phase = Phase.closed
        /// Whether it was live before: then something may have been missed.
        var wasLive = false
        var jobs: [String: [DatabaseWatches.JobID: WatchedRoles]] = [:]
        var databases: [DatabaseWatches.JobID: Set<String>] = [:]
        var waiters = Waiters()
        var task: Task<Void, Never>?
    }

    /// How long a server that refused is not asked again.
    private static let pause = Duration.seconds(600)
    /// The longest wait between two attempts to connect.
    private static let longestDelay = Duration.seconds(60)

    let place: Place
    private let changed: DatabaseWatches.Listener
    private let state = Mutex(State())

    init(
        _ place: Place,
        changed: @escaping @Sendable (Set<DatabaseWatches.JobID>, DatabaseEvent.Kind) -> Void
    ) {
        self.place = place
        self.changed = .init(body: changed)
    }

    /// Begins to watch a database; false if this server can't be listened to.
    func watch(_ database: String, as role: WatchedRoles, for job: DatabaseWatches.JobID) async -> Bool {
        await withCheckedContinuation { waiter in
            let answer: Bool? = state.withLock { state in
                if case .refused(let until) = state.phase {
                    guard ContinuousClock.now >= until else { return false }
                    state.phase = .closed
                }
                state.jobs[database, default: [:]][job, default: []].insert(role)
                state.databases[job, default: []].insert(database)
                if state.phase == .live { return true }
                state.waiters.append(waiter)
                if state.phase == .closed {
                    state.phase = .connecting
                    state.task = Task { [weak self] in await self?.run() }
                }
                return nil
            }
            if let answer { waiter.resume(returning: answer) }
        }
    }

    /// A job waits no longer; answers whether it was the last, and the feed is closed.
    func forget(_ job: DatabaseWatches.JobID) -> Bool {
        let isLast = state.withLock { state in
            for database in state.databases.removeValue(forKey: job) ?? [] {
                state.jobs[database]?[job] = nil
                if state.jobs[database]?.isEmpty == true { state.jobs[database] = nil }
            }
            return state.databases.isEmpty
        }
        if isLast { close() }
        return isLast
    }

    func close() {
        let (task, waiters) = state.withLock { state in
            defer { (state.task, state.waiters) = (nil, []) }
            state.phase = .refused(until: .now)
            return (state.task, state.waiters)
        }
        task?.cancel()
        for waiter in waiters { waiter.resume(returning: false) }
    }

    // MARK: The connection

    private func run() async {
        var delay = Duration.seconds(1)
        while !Task.isCancelled {
            do throws(PeerFailure) {
                try await listen()
                delay = .seconds(1)
            } catch {
                if let status = error.status, status != 408, status != 429, status < 500 || status == 501 {
                    refuse()
                    return
                }
                // Whoever came while nobody answers takes turns with the others meanwhile.
                for waiter in takeWaiters() { waiter.resume(returning: false) }
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, Self.longestDelay)
        }
    }

    private func listen() async throws(PeerFailure) {
        let peer = HTTPPeer(place.endpoint)
        let response = try await peer.updates()
        becameLive()
        defer { state.withLock { if $0.phase == .live { $0.phase = .connecting } } }
        var line: [UInt8] = []
        try await peer.noting {
            for try await chunk in response.body {
                for byte in chunk.readableBytesView {
                    guard byte == UInt8(ascii: "\n") else {
                        line.append(byte)
                        continue
                    }
                    self.take(line)
                    line.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    private func take(_ line: [UInt8]) {
        guard !line.isEmpty, let row = try? JSONValue(parsing: line), let name = row["db_name"]?.string else {
            return
        }
        let kind = row["type"]?.string.flatMap { DatabaseEvent.Kind(rawValue: $0) } ?? .updated
        let jobs = state.withLock { $0.jobs[name]?.concerned(by: kind) }
        if let jobs, !jobs.isEmpty { changed.body(jobs, kind) }
    }

    private func becameLive() {
        let (waiters, jobs) = state.withLock { state -> (Waiters, Set<DatabaseWatches.JobID>) in
            guard state.phase == .connecting else { return ([], []) }
            state.phase = .live
            defer { (state.waiters, state.wasLive) = ([], true) }
            return (state.waiters, state.wasLive ? Set(state.databases.keys) : [])
        }
        for waiter in waiters { waiter.resume(returning: true) }
        if !jobs.isEmpty { changed.body(jobs, .updated) }
    }

    private func takeWaiters() -> Waiters {
        state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
    }

    /// The server has no such feed for us; those that relied on it have to see for themselves.
    private func refuse() {
        let (waiters, jobs) = state.withLock { state in
            state.phase = .refused(until: .now + Self.pause)
            defer { (state.waiters, state.wasLive) = ([], false) }
            return (state.waiters, state.wasLive ? Set(state.databases.keys) : [])
        }
        for waiter in waiters { waiter.resume(returning: false) }
        if !jobs.isEmpty { changed.body(jobs, .updated) }
    }
}
