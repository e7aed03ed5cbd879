// A response that is made piece by piece.
//
// The first piece is made before anything is written: if it is the last as well, which is so for most pages of rows,
// the response goes out whole, with its length; and if it fails, the client gets a proper error. After that a piece is
// made only when the socket has taken what was written before, so the memory of a stalled client is bounded by one
// piece and the socket's marks.

import Logging
import NIOCore
import SettleCore
import Synchronization

/// The streaming part of one exchange.
final class StreamedResponse {
    private let connection: HTTPConnection
    private let source: any BodySource
    private var timer: Scheduled<Void>?
    private var isWaiting = false
    private var isScheduled = false
    private var isOver = false

    init(connection: HTTPConnection, source: any BodySource) {
        self.connection = connection
        self.source = source
    }

    /// Makes the first piece and writes it, whole if it is the only one.
    func begin(_ head: ResponseHead) {
        source.begin(wake: { [weak self] in self?.wake() })
        var piece = takePiece()
        do throws(SettleError) {
            let progress = try source.next(into: &piece)
            if case .finished = progress {
                close()
                var response = Response(body: piece)
                response.head = head
                giveBack(&piece)
                connection.send(response)
                return
            }
            if connection.framing.omitsBody {
                close()
                connection.write(connection.framing.streamHead(head, loop: connection.loop))
                connection.finishExchange()
                return
            }
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

    /// The socket takes more.
    func becameWritable() {
        if !isWaiting { schedule() }
    }

    /// There may be news.
    func wake() {
        guard isWaiting else { return }
        isWaiting = false
        timer?.cancel()
        timer = nil
        schedule()
    }

    /// Ends the body in an orderly way although the source has more.
    func interrupt() {
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
        source.end()
    }

    /// Goes on with the next piece in the event loop's next round, so that other connections get their turn.
    private func schedule() {
        guard !isScheduled, !isOver else { return }
        isScheduled = true
        connection.loop.eventLoop.assumeIsolated().execute { [self] in
            isScheduled = false
            guard !isOver, !isWaiting, connection.context?.channel.isWritable == true else { return }
            produce { (source, piece) throws(SettleError) in try source.next(into: &piece) }
        }
    }

    private func produce(
        _ make: (any BodySource, inout [UInt8]) throws(SettleError) -> BodyProgress
    ) {
        guard !isOver else { return }
        var piece = takePiece()
        defer { giveBack(&piece) }
        do throws(SettleError) {
            let progress = try make(source, &piece)
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
            close()
            connection.framing.keepsAlive = false
            connection.finishExchange()
        }
    }

    private func advance(_ progress: BodyProgress) {
        guard !isOver else { return }
        switch progress {
        case .more:
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
