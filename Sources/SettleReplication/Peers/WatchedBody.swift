// A request's body in pieces, and somebody who watches that they are taken.
//
// The client's own timer waits for the answer, and starts when the last piece has left the client. So a body that is handed
// over whole would have to be through the slowest link within that time; in pieces it has as long as it takes. And nothing
// times the pieces: a peer that was suspended in the middle of an upload would hold it for ever.

import AsyncHTTPClient
import NIOCore
import SettleCore
import Synchronization

/// A body in pieces that is watched.
struct WatchedBody: Sendable {
    let body: HTTPClientRequest.Body
    let watch: BodyWatch

    init<Pieces: AsyncSequence & Sendable>(_ pieces: Pieces, length: Int64?)
    where Pieces.Element == ByteBuffer {
        let watch = BodyWatch()
        self.watch = watch
        body = .stream(
            WatchedPieces(pieces: pieces, watch: watch),
            length: length.map { .known($0) } ?? .unknown
        )
    }
}

/// Notes when a peer last took a piece of a request.
final class BodyWatch: Sendable {
    private struct State {
        var lastTaken = ContinuousClock.now
        /// Whether the piece that is due is still being made here.
        var isMaking = false
        var isDone = false
    }

    private let state = Mutex(State())

    /// A request with the body is about to be sent.
    func restart() { state.withLock { $0 = State() } }

    fileprivate func begin() { state.withLock { $0.isMaking = true } }

    fileprivate func end(isLast: Bool) {
        state.withLock { $0 = State(lastTaken: .now, isMaking: false, isDone: isLast) }
    }

    /// Returns when all is taken; throws when nothing was for too long.
    func watch(_ patience: Duration) async throws {
        while true {
            let (isDone, rest) = state.withLock { state in
                (state.isDone, state.isMaking ? patience : patience - (.now - state.lastTaken))
            }
            if isDone { return }
            guard rest > .zero else { throw HTTPClientError.writeTimeout }
            try await Task.sleep(for: rest)
        }
    }
}

/// Pieces whose taking is noted.
private struct WatchedPieces<Pieces: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Pieces.Element == ByteBuffer {
    let pieces: Pieces
    let watch: BodyWatch

    func makeAsyncIterator() -> Iterator { Iterator(pieces: pieces.makeAsyncIterator(), watch: watch) }

    struct Iterator: AsyncIteratorProtocol {
        var pieces: Pieces.AsyncIterator
        let watch: BodyWatch

        mutating func next() async throws -> ByteBuffer? {
            watch.begin()
            let piece = try await pieces.next()
            watch.end(isLast: piece == nil)
            return piece
        }
    }
}

/// The pieces of a body that is there as a whole.
struct BufferPieces: AsyncSequence, Sendable {
    /// Bodies up to this size go as they are.
    static let size = 64 << 10

    let buffer: ByteBuffer

    func makeAsyncIterator() -> Iterator { Iterator(rest: buffer) }

    struct Iterator: AsyncIteratorProtocol {
        var rest: ByteBuffer

        mutating func next() async -> ByteBuffer? {
            rest.readableBytes == 0
                ? nil : rest.readSlice(length: Swift.min(BufferPieces.size, rest.readableBytes))
        }
    }
}
