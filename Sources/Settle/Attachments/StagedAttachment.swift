// The content of an attachment on its way into the database: hashed and safe, but not yet any document's.
//
// It goes into a `DocumentEdit`, and may go into several: bytes are stored once however often they come. If no edit
// takes it, it is gone with the last copy of this value, its draft file included.

package import SettleCore
import SettleStorage

/// Content that `AttachmentUpload` has taken in.
package struct StagedAttachment: Sendable {
    /// How many bytes the content has, decoded, as far as is known; see `Attachment.length`.
    package let length: UInt64
    /// How many bytes are stored.
    package let storedLength: UInt64
    /// How the stored bytes are encoded.
    package let encoding: Attachment.Encoding
    /// The MD5 of the stored bytes.
    package let md5: [UInt8]
    /// The MD5 of the bytes as they arrived; nil where they were compressed and nobody asked for it.
    package let receivedMD5: [UInt8]?
    /// The SHA-256 of the stored bytes.
    package let blob: BlobKey
    /// Where the stored bytes are; nil if the database has them, unless their last use is gone by the time of the commit.
    let content: Content?

    /// Where the stored bytes are.
    enum Content: Sendable {
        case bytes([UInt8])
        /// A draft, synced where commits are.
        case file(BlobFile)
    }

    /// The entry of a revision that has this content.
    func attachment(name: [UInt8], contentType: [UInt8], revpos: UInt64) -> Attachment {
        Attachment(
            name: name,
            contentType: contentType,
            revpos: revpos,
            encoding: encoding,
            length: length,
            storedLength: storedLength,
            md5: md5,
            blob: blob
        )
    }
}

extension StagedAttachment {
    /// Content that the database has already; an edit fails with `missingStub` if it has it no more.
    package init(stored attachment: Attachment) {
        self.init(
            length: attachment.length,
            storedLength: attachment.storedLength,
            encoding: attachment.encoding,
            md5: attachment.md5,
            receivedMD5: nil,
            blob: attachment.blob,
            content: nil
        )
    }
}

extension Database {
    /// What a stub stands for that names its content by SHA-256; nil if the database does not hold just that content.
    package func held(_ attachment: IncomingAttachment) throws(SettleError) -> EditAttachment? {
        guard let reference = attachment.reference, try read({ try $0.holds(reference) }) else { return nil }
        return .staged(
            name: attachment.name,
            contentType: attachment.contentType,
            revpos: attachment.revpos,
            StagedAttachment(stored: reference)
        )
    }
}

/// One entry of `_attachments` in a document to write.
package enum EditAttachment: Sendable {
    /// New content; an interactive edit gives it its own generation as `revpos`, a replicated one the given, or 0.
    case staged(name: [UInt8], contentType: [UInt8], revpos: UInt64? = nil, StagedAttachment)
    /// Content that the database has already: an entry of another stored revision, taken over as it is.
    case stored(Attachment)
    /// What the parent has under this name; for a replicated edit, what the nearest ancestor has whose body is stored.
    case stub(name: [UInt8], revpos: UInt64? = nil)
    /// Whatever the parent of an interactive edit has, in its order, but for the names that the edit's other entries
    /// have and the one given.
    case others(except: [UInt8]? = nil)
}

extension EditAttachment {
    /// The name of the one entry that this is; nil for the others.
    package var name: [UInt8]? {
        switch self {
        case .staged(let name, _, _, _), .stub(let name, _): name
        case .stored(let attachment): attachment.name
        case .others: nil
        }
    }

    /// The new content, where this is some.
    var staged: StagedAttachment? { if case .staged(_, _, _, let staged) = self { staged } else { nil } }

    /// The entry of an interactive revision of a generation; nil where it is taken over.
    func attachment(generation: UInt64) -> Attachment? {
        switch self {
        case .staged(let name, let contentType, _, let staged):
            staged.attachment(name: name, contentType: contentType, revpos: generation)
        case .stored(let attachment): attachment
        case .stub, .others: nil
        }
    }

    /// Whether an ancestor is needed to know what this is.
    var isTakenOver: Bool {
        switch self {
        case .staged, .stored: false
        case .stub, .others: true
        }
    }
}
