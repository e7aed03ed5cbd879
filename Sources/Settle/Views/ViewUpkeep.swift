// Keeping indexes fresh before anybody asks.
//
// A while after a commit, the indexes of the design documents that somebody has asked for in this process are brought up
// to date, one after the other, on a thread of their own: the next query finds little to do. However many commits there
// are, it is scheduled once. `"autoupdate": false` keeps a design document out of it.

import SettleCore
import SettleStorage
import Synchronization

/// Brings a database's indexes up to date in the background.
final class ViewUpkeep: Sendable {
    private static let threads = WorkerThreads(count: 1)

    private let isScheduled = Mutex(false)

    /// Notes a commit; the indexes follow after the delay that the options tell, if they tell one.
    func noteCommit(of database: Database) {
        guard let delay = database.options.indexUpkeepDelay, database.views.isInUse else { return }
        let isFirst = isScheduled.withLock { isScheduled in
            defer { isScheduled = true }
            return !isScheduled
        }
        guard isFirst else { return }
        Self.threads.schedule(after: delay) { [weak database] in
            self.isScheduled.withLock { $0 = false }
            guard let database, !database.isGone else { return }
            for source in (try? database.viewSourcesInUse()) ?? [] where source.group.updatesInBackground {
                // A failure is told to whoever asks for the view.
                try? database.viewIndex(source).updateBlocking()
            }
        }
    }
}

extension Database {
    /// The views, as they are now, of the design documents that were asked for.
    fileprivate func viewSourcesInUse() throws(SettleError) -> [ViewSource] {
        let designs = views.designs
        return try read { snapshot in
            designs.compactMap { try? snapshot.viewSource($0) }.filter { $0.mapper != nil }
        }
    }
}
