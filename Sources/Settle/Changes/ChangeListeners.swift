// Telling feeds and jobs that a database has changed, whoever changed it.
//
// A commit of this process notifies at once. For commits of other processes, the environment's last transaction number
// is looked at a few times a second, as long as anybody listens.

import SettleStorage
import Synchronization

/// Names a listener, to take it away again.
package struct ListenerToken: Hashable, Sendable {
    let number: UInt64
}

/// Names one commit of a database, in the order they happen.
struct Commit: Hashable, Comparable, Sendable {
    var generation: UInt64 = 0
    var transaction: UInt64 = 0

    static func < (left: Commit, right: Commit) -> Bool {
        (left.generation, left.transaction) < (right.generation, right.transaction)
    }
}

/// The listeners of one database.
final class ChangeListeners: Sendable {
    private struct State {
        var next: UInt64 = 0
        var bodies: [UInt64: @Sendable () -> Void] = [:]
        var isPolling = false
        /// For the folder's events; beside the others, not one of them: it must not keep the polling going.
        var onCommit: (@Sendable () -> Void)?
        /// The newest commit heard of: a compacted file counts its transactions from the start again.
        var heard = Commit()
    }

    /// How long another process's commit may go unnoticed, in seconds.
    private static let pollInterval = 0.2

    private let state = Mutex(State())

    /// Called after each commit of this process that changed documents; for the folder's events.
    func onCommit(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onCommit = body }
    }

    func add(_ body: @escaping @Sendable () -> Void, to database: Database) -> ListenerToken {
        let (token, starts) = state.withLock { state in
            state.next += 1
            state.bodies[state.next] = body
            defer { state.isPolling = true }
            return (ListenerToken(number: state.next), !state.isPolling)
        }
        if starts {
            _ = poll(database)
            schedule(database)
        }
        return token
    }

    func remove(_ token: ListenerToken) {
        state.withLock { _ = $0.bodies.removeValue(forKey: token.number) }
    }

    func notify() {
        for body in state.withLock({ Array($0.bodies.values) }) { body() }
    }

    func committed(_ commit: Commit) {
        state.withLock { $0.heard = max($0.heard, commit) }
        notify()
        state.withLock { $0.onCommit }?()
    }

    private func schedule(_ database: Database) {
        WorkerThreads.shared.schedule(after: Self.pollInterval) { [weak database] in
            guard let database, database.listeners === self else { return }
            let goesOn = self.state.withLock { state in
                if state.bodies.isEmpty { state.isPolling = false }
                return state.isPolling
            }
            guard goesOn else { return }
            _ = self.hearOthers(database)
            self.schedule(database)
        }
    }

    /// Looks whether another process has committed, and tells everybody if so.
    func hearOthers(_ database: Database) -> Bool {
        guard poll(database) else { return false }
        notify()
        return true
    }

    /// Whether another process has committed since the last look.
    private func poll(_ database: Database) -> Bool {
        guard let open = try? database.environment() else { return false }
        let last = Commit(generation: open.generation, transaction: open.environment.lastTransaction)
        return state.withLock { state in
            defer { state.heard = max(last, state.heard) }
            return state.heard < last
        }
    }
}

extension Database {
    /// Calls `body` after every commit that changed documents, of this process or another, and when the
    /// database is deleted.
    ///
    /// It is called on some thread and must be quick.
    package func addChangeListener(_ body: @escaping @Sendable () -> Void) -> ListenerToken {
        listeners.add(body, to: self)
    }

    /// Takes a listener away; it may still be called once by a commit that is under way.
    package func removeChangeListener(_ token: ListenerToken) {
        listeners.remove(token)
    }
}
