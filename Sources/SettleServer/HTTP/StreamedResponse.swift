// A response that is made piece by piece.
//
//     source ──piece: bytes, and places of content that was left out──► sent 256 KiB at a time ──► source …
//
// The first piece is made before anything is written: if it is the last as well, which is so for most pages of rows,
// the response goes out whole, with its length; and if it fails, the client gets a proper error. After that a piece is
// made only when the socket has taken what was written before, so the memory of a stalled client is bounded by one
// piece and the socket's marks. A piece may stand for any amount of attachments' content: that is read as the socket
// takes it, and only then the source is asked to go on.

import Logging
import NIOCore
import Settle
import SettleCore
import Synchronization

/// The streaming part of one exchange.
final class StreamedResponse {
    private let connection: HTTPConnection
    private let source: any BodySource
    /// What the source has made and was not sent yet, and how it goes on after that.
    private var rest = SegmentedBytes()
    private var progressAfterRest = BodyProgress.more
    private var timer: Scheduled<Void>?
    private var isWaiting = false
    /// Whether there was news since the source was last asked.
    private var wasWoken = false
    private var isScheduled = false
    private var isOver = false

    init(connection: HTTPConnection, source: any BodySource) {
        self.connection = connection
        self.source = source
    }

    /// Makes the first piece and writes it, whole if it is the only one.
    func begin(_ head: ResponseHead) {
        // Who asks for the head alone doesn't have to wait for content.
        if connection.framing.omitsBody, head.contentLength != nil { return sendHead(head) }
        source.begin(wake: { [weak self] in self?.wake() })
        var piece = takePiece()
        do throws(SettleError) {
            let progress = try make(Self.next, &piece)
            if case .finished = progress {
                close()
                var response = Response(body: piece)
                response.head = head
                giveBack(&piece)
                connection.send(response)
                return
            }
            if connection.framing.omitsBody { return sendHead(head) }
            var buffer = connection.framing.streamHead(head, loop: connection.loop)
            connection.framing.appendPiece(piece, to: &buffer)
            giveBack(&piece)
            connection.write(buffer)
            advance(progress)
        } catch {
            giveBack(&piece)
            close()
            connection.send(Response(error: error))
        }
    }

    private func sendHead(_ head: ResponseHead) {
        close()
        connection.write(connection.framing.streamHead(head, loop: connection.loop))
        connection.finishExchange()
    }

    /// The socket takes more.
    func becameWritable() {
        if !isWaiting { schedule() }
    }

    /// There may be news.
    func wake() {
        wasWoken = true
        guard isWaiting else { return }
        isWaiting = false
        timer?.cancel()
        timer = nil
        schedule()
    }

    /// Ends the body in an orderly way although the source has more; in the midst of content there is no such way.
    func interrupt() {
        guard rest.isEmpty else { return breakOff() }
        produce { (source, piece) throws(SettleError) -> BodyProgress in
            source.interrupt(into: &piece)
            return .finished
        }
    }

    /// Lets the source go; nothing is written any more.
    func close() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        rest = SegmentedBytes()
        source.end()
    }

    /// Goes on with the next piece in the event loop's next round, so that other connections get their turn.
    private func schedule() {
        guard !isScheduled, !isOver else { return }
        isScheduled = true
        connection.loop.eventLoop.assumeIsolated().execute { [self] in
            isScheduled = false
            guard !isOver, !isWaiting, connection.context?.channel.isWritable == true else { return }
            produce(Self.next)
        }
    }

    /// How a source makes its next piece.
    private typealias Step = (any BodySource, inout SegmentedBytes) throws(SettleError) -> BodyProgress

    private static func next(
        _ source: any BodySource,
        _ piece: inout SegmentedBytes
    ) throws(SettleError) -> BodyProgress {
        try source.next(into: &piece)
    }

    /// Takes what is left of the last piece; if nothing is, has the source make another.
    private func make(_ step: Step, _ output: inout [UInt8]) throws(SettleError) -> BodyProgress {
        if rest.isEmpty {
            wasWoken = false
            var piece = SegmentedBytes()
            swap(&piece.bytes, &output)
            let progress = try step(source, &piece)
            guard piece.omitsContent else {
                swap(&piece.bytes, &output)
                return progress
            }
            (rest, progressAfterRest) = (piece, progress)
        }
        try rest.take(LoopContext.pieceSize, into: &output)
        guard rest.isEmpty else { return .more }
        rest = SegmentedBytes()
        return progressAfterRest
    }

    private func produce(_ step: Step) {
        guard !isOver else { return }
        var piece = takePiece()
        defer { giveBack(&piece) }
        do throws(SettleError) {
            let progress = try make(step, &piece)
            var buffer = ByteBuffer()
            connection.server.statistics.streamedBytes.add(piece.count, ordering: .relaxed)
            connection.framing.appendPiece(piece, to: &buffer)
            if case .finished = progress {
                connection.framing.appendEnd(to: &buffer)
            }
            if buffer.readableBytes > 0 {
                connection.write(buffer)
            }
            advance(progress)
        } catch {
            connection.server.logger.error(
                "A response broke off",
                metadata: ["error": "\(error)"]
            )
            breakOff()
        }
    }

    /// Ends the connection, so that the client sees that something is missing.
    private func breakOff() {
        close()
        connection.framing.keepsAlive = false
        connection.finishExchange()
    }

    private func advance(_ progress: BodyProgress) {
        guard !isOver else { return }
        switch progress {
        case .more:
            if connection.context?.channel.isWritable == true { schedule() }
        case .waiting where wasWoken:
            // While the piece was being sent.
            if connection.context?.channel.isWritable == true { schedule() }
        case .waiting(let milliseconds):
            isWaiting = true
            timer = connection.loop.eventLoop.assumeIsolated().scheduleTask(
                in: .milliseconds(Int64(milliseconds))
            ) { [weak self] in
                self?.waitIsOver()
            }
        case .finished:
            close()
            connection.finishExchange()
        }
    }

    private func waitIsOver() {
        guard isWaiting, !isOver else { return }
        isWaiting = false
        produce { (source, piece) throws(SettleError) in try source.elapsed(into: &piece) }
    }

    // MARK: the shared buffer

    private func takePiece() -> [UInt8] {
        var piece: [UInt8] = []
        swap(&piece, &connection.loop.piece)
        piece.removeAll(keepingCapacity: true)
        return piece
    }

    private func giveBack(_ piece: inout [UInt8]) {
        if piece.capacity <= 4 * LoopContext.pieceSize {
            swap(&piece, &connection.loop.piece)
        }
    }
}

extension HTTPConnection {
    /// Answers with a stream.
    func stream(_ head: ResponseHead, _ source: any BodySource) {
        let stream = StreamedResponse(connection: self, source: source)
        state = .streaming(stream)
        stream.begin(head)
    }
}
