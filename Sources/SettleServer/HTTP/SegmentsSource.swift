import Settle
import SettleCore

/// Sends a body that was planned as a whole.
final class SegmentsSource: BodySource {
    private let segments: SegmentedBytes

    init(_ segments: SegmentedBytes) {
        self.segments = segments
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        piece = segments
        return .finished
    }
}

extension Answer {
    /// Answers with a planned body; its length is told where it is known.
    static func segments(_ segments: SegmentedBytes, _ head: ResponseHead) -> Answer {
        var head = head
        head.contentLength = segments.length
        return .stream(head) { _ in SegmentsSource(segments) }
    }
}

extension SegmentedBytes {
    /// Nothing yet, with room for one piece of a streamed body.
    init() {
        self.init(room: LoopContext.pieceSize)
    }
}
