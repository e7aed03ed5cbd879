// What has happened to databases since the server began: the source of `_db_updates`.
//
// As in CouchDB's `_global_changes`, each (kind, database) has one entry, at its latest: a database written a million
// times is one `updated`. A sequence names the run of the server it belongs to, so that a client which
// comes back with one from before a restart is sent everything again rather than nothing.

import Settle
import SettleCore
import Synchronization

/// The events of a folder's databases, in order.
final class EventLog: Sendable {
    /// One entry.
    struct Entry: Sendable {
        let sequence: UInt64
        let event: DatabaseEvent
    }

    private struct State {
        var next: UInt64 = 1
        var sequences: [DatabaseEvent: UInt64] = [:]
        var listeners: [UInt64: @Sendable () -> Void] = [:]
        var nextListener: UInt64 = 0
        /// Other processes are listened to only while somebody listens here.
        var others: ListenerToken?
    }

    private let state = Mutex(State())
    private let folder: DatabaseFolder
    private let token = Mutex<ListenerToken?>(nil)
    /// Tells this run of the server from others.
    private let run: String

    init(folder: DatabaseFolder) {
        self.folder = folder
        run = String(UInt32.random(in: 1...UInt32.max), radix: 16)
        token.withLock { $0 = folder.addEventListener { [weak self] event in self?.add(event) } }
    }

    deinit {
        if let token = token.withLock({ $0 }) { folder.removeEventListener(token) }
    }

    private func add(_ event: DatabaseEvent) {
        let listeners = state.withLock { state in
            state.sequences[event] = state.next
            state.next += 1
            return Array(state.listeners.values)
        }
        for listener in listeners { listener() }
    }

    /// The latest sequence.
    var last: UInt64 { state.withLock { $0.next - 1 } }

    /// The entries after a sequence, in order.
    func entries(after sequence: UInt64) -> [Entry] {
        let entries = state.withLock { state in
            state.sequences.filter { $0.value > sequence }
        }
        return entries.map { Entry(sequence: $0.value, event: $0.key) }.sorted { $0.sequence < $1.sequence }
    }

    /// A sequence as clients see it.
    func token(_ sequence: UInt64) -> String { "\(sequence)-\(run)" }

    /// What follows the number in a sequence.
    var suffix: [UInt8] { Array("-\(run)".utf8) }

    /// The sequence of a client's token; nil if it is malformed, 0 if it comes from another run.
    func sequence(fromToken text: String) -> UInt64? {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let sequence = UInt64(first) else { return nil }
        let isOurs = parts.count == 1 || parts[1] == run
        return isOurs && sequence <= last ? sequence : 0
    }

    /// Calls `body` after every event, on some thread.
    func addListener(_ body: @escaping @Sendable () -> Void) -> UInt64 {
        let (number, isFirst) = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = body
            return (state.nextListener, state.listeners.count == 1)
        }
        if isFirst {
            let others = folder.watchOtherProcesses()
            let spare = state.withLock { state in
                defer { state.others = others }
                return state.others
            }
            if let spare { folder.unwatchOtherProcesses(spare) }
        }
        return number
    }

    func removeListener(_ token: UInt64) {
        let others: ListenerToken? = state.withLock { state in
            state.listeners[token] = nil
            guard state.listeners.isEmpty else { return nil }
            defer { state.others = nil }
            return state.others
        }
        if let others { folder.unwatchOtherProcesses(others) }
    }
}
