// One client's connection: takes requests off the wire, hands them to the routes, and writes the answers in order.
//
//     idle ──head──► receiving ──end──► answering ──whole answer──────────────► idle
//                    uploading              └──────stream──► streaming ──end──► idle
//                        └──too large, no credentials──► refusing (drops the body) ──► closed
//
// A request is answered before the next is looked at; what a pipelining client sends meanwhile waits in a queue, and
// beyond a few parts it waits in the socket. The subtle thing: a refused request's body must still be read to its
// end (within reason), or closing the socket would reset it and the client would never see why.

import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
import SettleCore
import Synchronization

/// Handles the HTTP/1 exchanges of one connection, on its event loop.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    enum State {
        case idle
        case receiving(IncomingRequest)
        case uploading(StreamedRequest)
        case refusing(dropped: Int)
        case answering
        case streaming(StreamedResponse)
        case closed
    }

    /// How much of a refused body is read before the connection is simply closed.
    private static let droppedBodyLimit = 64 << 20
    /// How many parts may wait behind the request in work before reading stops.
    private static let queueLimit = 32

    let server: ServerCore
    let loop: LoopContext
    var context: ChannelHandlerContext?
    var state = State.idle
    /// Counts requests, so that a late answer can't go to the wrong one.
    var exchange: UInt64 = 0
    /// How the response in work is framed.
    var framing = ResponseFraming()
    private var queue: [HTTPServerRequestPart] = []
    private var isPumping = false
    private var isReadDelayed = false
    private var isInReadBurst = false
    private var needsFlush = false
    var isShuttingDown = false

    init(server: ServerCore, loop: LoopContext) {
        self.server = server
        self.loop = loop
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        loop.connections[ObjectIdentifier(self)] = self
        server.statistics.connections.add(1, ordering: .relaxed)
        context.fireChannelActive()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelInactive(context: ChannelHandlerContext) {
        let previous = state
        state = .closed
        queue = []
        loop.connections[ObjectIdentifier(self)] = nil
        server.statistics.connections.subtract(1, ordering: .relaxed)
        switch previous {
        case .streaming(let stream): stream.close()
        case .uploading(let upload): upload.close()
        default: break
        }
        self.context = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isInReadBurst = true
        queue.append(unwrapInboundIn(data))
        pump()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInReadBurst = false
        if needsFlush {
            needsFlush = false
            context.flush()
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isFull {
            isReadDelayed = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, case .streaming(let stream) = state {
            stream.becameWritable()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .closed = state { return }
        framing.keepsAlive = false
        if case .uploading(let upload) = state { upload.close() }
        switch (state, error) {
        case (.idle, is HTTPParserError), (.receiving, is HTTPParserError), (.uploading, is HTTPParserError):
            send(Response(error: SettleError(.badRequest, "The request is not valid HTTP.")))
        case (.receiving, is NIOHTTPDecompression.DecompressionError),
            (.receiving, is NIOHTTPDecompression.ExtraDecompressionError),
            (.uploading, is NIOHTTPDecompression.DecompressionError),
            (.uploading, is NIOHTTPDecompression.ExtraDecompressionError):
            if case NIOHTTPDecompression.DecompressionError.limit = error {
                send(Response(error: SettleError(.tooLarge)))
            } else {
                send(Response(error: SettleError(.badRequest, "Request body is not properly gzipped.")))
            }
        case (.refusing, is NIOHTTPDecompression.DecompressionError),
            (.refusing, is NIOHTTPDecompression.ExtraDecompressionError):
            closeNow()
        default:
            context.close(promise: nil)
        }
    }

    // MARK: the queue

    /// Takes parts off the queue until a request is in work.
    func pump() {
        guard !isPumping else { return }
        isPumping = true
        var taken = 0
        loop: while taken < queue.count {
            switch state {
            case .answering, .streaming, .closed: break loop
            case .uploading(let upload) where upload.isComplete: break loop
            case .idle, .receiving, .uploading, .refusing: break
            }
            taken += 1
            process(queue[taken - 1])
        }
        isPumping = false
        if taken >= queue.count {
            queue.removeAll(keepingCapacity: queue.capacity <= Self.queueLimit)
        } else {
            queue.removeFirst(taken)
        }
        resumeReading()
    }

    /// Whether enough waits that nothing more should be read from the socket.
    private var isFull: Bool {
        if case .uploading(let upload) = state, upload.isFull { return true }
        return queue.count > Self.queueLimit
    }

    /// Reads on if reading was delayed and there is room again.
    func resumeReading() {
        guard isReadDelayed, !isFull else { return }
        isReadDelayed = false
        context?.read()
    }

    private func process(_ part: HTTPServerRequestPart) {
        switch (part, state) {
        case (.head(let head), .idle):
            receive(head)
        case (.body(let bytes), .receiving(let request)):
            let fits = request.append(bytes, limit: server.configuration.maximumRequestSize)
            if !fits { refuse(SettleError(.tooLarge)) }
        case (.end, .receiving(let request)):
            dispatch(request)
        case (.body(let bytes), .uploading(let upload)):
            upload.receive(bytes)
        case (.end, .uploading(let upload)):
            upload.complete()
        case (.body(let bytes), .refusing(let dropped)):
            state = .refusing(dropped: dropped + bytes.readableBytes)
            if dropped > Self.droppedBodyLimit { closeNow() }
        case (.end, .refusing):
            closeNow()
        default:
            break
        }
    }

    private func receive(_ head: HTTPRequestHead) {
        exchange &+= 1
        framing = ResponseFraming(head, isFarAway: isFarAway)
        do throws(SettleError) {
            let request = try IncomingRequest(head, server: server)
            framing.renewedToken = request.user.renewedToken
            if request.isStreamed {
                state = .uploading(try upload(request))
            } else {
                state = .receiving(request)
            }
            if request.expectsContinue {
                write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            }
        } catch {
            refuse(error)
        }
    }

    /// The client's address; asked of the system once, with the first request.
    private(set) lazy var peer = context?.remoteAddress?.ipAddress ?? ""

    /// Whether there is a network between here and the client, so that packed answers arrive sooner.
    private lazy var isFarAway =
        server.configuration.packsForEverybody
        || !(peer.isEmpty || peer == "::1" || peer.hasPrefix("127.") || peer.hasPrefix("::ffff:127."))

    /// Answers before the body has come, and drops what is still to come of it.
    func refuse(_ error: SettleError) {
        framing.keepsAlive = false
        state = .refusing(dropped: 0)
        write(framing.whole(Response(error: error), loop: loop))
    }

    private func dispatch(_ incoming: IncomingRequest) {
        let request = incoming.finish(listeningAddress: server.listeningAddress, peer: peer)
        state = .answering
        guard request.body.count > ServerCore.offLoopBodySize, let context else {
            deliver(server.answer(request), to: exchange)
            return
        }
        let promise = AnswerPromise(
            eventLoop: loop.eventLoop,
            connection: NIOLoopBound(self, eventLoop: context.eventLoop),
            exchange: exchange
        )
        let server = server
        server.threadPool.submit { state in
            guard state == .active else { return }
            promise.complete(server.answer(request))
        }
    }

    /// Takes the answer of a request; one that comes too late goes nowhere.
    func deliver(_ answer: Answer, to exchange: UInt64) {
        guard exchange == self.exchange, case .answering = state else { return }
        switch answer {
        case .now(let response):
            send(response)
        case .later(let begin):
            begin(
                AnswerPromise(
                    eventLoop: loop.eventLoop,
                    connection: NIOLoopBound(self, eventLoop: loop.eventLoop),
                    exchange: exchange
                )
            )
        case .stream(let head, let makeSource):
            stream(head, makeSource(loop))
        }
    }

    // MARK: writing

    /// Writes a whole response and goes on to the next request.
    func send(_ response: Response) {
        write(framing.whole(response, loop: loop))
        finishExchange()
    }

    /// Writes bytes; within a burst of pipelined requests the flush comes after the last.
    func write(_ buffer: ByteBuffer) {
        guard let context else { return }
        context.write(wrapOutboundOut(buffer), promise: nil)
        if isInReadBurst {
            needsFlush = true
        } else {
            context.flush()
        }
    }

    /// The response is written: on to the next request, or the end of the connection.
    func finishExchange() {
        if case .closed = state { return }
        guard framing.keepsAlive, !isShuttingDown else {
            closeNow()
            return
        }
        state = .idle
        pump()
    }

    /// Closes once everything written has left.
    func closeNow() {
        guard let context else { return }
        state = .closed
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    /// Ends the connection as soon as it has nothing in work; a feed is ended.
    func shutDown() {
        isShuttingDown = true
        switch state {
        case .idle, .receiving, .refusing: closeNow()
        case .uploading(let upload):
            upload.close()
            closeNow()
        case .streaming(let stream): stream.interrupt()
        case .answering, .closed: break
        }
    }
}
