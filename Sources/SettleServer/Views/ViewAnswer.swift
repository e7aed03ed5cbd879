// The body that answers one query of a view, or a list of them.
//
// It is a value that makes its next piece, wherever that is called: on the connection's event loop, as other streams of
// rows, or on a worker's thread if making it may take long, because rows are reduced by functions in another process.

import NIOCore
import Settle
import SettleCore

/// What is left to send of an answer.
struct ViewAnswer: Sendable {
    private enum Walk: Sendable {
        case rows(ViewRowsWalk)
        case reduced(ReducedRowsWalk)
    }

    private let requests: [ViewRequest]
    private let isList: Bool
    private var place = 0
    private var walk: Walk?

    init(_ requests: [ViewRequest], isList: Bool) {
        self.requests = requests
        self.isList = isList
    }

    /// Whether making a piece may block the thread.
    var mayBlock: Bool { requests.contains { $0.mayBlock } }

    /// Appends the next piece; true if it was the last one.
    mutating func next(into piece: inout SegmentedBytes) throws(SettleError) -> Bool {
        if place == 0, walk == nil, isList {
            piece.bytes.append(contentsOf: "{\"results\":[\n".utf8)
        }
        while place < requests.count, !piece.isFull {
            guard try go(&piece) else { continue }
            walk = nil
            piece.bytes.append(contentsOf: "\r\n]}".utf8)
            place += 1
            if place < requests.count { piece.bytes.append(contentsOf: ",\n".utf8) }
        }
        guard place == requests.count else { return false }
        piece.bytes.append(contentsOf: isList ? "\n]}\n".utf8 : "\n".utf8)
        return true
    }

    private mutating func go(_ piece: inout SegmentedBytes) throws(SettleError) -> Bool {
        let request = requests[place]
        let isDone: Bool
        switch walk ?? (request.shape == .rows ? .rows(.init(request)) : .reduced(.init(request))) {
        case .rows(var rows):
            walk = nil
            isDone = try rows.go(&piece)
            walk = .rows(rows)
        case .reduced(var rows):
            walk = nil
            isDone = try rows.go(until: LoopContext.pieceSize, &piece.bytes)
            walk = .reduced(rows)
        }
        return isDone
    }
}

/// Sends an answer whose pieces are made on the event loop.
final class ViewSource: BodySource {
    private var answer: ViewAnswer

    init(_ answer: ViewAnswer) {
        self.answer = answer
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        try answer.next(into: &piece) ? .finished : .more
    }
}

/// A piece of an answer, and what is left after it.
struct ViewPiece: Sendable {
    var content = SegmentedBytes()
    var isLast = false
    var rest: ViewAnswer

    /// Makes the next piece of an answer on a worker's thread.
    static func make(_ answer: ViewAnswer, on database: Database) async throws(SettleError) -> ViewPiece {
        try await database.onWorkerThread { () throws(SettleError) in
            var piece = ViewPiece(rest: answer)
            piece.isLast = try piece.rest.next(into: &piece.content)
            return piece
        }
    }
}

/// Sends an answer whose pieces are made elsewhere, one at a time.
final class BackgroundViewSource: BodySource {
    private let database: Database
    private let loop: LoopContext
    private var ready: Result<ViewPiece, SettleError>?
    private var rest: ViewAnswer
    private var isUnderWay = false
    private var wake: () -> Void = {}

    init(_ first: ViewPiece, _ database: Database, _ loop: LoopContext) {
        self.database = database
        self.loop = loop
        rest = first.rest
        ready = .success(first)
    }

    func begin(wake: @escaping () -> Void) {
        self.wake = wake
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        guard let ready else {
            makeNext()
            return .waiting(milliseconds: Self.patience)
        }
        self.ready = nil
        let next = try ready.get()
        piece = next.content
        rest = next.rest
        return next.isLast ? .finished : .more
    }

    /// The function is still at work: its own time limit decides how long that may be.
    func elapsed(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        try next(into: &piece)
    }

    func end() {
        wake = {}
    }

    private static let patience = 60_000

    private func makeNext() {
        guard !isUnderWay else { return }
        isUnderWay = true
        let source = NIOLoopBound(self, eventLoop: loop.eventLoop)
        Task { [rest, database] in
            let piece: Result<ViewPiece, SettleError>
            do throws(SettleError) {
                piece = .success(try await ViewPiece.make(rest, on: database))
            } catch {
                piece = .failure(error)
            }
            source.eventLoop.execute {
                source.value.isUnderWay = false
                source.value.ready = piece
                source.value.wake()
            }
        }
    }
}
