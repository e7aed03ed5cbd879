// Wakes the feeds of one event loop that wait for one database.
//
// A commit happens on a writer's thread; feeds live on event loops. So each loop has one listener per database, however
// many feeds wait, and a commit costs each loop one hop. While a ring is on its way, further commits add none.

import NIOCore
import Settle
import Synchronization

/// The feeds on one event loop that wait for the same thing.
final class ChangesBell {
    private let key: ObjectIdentifier
    private unowned let loop: LoopContext
    private var waiting: [UInt64: () -> Void] = [:]
    private var next: UInt64 = 0
    private var detach: () -> Void = {}

    /// Whether a ring is on its way from some thread to the event loop.
    private final class Signal: Sendable {
        let isUnderWay = Atomic<Bool>(false)
    }

    private init(key: ObjectIdentifier, loop: LoopContext) {
        self.key = key
        self.loop = loop
    }

    /// The bell for a key on a loop; `attach` is called once, to have it rung, and gives what stops that.
    private static func of(
        _ key: ObjectIdentifier,
        on loop: LoopContext,
        attach: (@escaping @Sendable () -> Void) -> () -> Void
    ) -> ChangesBell {
        if let bell = loop.bells[key] { return bell }
        let bell = ChangesBell(key: key, loop: loop)
        let bound = NIOLoopBound(bell, eventLoop: loop.eventLoop)
        let signal = Signal()
        bell.detach = attach {
            guard !signal.isUnderWay.exchange(true, ordering: .acquiringAndReleasing) else { return }
            bound.eventLoop.execute {
                signal.isUnderWay.store(false, ordering: .releasing)
                bound.value.ring()
            }
        }
        loop.bells[key] = bell
        return bell
    }

    /// The bell of a database.
    static func of(_ database: Database, on loop: LoopContext) -> ChangesBell {
        of(ObjectIdentifier(database), on: loop) { ring in
            let token = database.addChangeListener(ring)
            return { database.removeChangeListener(token) }
        }
    }

    /// The bell of the server's events.
    static func of(_ events: EventLog, on loop: LoopContext) -> ChangesBell {
        of(ObjectIdentifier(events), on: loop) { ring in
            let token = events.addListener(ring)
            return { events.removeListener(token) }
        }
    }

    /// Has a feed woken from now on.
    func add(_ wake: @escaping () -> Void) -> UInt64 {
        next += 1
        waiting[next] = wake
        return next
    }

    /// Lets a feed sleep; with the last one the bell goes.
    func remove(_ token: UInt64) {
        waiting[token] = nil
        if waiting.isEmpty {
            detach()
            detach = {}
            loop.bells[key] = nil
        }
    }

    private func ring() {
        for wake in Array(waiting.values) { wake() }
    }
}
