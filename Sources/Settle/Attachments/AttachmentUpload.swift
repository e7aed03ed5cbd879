// Taking in the content of an attachment, in pieces of any size, with little memory.
//
//     let upload = AttachmentUpload(in: database, contentType: Array("text/plain".utf8))
//     try upload.append(part[...])
//     let staged = try upload.finish()               // then: DocumentEdit(…, attachments: [.staged(…, staged)])
//
// Text is compressed on the way, the stored bytes are hashed twice (SHA-256 to find them, MD5 for clients), small
// content stays in memory and large content goes to a draft file. `finish` waits for the disk, on the caller's thread
// and not on the writer's: the commit that follows has only a name to write.

import Crypto
package import SettleCore
import SettleStorage
import Synchronization

/// Content that is arriving.
///
/// An upload that is let go of without `finish` leaves nothing behind.
package final class AttachmentUpload: Sendable {
    private let database: Database
    private let encoding: Attachment.Encoding
    private let declaredLength: UInt64?
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var compressor: GzipStream?
        var receivedMD5: Insecure.MD5?
        var sha256 = SHA256()
        var md5 = Insecure.MD5()
        var received: UInt64 = 0
        var stored: UInt64 = 0
        var bytes: [UInt8] = []
        var file: BlobFile?
        var compressed: [UInt8] = []
    }

    /// Begins an upload.
    ///
    /// - Parameters:
    ///   - database: Where the content is to be stored.
    ///   - contentType: The media type, as UTF-8: it decides whether the content is compressed.
    ///   - receivedEncoding: How the bytes arrive; compressed ones are stored as they are.
    ///   - declaredLength: The decoded length of bytes that arrive compressed, where it is known.
    ///   - hashesReceived: Whether `receivedMD5` is wanted also of bytes that are compressed on the way.
    /// - Throws: What goes wrong in making a compressor.
    package init(
        in database: Database,
        contentType: [UInt8],
        receivedEncoding: Attachment.Encoding = .identity,
        declaredLength: UInt64? = nil,
        hashesReceived: Bool = false
    ) throws(SettleError) {
        self.database = database
        self.declaredLength = declaredLength
        let compresses = receivedEncoding == .identity && Attachment.isCompressible(contentType: contentType)
        encoding = compresses ? .gzip : receivedEncoding
        var state = State()
        if compresses {
            do { state.compressor = try GzipStream(.compress) } catch { throw SettleError(error) }
            if hashesReceived { state.receivedMD5 = Insecure.MD5() }
        }
        self.state = Mutex(state)
    }

    /// Takes the next bytes.
    package func append(_ bytes: ArraySlice<UInt8>) throws(SettleError) {
        do throws(StorageError) {
            try state.withLock { state throws(StorageError) in
                state.received += UInt64(bytes.count)
                state.receivedMD5?.update(data: bytes)
                guard let compressor = state.compressor else { return try store(bytes, &state) }
                state.compressed.removeAll(keepingCapacity: true)
                try compressor.append(bytes, to: &state.compressed)
                try store(state.compressed[...], &state)
            }
        } catch {
            throw SettleError(error)
        }
    }

    /// Ends the content and makes it durable; blocks until the disk has it.
    package func finish() throws(SettleError) -> StagedAttachment {
        do throws(StorageError) {
            return try state.withLock { state throws(StorageError) in try finish(&state) }
        } catch {
            throw SettleError(error)
        }
    }

    /// Forgets what arrived.
    package func discard() {
        state.withLock { $0 = State() }
    }

    private func store(_ bytes: ArraySlice<UInt8>, _ state: inout State) throws(StorageError) {
        guard !bytes.isEmpty else { return }
        state.sha256.update(data: bytes)
        state.md5.update(data: bytes)
        state.stored += UInt64(bytes.count)
        if let file = state.file { return try file.append(bytes) }
        guard state.bytes.count + bytes.count > database.options.inlineAttachmentLimit else {
            state.bytes.append(contentsOf: bytes)
            return
        }
        try AttachmentFiles.prepare(database.directory)
        database.sweepDraftsOnce()
        let file = try BlobFile.draft(in: AttachmentFiles.directory(database.directory))
        try file.append(state.bytes[...])
        try file.append(bytes)
        state.bytes = []
        state.file = file
    }

    private func finish(_ state: inout State) throws(StorageError) -> StagedAttachment {
        if let compressor = state.compressor {
            state.compressed.removeAll(keepingCapacity: true)
            try compressor.finish(to: &state.compressed)
            try store(state.compressed[...], &state)
        }
        if let file = state.file, database.options.syncsCommits { try file.sync() }
        guard let blob = BlobKey(bytes: state.sha256.finalize()) else { throw .corrupted }
        let md5 = Array(state.md5.finalize())
        let isCompressedHere = state.compressor != nil
        let receivedMD5 = isCompressedHere ? state.receivedMD5.map { Array($0.finalize()) } : md5
        let staged = StagedAttachment(
            length: isCompressedHere || encoding == .identity
                ? state.received : declaredLength ?? state.stored,
            storedLength: state.stored,
            encoding: encoding,
            md5: md5,
            receivedMD5: receivedMD5,
            blob: blob,
            content: state.file.map { .file($0) } ?? .bytes(state.bytes)
        )
        state = State()
        return staged
    }
}
