import NIOCore
import NIOPosix
import Synchronization

/// The contexts of all event loops of a server.
struct LoopContexts: Sendable {
    private let contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>]

    init(_ group: MultiThreadedEventLoopGroup) async throws {
        var contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>] = [:]
        for loop in group.makeIterator() {
            contexts[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(LoopContext(eventLoop: loop), eventLoop: loop)
            }.get()
        }
        self.contexts = contexts
    }

    /// The context of the event loop that this is called on.
    func context(of loop: any EventLoop) -> LoopContext {
        contexts[ObjectIdentifier(loop)]?.value ?? LoopContext(eventLoop: loop)
    }

    /// Tells all connections to finish, and waits until they have, but not forever.
    func shutDown(graceMilliseconds: Int) async {
        for context in contexts.values {
            context.eventLoop.execute {
                for connection in Array(context.value.connections.values) { connection.shutDown() }
            }
        }
        for _ in 0..<(graceMilliseconds / 10) {
            guard await hasConnections() else { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    private func hasConnections() async -> Bool {
        for context in contexts.values {
            let isBusy = context.eventLoop.submit { !context.value.connections.isEmpty }
            if (try? await isBusy.get()) == true { return true }
        }
        return false
    }
}

/// The listening channel while there is one.
final class ListeningChannel: Sendable {
    private let state = Mutex<(any Channel, LoopContexts)?>(nil)

    func set(_ channel: any Channel, _ loops: LoopContexts) {
        state.withLock { $0 = (channel, loops) }
    }

    func take() -> (any Channel, LoopContexts)? {
        state.withLock { state in
            defer { state = nil }
            return state
        }
    }
}
