// Which indexes are being updated in this process, and how far they are: `_active_tasks`.

import SettleCore
import Synchronization

/// An update or build of an index that is under way.
package struct ViewIndexTask: Sendable, Hashable {
    package let database: String
    /// The design document's id.
    package let designDocument: String
    package var changesDone = 0
    package var totalChanges: Int
    /// Microseconds since 1970.
    package let started: UInt64
    package var updated: UInt64

    /// 0 to 100.
    package var progress: Int {
        totalChanges == 0 ? 100 : min(100, changesDone * 100 / totalChanges)
    }

    private static let tasks = Mutex<[UInt64: ViewIndexTask]>([:])

    /// The updates under way, those that began first in front.
    package static var running: [ViewIndexTask] {
        tasks.withLock { $0.values.sorted { $0.started < $1.started } }
    }

    /// Keeps the entry of one pass.
    final class Recorder: Sendable {
        private let number = UInt64.random(in: .min ... .max)
        private let database: String
        private let title: String

        init(_ index: ViewIndex) {
            database = index.database.name
            title = index.source.title
        }

        /// Begins with so many changes to go, or adds them to those that went before.
        func begin(total: Int) {
            let now = Clock.microseconds()
            ViewIndexTask.tasks.withLock { tasks in
                if tasks[number] != nil {
                    let done = tasks[number]?.changesDone ?? 0
                    tasks[number]?.totalChanges = done + total
                    return
                }
                tasks[number] = ViewIndexTask(
                    database: database,
                    designDocument: title,
                    totalChanges: total,
                    started: now,
                    updated: now
                )
            }
        }

        func advance(_ count: Int) {
            let now = Clock.microseconds()
            ViewIndexTask.tasks.withLock { tasks in
                tasks[number]?.changesDone += count
                tasks[number]?.updated = now
            }
        }

        func end() {
            ViewIndexTask.tasks.withLock { _ = $0.removeValue(forKey: number) }
        }
    }
}
