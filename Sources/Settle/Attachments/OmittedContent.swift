import SettleCore

/// Content of one attachment that is still to be read, in one of the forms in which answers show it.
enum OmittedContent: Sendable {
    /// Stored bytes.
    case stored(AttachmentReader, Range<UInt64>)
    /// The decoded content, with the length that it must have, where that was announced.
    case decoded(AttachmentDecoder, UInt64?)
    /// The decoded content in base64.
    case base64(AttachmentReader)
    /// What is left of that.
    case restOfBase64(AttachmentDecoder, Base64Encoder, length: UInt64?)
    /// The stored bytes, or the decoded content in base64, of what is to be looked up first.
    case unopened(Attachment, Database, inBase64: Bool)

    /// What content keeps until it has been read.
    enum Memory {
        case file
        case bytes(Int)
    }

    /// Everything that a reader has.
    static func opened(_ reader: AttachmentReader, inBase64: Bool) -> OmittedContent {
        inBase64 ? .base64(reader) : .stored(reader, 0..<reader.attachment.storedLength)
    }

    /// How many bytes there are to take; nil where only reading would tell.
    var length: UInt64? {
        switch self {
        case .stored(_, let range): UInt64(range.count)
        case .decoded(_, let length): length
        case .base64(let reader): Self.length(of: reader.attachment, inBase64: true)
        case .restOfBase64(_, _, let length): length
        case .unopened(let attachment, _, let inBase64): Self.length(of: attachment, inBase64: inBase64)
        }
    }

    /// Only decoding tells the decoded length: who sent compressed content may have said anything.
    private static func length(of attachment: Attachment, inBase64: Bool) -> UInt64? {
        guard inBase64 else { return attachment.storedLength }
        return attachment.encoding == .identity ? Base64.length(of: attachment.storedLength) : nil
    }

    /// What this keeps.
    var memory: Memory {
        switch self {
        case .stored(let reader, _), .base64(let reader): reader.memory
        case .decoded(let decoder, _), .restOfBase64(let decoder, _, _): decoder.reader.memory
        case .unopened: .bytes(0)
        }
    }

    /// Takes some bytes, about as many as asked for at the most; false if there are no more.
    mutating func take(_ count: Int, into output: inout [UInt8]) throws(SettleError) -> Bool {
        switch self {
        case .stored(let reader, let range):
            let before = output.count
            let wanted = Int(min(UInt64(range.count), UInt64(count)))
            try reader.read(from: range.lowerBound, count: wanted, into: &output)
            guard output.count - before == wanted else {
                throw SettleError(.internalError, "An attachment is shorter than it should be.")
            }
            self = .stored(reader, range.lowerBound + UInt64(wanted)..<range.upperBound)
            return wanted > 0
        case .decoded(let decoder, let length):
            let part = try decoder.next()
            let count = UInt64(part?.count ?? 0)
            guard length.map({ part == nil ? $0 == 0 : $0 >= count }) ?? true else {
                throw SettleError(.internalError, "An attachment is not as long as its document says.")
            }
            guard let part else { return false }
            output += part
            self = .decoded(decoder, length.map { $0 - count })
            return true
        case .base64(let reader):
            self = .restOfBase64(try reader.decoded(), Base64Encoder(), length: length)
            return try take(count, into: &output)
        case .restOfBase64(let decoder, var encoder, let length):
            let part = try decoder.next()
            let before = output.count
            if let part {
                encoder.append(part[...], to: &output)
            } else {
                encoder.finish(to: &output)
            }
            self = .restOfBase64(decoder, encoder, length: length.map { $0 - UInt64(output.count - before) })
            return part != nil
        case .unopened(let attachment, let database, let inBase64):
            guard let reader = try database.attachmentReader(attachment) else { throw Self.isMissing }
            self = .opened(reader, inBase64: inBase64)
            return try take(count, into: &output)
        }
    }

    /// The error where no stored revision has the content any more.
    static let isMissing = SettleError(.internalError, "The content of an attachment is missing.")
}
