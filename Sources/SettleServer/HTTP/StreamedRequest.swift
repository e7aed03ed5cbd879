// A request whose body is taken in while it arrives, because it may be larger than memory.
//
//     socket ──parts──► pending bytes ──one piece at a time──► sink, on a thread that may block
//
// The event loop only gathers bytes: hashing, compressing and writing them is the sink's, off the loop. While the sink
// works on one piece the next one gathers, and when that is large enough the connection stops reading; so memory is
// bounded whatever the client sends, and a slow disk slows the client down.
//
// The subtle thing is the end. A client that goes away half-way leaves nothing behind: the sink is told to forget what
// it has, and nothing was written to the database before the whole body was there.

import Logging
import NIOCore
import NIOPosix
import SettleCore
import Synchronization

/// Takes a body in; called from threads that may block, one call at a time.
protocol BodySink: AnyObject, Sendable {
    /// Takes the next bytes.
    func append(_ bytes: ArraySlice<UInt8>) throws(SettleError)
    /// The body is complete: what to answer.
    func finish() throws(SettleError) -> Answer
    /// The body will never be complete, or was refused.
    func discard()
}

/// The receiving part of one exchange.
final class StreamedRequest {
    /// How many bytes may wait for the sink before reading stops.
    private static let pendingLimit = 256 * 1024

    private let connection: HTTPConnection
    private let sink: any BodySink
    private var pending: [UInt8] = []
    private var isWorking = false
    private var isOver = false
    /// Whether the client has sent the whole body.
    private(set) var isComplete = false

    init(connection: HTTPConnection, sink: any BodySink) {
        self.connection = connection
        self.sink = sink
    }

    /// Whether reading should stop for a while.
    var isFull: Bool { pending.count >= Self.pendingLimit }

    /// Takes bytes off the wire.
    func receive(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        pending.append(contentsOf: bytes.readableBytesView)
        work()
    }

    /// The body has ended.
    func complete() {
        isComplete = true
        work()
    }

    /// Nobody waits for the answer any more.
    func close() {
        guard !isOver else { return }
        isOver = true
        pending = []
        if !isWorking { sink.discard() }
    }

    /// Hands over what has gathered.
    private func work() {
        guard !isWorking, !isOver, isComplete || !pending.isEmpty else { return }
        isWorking = true
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        let (piece, isLast, sink) = (bytes, isComplete, sink)
        let eventLoop = connection.loop.eventLoop
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        connection.server.threadPool.submit { state in
            guard state == .active else { return }
            let result: Result<Answer?, SettleError>
            do throws(SettleError) {
                if !piece.isEmpty { try sink.append(piece[...]) }
                result = .success(isLast ? try sink.finish() : nil)
            } catch {
                result = .failure(error)
            }
            eventLoop.execute { bound.value.didWork(result) }
        }
    }

    private func didWork(_ result: Result<Answer?, SettleError>) {
        isWorking = false
        guard !isOver else {
            sink.discard()
            return
        }
        switch result {
        case .success(nil):
            work()
            connection.resumeReading()
        case .success(let answer?):
            isOver = true
            connection.answerUpload(answer)
        case .failure(let error):
            close()
            connection.failUpload(error, isComplete: isComplete)
        }
    }
}

extension HTTPConnection {
    /// Begins to take a body in, or refuses to before any of it has come.
    func upload(_ incoming: IncomingRequest) throws(SettleError) -> StreamedRequest {
        let request = incoming.finish(listeningAddress: server.listeningAddress, peer: peer)
        server.statistics.requests.add(1, ordering: .relaxed)
        return StreamedRequest(connection: self, sink: try server.sink(for: request))
    }

    /// Goes on with the answer to a body that was taken in.
    fileprivate func answerUpload(_ answer: Answer) {
        guard case .uploading = state else { return }
        state = .answering
        deliver(answer, to: exchange)
        resumeReading()
    }

    /// Answers with an error; what is still to come of the body is dropped.
    fileprivate func failUpload(_ error: SettleError, isComplete: Bool) {
        guard case .uploading = state else { return }
        if error.status >= 500 {
            server.logger.error("An upload failed", metadata: ["error": "\(error)"])
        }
        if isComplete {
            state = .answering
            send(Response(error: error))
        } else {
            refuse(error)
        }
        resumeReading()
    }
}
