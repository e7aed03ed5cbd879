import Foundation
import Synchronization

/// Work on a thread of its own, because transactions and locks block the one they are on.
final class BackgroundTask: Sendable {
    private let finished = Atomic<Bool>(false)

    init(_ body: @escaping @Sendable () -> Void) {
        Thread {
            body()
            self.finished.store(true, ordering: .releasing)
        }.start()
    }

    var isFinished: Bool { finished.load(ordering: .acquiring) }

    func wait() {
        while !isFinished { Thread.sleep(forTimeInterval: 0.0005) }
    }
}
