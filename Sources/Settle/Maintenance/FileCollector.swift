// Removing files that outlive the commit which made them superfluous.
//
//     attachments/17      lost its last use in a commit: whoever began to read before it may still open it
//     documents-4.mdb     was retired by a compaction: whoever began to read it before goes on with it
//
// Who still reads is known to LMDB's reader table, of which each generation has its own. So two rules make one:
//
//     1. the file of a retired generation goes when nobody reads it who began before it was retired
//     2. the file of an attachment goes when no earlier generation's file is there, and nobody reads its own who began
//        before the commit
//
// A reader therefore never loses a file that its snapshot names, in whatever process and however often the database is
// compacted meanwhile. What has to wait is tried again, more and more seldom.
//
// Nothing depends on this object: a process that dies leaves removed attachments in `removed files`, from where the next
// writer takes them, and retired generations to whoever opens the database next.

import SettleStorage
import Synchronization

/// What one process has still to remove from a database's directory.
final class FileCollector: Sendable {
    /// With which commit of a generation a file lost its last use.
    private struct Removal {
        var open: OpenEnvironment
        var commit: UInt64
    }

    private struct State {
        /// Files of attachments, by number.
        var files: [UInt64: Removal] = [:]
        /// Retired generations.
        var generations: [OpenEnvironment] = []
        var isAtWork = false
    }

    /// How long to wait before what is still needed is tried again, in seconds: first, and at most.
    private static let pauses = 0.01...1.0

    private let state = Mutex(State())

    /// Removes files of attachments that lost their last use in a commit, as soon as nobody can need them.
    func collect(_ files: [UInt64], of open: OpenEnvironment, since commit: UInt64) {
        begin { state in
            for number in files { state.files[number] = Removal(open: open, commit: commit) }
        }
    }

    /// Removes the file of a retired generation, as soon as nobody reads it.
    func collect(_ retired: OpenEnvironment) {
        begin { $0.generations.append(retired) }
    }

    private func begin(_ add: (inout State) -> Void) {
        let starts = state.withLock { state in
            add(&state)
            defer { state.isAtWork = true }
            return !state.isAtWork
        }
        // Nobody waits for it, and large files take a while to go.
        if starts { WorkerThreads.shared.submit { self.work(pause: Self.pauses.lowerBound) } }
    }

    private func work(pause: Double) {
        let (files, generations) = state.withLock { state in
            defer { (state.files, state.generations) = ([:], []) }
            return (state.files, state.generations)
        }
        // What can't be removed for another reason than readers is left to those who come later.
        let readGenerations = generations.filter { (try? $0.removeIfUnread()) == false }
        let readFiles = remaining(files)
        let goesOn = state.withLock { state in
            state.files.merge(readFiles) { newer, _ in newer }
            state.generations += readGenerations
            state.isAtWork = !state.files.isEmpty || !state.generations.isEmpty
            return state.isAtWork
        }
        guard goesOn else { return }
        WorkerThreads.shared.schedule(after: pause) {
            self.work(pause: min(2 * pause, Self.pauses.upperBound))
        }
    }

    /// Removes the files that nobody can need, and returns the others.
    private func remaining(_ files: [UInt64: Removal]) -> [UInt64: Removal] {
        var views: [ObjectIdentifier: UInt64] = [:]
        return files.filter { number, removal in
            do {
                let generation = ObjectIdentifier(removal.open)
                let view = try views[generation] ?? Self.oldestView(of: removal.open)
                views[generation] = view
                guard view >= removal.commit else { return true }
                try removal.open.directory.remove(AttachmentFiles.name(number))
            } catch {}
            return false
        }
    }

    private static func oldestView(of open: OpenEnvironment) throws -> UInt64 {
        try open.removeUnreadAncestors()
        return try open.oldestView()
    }
}
