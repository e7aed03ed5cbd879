// SIGINT and SIGTERM as something to wait for.

import Dispatch
import Foundation
import Synchronization

/// The signals that ask a command to end: the first is waited for, another ends the process at once.
final class Signals: Sendable {
    private let arrivals: AsyncStream<Void>
    /// Kept, because a source that nobody keeps stops watching.
    private let sources: Mutex<[any DispatchSourceSignal]>

    init() {
        let (arrivals, continuation) = AsyncStream.makeStream(of: Void.self)
        self.arrivals = arrivals
        let count = Counter()
        let watched = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if count.increment() > 1 { _exit(128 + number) }
                continuation.yield()
            }
            source.resume()
            return source
        }
        sources = Mutex(watched)
    }

    /// Returns when the first signal arrives.
    func first() async {
        for await _ in arrivals { return }
    }

    private final class Counter: Sendable {
        private let value = Mutex(0)

        func increment() -> Int {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }
}
