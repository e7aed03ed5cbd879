// Between the source and the target of one document: a little is kept, then whoever is ahead waits.
//
// One task sends, another one receives. The subtle thing is how it ends: a source that fails says so behind what it has
// sent, and a target that gives up makes `send` answer false, so neither waits for the other in vain.

package import SettleCore
import Synchronization

/// Carries the pieces of a document's revisions from one task to another.
package final class RevisionChannel: Sendable {
    /// The sender waits while more bytes than this are on their way.
    private static let limit = 1 << 18

    private struct State {
        var events: [RevisionEvent] = []
        var bytes = 0
        /// How it ended, if the sender is done.
        var end: Result<Void, PeerFailure>?
        /// Whether the receiver has given up.
        var isClosed = false
        var sender: CheckedContinuation<Void, Never>?
        var receiver: CheckedContinuation<Void, Never>?

        var mayContinue: Bool { isClosed || bytes < RevisionChannel.limit }
        var hasNews: Bool { isClosed || !events.isEmpty || end != nil }
    }

    private let state = Mutex(State())

    package init() {}

    /// Sends a piece, as soon as there is room; false if nobody wants it any more.
    package func send(_ event: RevisionEvent) async -> Bool {
        await wait(\.sender) { $0.mayContinue }
        let (isClosed, receiver) = state.withLock { state in
            guard !state.isClosed else { return (true, nil as CheckedContinuation<Void, Never>?) }
            state.events.append(event)
            state.bytes += event.size
            defer { state.receiver = nil }
            return (false, state.receiver)
        }
        receiver?.resume()
        return !isClosed
    }

    /// Says that nothing more comes, and why.
    func finish(_ end: Result<Void, PeerFailure>) {
        let receiver = state.withLock { state in
            state.end = state.end ?? end
            defer { state.receiver = nil }
            return state.receiver
        }
        receiver?.resume()
    }

    /// Wants nothing more.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            state.events = []
            defer { (state.sender, state.receiver) = (nil, nil) }
            return [state.sender, state.receiver]
        }
        for continuation in waiting { continuation?.resume() }
    }

    /// The next piece; nil at the end.
    package func next() async throws(PeerFailure) -> RevisionEvent? {
        await wait(\.receiver) { $0.hasNews }
        let (event, end, sender) = state.withLock { state in
            guard !state.events.isEmpty else {
                return (nil as RevisionEvent?, state.end, nil as CheckedContinuation<Void, Never>?)
            }
            let event = state.events.removeFirst()
            state.bytes -= event.size
            guard state.mayContinue else { return (event, nil, nil) }
            defer { state.sender = nil }
            return (event, nil, state.sender)
        }
        sender?.resume()
        if let event { return event }
        guard let end else {
            throw PeerFailure(.transport, name: "cancelled", reason: "The copy was given up.")
        }
        try end.get()
        return nil
    }

    /// Waits until a condition is met, or the task is cancelled, which closes the channel.
    private func wait(
        _ place: any WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable,
        until condition: @Sendable (State) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if condition(state) { return true }
                    state[keyPath: place] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            close()
        }
    }
}

extension RevisionEvent {
    /// Roughly how much memory it takes.
    fileprivate var size: Int {
        switch self {
        case .revision(let revision): revision.json.count + 64
        case .content(let bytes): bytes.count + 64
        case .contentEnd, .missing: 64
        }
    }
}
