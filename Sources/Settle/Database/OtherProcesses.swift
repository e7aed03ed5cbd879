// Hearing of what other processes write into the databases of a folder, however many there are.
//
// A feed of one database looks at its environment a few times a second, which keeps it open. A server that waits for
// any of ten thousand databases can't. So while somebody asks for it, each database's file is looked at about once a
// second, from outside: a file whose time of modification has moved is opened, and only if its update sequence has
// moved, too, and not by our own hand, listeners of the folder hear of it.
//
// The subtle thing: our own commits move the time as well, and so do local documents, such as a replicator's
// checkpoints, which are nobody's news.

import SettleCore
import SettleStorage
import Synchronization

/// Looks at the files of a folder's databases for as long as somebody wants to hear of other processes.
final class OtherProcesses: Sendable {
    private struct Known {
        var file: String
        var modified: FileTime
        /// The update sequence and what tells the database from others of its name, once they have been looked at.
        var sequence: UInt64?
        var uuid: String?
    }

    private struct State {
        var next: UInt64 = 0
        var listeners: Set<UInt64> = []
        var isPolling = false
        var known: [String: Known] = [:]
        /// What this process has created and deleted itself since the last look.
        var own: Set<String> = []
    }

    /// How long a commit may go unheard, in seconds.
    private static let interval = 1.0

    private let state = Mutex(State())

    func add(_ folder: DatabaseFolder) -> ListenerToken {
        let (token, starts) = state.withLock { state in
            state.next += 1
            state.listeners.insert(state.next)
            defer { state.isPolling = true }
            return (ListenerToken(number: state.next), !state.isPolling)
        }
        if starts {
            look(at: folder, isFirst: true)
            schedule(folder)
        }
        return token
    }

    func remove(_ token: ListenerToken) {
        state.withLock { _ = $0.listeners.remove(token.number) }
    }

    /// This process has created or deleted a database, which is no news of others.
    func noteOwn(_ name: String) {
        state.withLock { state in
            if state.isPolling { state.own.insert(name) }
        }
    }

    private func schedule(_ folder: DatabaseFolder) {
        WorkerThreads.shared.schedule(after: Self.interval) { [weak folder] in
            guard let folder else { return }
            let goesOn = self.state.withLock { state in
                if state.listeners.isEmpty { (state.isPolling, state.known) = (false, [:]) }
                return state.isPolling
            }
            guard goesOn else { return }
            self.look(at: folder, isFirst: false)
            self.schedule(folder)
        }
    }

    private func look(at folder: DatabaseFolder, isFirst: Bool) {
        let own = state.withLock { state in
            defer { state.own = [] }
            return state.own
        }
        guard let names = try? folder.names() else { return }
        let before = state.withLock { $0.known }
        var known = before
        var events: [DatabaseEvent] = []
        for name in names {
            if let before = known[name], let now = FileSystem.modificationTime(before.file) {
                guard now != before.modified else { continue }
                known[name]?.modified = now
                events += news(of: name, in: folder, &known)
            } else if let file = OpenEnvironment.newestFile(in: folder.directory(name)),
                let time = FileSystem.modificationTime(file)
            {
                // New, or compacted meanwhile: what was written in between can't be told from that.
                known[name] = Known(file: file, modified: time)
                guard !isFirst else { continue }
                if before[name] == nil { events.append(DatabaseEvent(kind: .created, name: name)) }
                events += news(of: name, in: folder, &known)
            }
        }
        if known.count > names.count {
            let present = Set(names)
            events += known.keys.filter { !present.contains($0) }
                .map { DatabaseEvent(kind: .deleted, name: $0) }
            known = known.filter { present.contains($0.key) }
        }
        let ours = state.withLock { state in
            state.known = known
            return own.union(state.own)
        }
        for event in events where event.kind == .updated || !ours.contains(event.name) {
            folder.announce(event)
        }
    }

    /// What has happened to a database whose file has changed, if another process did it.
    private func news(of name: String, in folder: DatabaseFolder, _ known: inout [String: Known])
        -> [DatabaseEvent]
    {
        guard let database = try? folder.open(name), let info = try? database.read({ try $0.info }) else {
            return []
        }
        let before = known[name]
        known[name]?.sequence = info.updateSequence
        known[name]?.uuid = info.uuid
        var events: [DatabaseEvent] = []
        if let uuid = before?.uuid, uuid != info.uuid {
            events = [DatabaseEvent(kind: .deleted, name: name), DatabaseEvent(kind: .created, name: name)]
        }
        if database.listeners.hearOthers(database), info.updateSequence != before?.sequence ?? 0 {
            events.append(DatabaseEvent(kind: .updated, name: name))
        }
        return events
    }
}

extension DatabaseFolder {
    /// From now on listeners hear of other processes' commits, too, within a second or so; costs a look at each file.
    package func watchOtherProcesses() -> ListenerToken { otherProcesses.add(self) }

    /// Takes one such wish back.
    package func unwatchOtherProcesses(_ token: ListenerToken) { otherProcesses.remove(token) }
}
