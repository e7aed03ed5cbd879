// A body that is made of bytes at hand and of the content of attachments, which is read when its turn comes.
//
//     "--b…{json}…--b…" · stored bytes of a.bin · "--b…" · stored bytes of b.bin · "--b--"
//
// Readers are opened when the body is planned, in the snapshot that the document was read in, so a download is not
// disturbed by what happens to the document. Only the piece that is being sent is in memory.

import Settle
import SettleCore

/// What is still to be sent, in order.
struct BodySegments: Sendable {
    private enum Segment: Sendable {
        case bytes([UInt8])
        case stored(AttachmentReader, Range<UInt64>)
        /// With the length that the content must have, where the head of the answer names it.
        case decoded(AttachmentDecoder, UInt64?)
    }

    private var segments: ArraySlice<Segment> = []

    /// Whether everything has been taken.
    var isEmpty: Bool { segments.isEmpty }

    /// How many bytes there are; nil where only decoding would tell.
    var length: UInt64? {
        var length: UInt64 = 0
        for segment in segments {
            switch segment {
            case .bytes(let bytes): length += UInt64(bytes.count)
            case .stored(_, let range): length += UInt64(range.count)
            case .decoded(_, let bytes?): length += bytes
            case .decoded(_, nil): return nil
            }
        }
        return length
    }

    /// Adds bytes.
    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        segments.append(.bytes(bytes))
    }

    /// Adds stored bytes of an attachment.
    mutating func append(_ reader: AttachmentReader, _ range: Range<UInt64>) {
        if !range.isEmpty { segments.append(.stored(reader, range)) }
    }

    /// Adds the decoded content of an attachment.
    ///
    /// Who sent compressed content may have lied about its length, and more bytes than announced would look like the
    /// next response: where a length is given, content that has another breaks off.
    mutating func append(_ decoder: AttachmentDecoder, length: UInt64? = nil) {
        segments.append(.decoded(decoder, length))
    }

    /// Adds all that another body has.
    mutating func append(_ other: BodySegments) {
        segments += other.segments
    }

    /// Takes the next bytes, about as many as asked for.
    mutating func take(_ count: Int, into output: inout [UInt8]) throws(SettleError) {
        let end = output.count + count
        while output.count < end, let segment = segments.popFirst() {
            switch segment {
            case .bytes(let bytes):
                output += bytes
            case .stored(let reader, let range):
                let before = output.count
                let wanted = Int(min(UInt64(range.count), UInt64(end - before)))
                try reader.read(from: range.lowerBound, count: wanted, into: &output)
                guard output.count - before == wanted else {
                    throw SettleError(.internalError, "An attachment is shorter than it should be.")
                }
                let rest = range.lowerBound + UInt64(wanted)..<range.upperBound
                if !rest.isEmpty { segments.insert(.stored(reader, rest), at: segments.startIndex) }
            case .decoded(let decoder, let length):
                let part = try decoder.next()
                let count = UInt64(part?.count ?? 0)
                guard length.map({ part == nil ? $0 == 0 : $0 >= count }) ?? true else {
                    throw SettleError(.internalError, "An attachment is not as long as its document says.")
                }
                guard let part else { continue }
                output += part
                segments.insert(.decoded(decoder, length.map { $0 - count }), at: segments.startIndex)
            }
        }
    }
}

/// Sends a planned body.
final class SegmentsSource: BodySource {
    private var segments: BodySegments

    init(_ segments: BodySegments) {
        self.segments = segments
    }

    func next(into output: inout [UInt8]) throws(SettleError) -> BodyProgress {
        try segments.take(LoopContext.pieceSize, into: &output)
        return segments.isEmpty ? .finished : .more
    }
}

extension Answer {
    /// Answers with a planned body; its length is told where it is known.
    static func segments(_ segments: BodySegments, _ head: ResponseHead) -> Answer {
        var head = head
        head.contentLength = segments.length
        return .stream(head) { _ in SegmentsSource(segments) }
    }
}
