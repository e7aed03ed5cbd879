import Dispatch
import SettleCore
import Synchronization

/// A result that one thread waits for and another one brings.
final class Awaited<Answer: Sendable>: Sendable {
    private let isThere = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Answer, SettleError>?>(nil)

    func settle(_ result: Result<Answer, SettleError>) {
        self.result.withLock { $0 = result }
        isThere.signal()
    }

    /// Holds the thread until the result is there.
    func value() throws(SettleError) -> Answer {
        isThere.wait()
        // Others may wait too, or ask again.
        isThere.signal()
        guard let result = result.withLock({ $0 }) else { throw SettleError(.internalError) }
        return try result.get()
    }
}
