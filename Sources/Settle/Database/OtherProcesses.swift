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
        /// The update sequence, once it has been looked at.
        var sequence: UInt64?
    }

    private struct State {
        var next: UInt64 = 0
        var listeners: Set<UInt64> = []
        var isPolling = false
        var known: [String: Known] = [:]
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
        let names = (try? folder.names()) ?? []
        var known = state.withLock { $0.known }
        var changed: [String] = []
        for name in names {
            if let before = known[name], let now = FileSystem.modificationTime(before.file) {
                guard now != before.modified else { continue }
                known[name]?.modified = now
                if hasNews(of: name, in: folder, &known) { changed.append(name) }
            } else if let file = OpenEnvironment.newestFile(in: folder.directory(name)),
                let time = FileSystem.modificationTime(file)
            {
                // New, or compacted meanwhile: what was written in between can't be told from that.
                known[name] = Known(file: file, modified: time)
                if !isFirst, hasNews(of: name, in: folder, &known) { changed.append(name) }
            }
        }
        if known.count > names.count {
            let present = Set(names)
            known = known.filter { present.contains($0.key) }
        }
        state.withLock { $0.known = known }
        for name in changed { folder.announce(DatabaseEvent(kind: .updated, name: name)) }
    }

    /// Whether documents of a database whose file has changed were written by another process.
    private func hasNews(of name: String, in folder: DatabaseFolder, _ known: inout [String: Known]) -> Bool {
        guard let database = try? folder.open(name),
            let sequence = try? database.read({ snapshot in try snapshot.info.updateSequence })
        else { return false }
        let before = known[name]?.sequence
        known[name]?.sequence = sequence
        return database.listeners.hearOthers(database) && sequence != before
    }
}

extension DatabaseFolder {
    /// From now on listeners hear of other processes' commits, too, within a second or so; costs a look at each file.
    package func watchOtherProcesses() -> ListenerToken { otherProcesses.add(self) }

    /// Takes one such wish back.
    package func unwatchOtherProcesses(_ token: ListenerToken) { otherProcesses.remove(token) }
}
