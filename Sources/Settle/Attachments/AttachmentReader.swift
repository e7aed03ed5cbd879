// Reading the content of an attachment, without holding the database.
//
// A reader has the bytes, or an open file that stays readable whatever becomes of its name: the client may take an
// hour, the document may be deleted meanwhile.

package import SettleCore
import SettleStorage
import Synchronization

/// The stored bytes of one attachment.
package final class AttachmentReader: Sendable {
    /// What is read.
    package let attachment: Attachment
    private let content: StagedAttachment.Content

    init(_ attachment: Attachment, _ content: StagedAttachment.Content) {
        self.attachment = attachment
        self.content = content
    }

    /// What reading later keeps until then.
    var memory: OmittedContent.Memory {
        switch content {
        case .bytes(let bytes): .bytes(bytes.count)
        case .file: .file
        }
    }

    /// Appends up to `count` of the stored bytes from `offset` on; fewer only where they end.
    package func read(
        from offset: UInt64,
        count: Int,
        into output: inout [UInt8]
    ) throws(SettleError) {
        switch content {
        case .bytes(let bytes):
            let start = Int(min(offset, UInt64(bytes.count)))
            output.append(contentsOf: bytes[start..<start + min(count, bytes.count - start)])
        case .file(let file):
            do { try file.read(from: offset, count: count, into: &output) } catch { throw SettleError(error) }
        }
    }

    /// Reads the decoded content from its beginning.
    package func decoded() throws(SettleError) -> AttachmentDecoder { try AttachmentDecoder(self) }
}

/// The content of one attachment, decoded, from front to back.
package final class AttachmentDecoder: Sendable {
    /// How many stored bytes are read at a time, and about how many decoded ones are given.
    private static let part = 64 << 10
    /// How many stored bytes are decoded at a time: they may become a thousand times as many.
    private static let step = 256

    let reader: AttachmentReader
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var offset: UInt64 = 0
        var decompressor: GzipStream?
        /// What was read and is not decoded yet.
        var stored: ArraySlice<UInt8> = []
    }

    init(_ reader: AttachmentReader) throws(SettleError) {
        self.reader = reader
        var state = State()
        if reader.attachment.encoding == .gzip {
            do { state.decompressor = try GzipStream(.decompress) } catch { throw SettleError(error) }
        }
        self.state = Mutex(state)
    }

    /// The next part of the content; nil at its end.
    package func next() throws(SettleError) -> [UInt8]? {
        try state.withLock { state throws(SettleError) in
            guard let decompressor = state.decompressor else { return try readPart(&state) }
            var output: [UInt8] = []
            while output.count < Self.part {
                if state.stored.isEmpty {
                    guard let part = try readPart(&state) else { break }
                    state.stored = part[...]
                }
                let isLast = state.offset == reader.attachment.storedLength && state.stored.count <= Self.step
                do throws(StorageError) {
                    try decompressor.append(state.stored.prefix(Self.step), to: &output)
                    if isLast { try decompressor.finish(to: &output) }
                } catch .corrupted {
                    // What came in as gzip is stored as it came; the database is all right.
                    let name = String(decoding: reader.attachment.name, as: UTF8.self)
                    throw SettleError(.internalError, "The content of the attachment \(name) is not gzip.")
                } catch {
                    throw SettleError(error)
                }
                state.stored = state.stored.dropFirst(Self.step)
            }
            return output.isEmpty ? nil : output
        }
    }

    /// Reads the next stored bytes; nil at their end.
    private func readPart(_ state: inout State) throws(SettleError) -> [UInt8]? {
        let count = Int(min(UInt64(Self.part), reader.attachment.storedLength - state.offset))
        guard count > 0 else { return nil }
        var part: [UInt8] = []
        try reader.read(from: state.offset, count: count, into: &part)
        guard part.count == count else { throw SettleError(StorageError.corrupted) }
        state.offset += UInt64(count)
        return part
    }
}

extension Snapshot {
    /// The attachments of a revision; none where it has none, or its body is not stored.
    package func attachments(of node: RevisionNode) throws -> [Attachment] {
        try transaction.attachments(ofBody: node.body, tables)
    }

    /// Whether an attachment's content is stored, and is what the attachment says of it.
    package func holds(_ attachment: Attachment) throws -> Bool {
        guard let row = try transaction.blob(attachment.blob, tables) else { return false }
        return row.length == attachment.storedLength && row.md5 == attachment.md5
    }

    /// Whether content with this key is stored.
    package func holds(_ key: BlobKey) throws -> Bool { try transaction.blob(key, tables) != nil }

    /// A reader of an attachment's content; nil if no stored revision has that content.
    package func reader(of attachment: Attachment) throws -> AttachmentReader? {
        guard let row = try transaction.blob(attachment.blob, tables) else { return nil }
        guard row.file != 0 else {
            guard let bytes = try transaction.bytes(tables.blobBytes, attachment.blob.bytes) else {
                throw StorageError.corrupted
            }
            return AttachmentReader(attachment, .bytes(bytes))
        }
        guard let file = try BlobFile.open(AttachmentFiles.name(row.file), in: open.directory) else {
            // Files wait for all who may open them, but where the whole database is deleted.
            guard try open.life() == .live else { throw Database.doesNotExist }
            throw SettleError(.internalError, "The file of an attachment is missing.")
        }
        return AttachmentReader(attachment, .file(file))
    }
}

extension Database {
    /// A reader of an attachment's content; nil if no stored revision has that content any more.
    package func attachmentReader(_ attachment: Attachment) throws(SettleError) -> AttachmentReader? {
        try read { try $0.reader(of: attachment) }
    }
}
