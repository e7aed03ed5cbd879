// The three ways in which a route answers.
//
//     .now       a short read or a refusal: the response is ready
//     .later     a write: somebody completes the promise, from any thread
//     .stream    many rows or a feed: a source is asked for one piece after the other, on the connection's event
//                loop, whenever the client can take more
//
// The subtle thing: a source never holds a transaction between two pieces. It remembers the key it stopped at, so a
// stalled client pins nothing, and a feed that waits costs its socket and a few hundred bytes.

import NIOCore
import NIOPosix
import Settle
import SettleCore

/// What a route makes of a request.
enum Answer: Sendable {
    case now(Response)
    case later(@Sendable (AnswerPromise) -> Void)
    case stream(ResponseHead, @Sendable (LoopContext) -> any BodySource)

    /// Answers with what an asynchronous operation returns.
    static func task(_ operation: @escaping @Sendable () async throws(SettleError) -> Answer)
        -> Answer
    {
        .later { promise in
            Task {
                do throws(SettleError) {
                    promise.complete(try await operation())
                } catch {
                    promise.complete(.now(Response(error: error)))
                }
            }
        }
    }
}

extension Answer {
    /// Answers with what an operation returns that blocks its thread, such as creating a file.
    static func blocking(
        on pool: NIOThreadPool,
        _ operation: @escaping @Sendable () throws(SettleError) -> Answer
    ) -> Answer {
        .later { promise in
            pool.submit { state in
                guard state == .active else { return }
                do throws(SettleError) {
                    promise.complete(try operation())
                } catch {
                    promise.complete(.now(Response(error: error)))
                }
            }
        }
    }
}

/// Where the answer of a request goes once somebody has it; to be completed once, from any thread.
struct AnswerPromise: Sendable {
    let eventLoop: any EventLoop
    let connection: NIOLoopBound<HTTPConnection>
    let exchange: UInt64

    /// Hands the answer over to the connection; nothing happens if the client has gone.
    func complete(_ answer: Answer) {
        eventLoop.execute {
            connection.value.deliver(answer, to: exchange)
        }
    }

    /// Hands over a response or an error.
    func complete(with result: Result<Response, SettleError>) {
        switch result {
        case .success(let response): complete(.now(response))
        case .failure(let error): complete(.now(Response(error: error)))
        }
    }
}

/// How a streamed body goes on.
enum BodyProgress {
    /// There is more to come at once.
    case more
    /// Nothing to send until the source is woken, or this much time has passed.
    case waiting(milliseconds: Int)
    /// That was all.
    case finished
}

/// Produces a body piece by piece; lives on one event loop.
///
/// A piece starts empty. Content of attachments for which it has no room is left out of it and sent in its turn, before
/// the next piece is asked for.
protocol BodySource: AnyObject {
    /// Begins the stream; a feed keeps `wake` and calls it, on the same event loop, when there may be news.
    func begin(wake: @escaping () -> Void)
    /// Appends the next piece, about `LoopContext.pieceSize` bytes.
    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress
    /// Goes on after the time of a wait is over.
    func elapsed(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress
    /// Appends what closes a body that the server ends because it shuts down.
    func interrupt(into piece: inout SegmentedBytes)
    /// The stream is over, or the client has gone; called once.
    func end()
}

extension BodySource {
    func begin(wake: @escaping () -> Void) {}
    func elapsed(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress { .finished }
    func interrupt(into piece: inout SegmentedBytes) {}
    func end() {}
}
