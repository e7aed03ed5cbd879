// Attachments as an app sees them: bytes with a name and a type that belong to a document and travel with it.
//
//     let photo = try await notes.attach(fileAt: "cat.jpg", named: "cat.jpg", contentType: "image/jpeg",
//                                        to: "pets", replacing: note.revision)
//     for try await part in try notes.attachment("cat.jpg", of: "pets")! { … }
//
// To attach something is an edit of the document: it makes a new revision, and it is refused as a conflict if the
// document has moved on. The same bytes are stored once, whatever documents have them.

public import SettleCore
import SettleStorage

/// What a document's revision says of one of its attachments.
public struct AttachmentDescription: Hashable, Sendable {
    /// Its name, unique in the document.
    public let name: String
    /// Its media type, such as `image/png`.
    public let contentType: String
    /// How many bytes its content has, as far as is known: content that a client compressed counts as it came.
    public let length: Int
    /// `md5-` and the MD5 of the bytes as they are stored, in base64.
    public let digest: String
    /// The generation of the revision that brought this content.
    public let generation: Int

    init(_ attachment: Attachment) {
        name = attachment.nameText
        contentType = attachment.contentTypeText
        length = Int(clamping: attachment.length)
        digest = attachment.digestText
        generation = Int(clamping: attachment.revpos)
    }
}

/// The content of an attachment, to be read in parts or as a whole, any number of times.
///
/// It stays readable when the document changes or is deleted meanwhile.
public struct AttachmentContent: AsyncSequence, Sendable {
    /// Some of the bytes.
    public typealias Element = [UInt8]
    /// What reading can fail with.
    public typealias Failure = SettleError

    /// What is read.
    public let description: AttachmentDescription
    private let reader: AttachmentReader

    init(_ reader: AttachmentReader) {
        description = AttachmentDescription(reader.attachment)
        self.reader = reader
    }

    /// Reads part after part.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let reader: AttachmentReader
        private var decoder: AttachmentDecoder?

        fileprivate init(_ reader: AttachmentReader) { self.reader = reader }

        /// The next part of the content; nil at its end.
        public mutating func next() async throws(SettleError) -> [UInt8]? {
            if decoder == nil { decoder = try reader.decoded() }
            return try decoder?.next()
        }
    }

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader) }

    /// The whole content at once: all of it is held in memory.
    public func bytes() throws(SettleError) -> [UInt8] {
        let decoder = try reader.decoded()
        var bytes: [UInt8] = []
        while let part = try decoder.next() { bytes += part }
        return bytes
    }
}

extension Database {
    /// Gives a document an attachment, in place of one of the same name, and returns the document's new revision.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - name: Its name, which must not begin with an underscore.
    ///   - contentType: Its media type. Text is stored compressed.
    ///   - id: The document.
    ///   - revision: The revision this edit was made from; nil makes a new document.
    /// - Returns: The new revision.
    /// - Throws: `conflict` if the document has moved on meanwhile, `badRequest` for the name.
    @discardableResult
    public func attach(
        _ bytes: [UInt8],
        named name: String,
        contentType: String,
        to id: DocumentID,
        replacing revision: RevisionID? = nil
    ) async throws(SettleError) -> RevisionID {
        let upload = try upload(named: name, contentType)
        try upload.append(bytes[...])
        return try await attach(upload, name, contentType, id, revision)
    }

    /// Gives a document an attachment whose content comes in parts; see the form that takes bytes.
    ///
    /// - Throws: What `parts` throws; and like the other form.
    @discardableResult
    public func attach<Parts: AsyncSequence>(
        _ parts: sending Parts,
        named name: String,
        contentType: String,
        to id: DocumentID,
        replacing revision: RevisionID? = nil
    ) async throws -> RevisionID where Parts.Element: Sequence<UInt8> {
        let upload = try upload(named: name, contentType)
        for try await part in parts { try upload.append(Array(part)[...]) }
        return try await attach(upload, name, contentType, id, revision)
    }

    /// Gives a document the content of a file as an attachment; see the form that takes bytes.
    ///
    /// - Throws: `notFound` if there is no such file; and like the other form.
    @discardableResult
    public func attach(
        fileAt path: String,
        named name: String,
        contentType: String,
        to id: DocumentID,
        replacing revision: RevisionID? = nil
    ) async throws(SettleError) -> RevisionID {
        let upload = try upload(named: name, contentType)
        try await onWorkerThread { () throws(SettleError) in
            try settling { () throws in
                guard let file = try BlobFile.open(path) else {
                    throw SettleError(.notFound, "There is no file \(path).")
                }
                var offset: UInt64 = 0
                var part: [UInt8] = []
                repeat {
                    part.removeAll(keepingCapacity: true)
                    try file.read(from: offset, count: 1 << 18, into: &part)
                    try upload.append(part[...])
                    offset += UInt64(part.count)
                } while !part.isEmpty
            }
        }
        return try await attach(upload, name, contentType, id, revision)
    }

    /// Takes an attachment off a document, and returns the document's new revision; nil if it has none of that name.
    ///
    /// - Throws: `conflict` if the document has moved on meanwhile.
    @discardableResult
    public func removeAttachment(
        _ name: String,
        from id: DocumentID,
        replacing revision: RevisionID
    ) async throws(SettleError) -> RevisionID? {
        let name = Array(name.utf8)
        guard let edit = try attachmentEdit(of: id, at: revision, [.others(except: name)]) else {
            throw SettleError(.conflict)
        }
        guard try attachments(of: id, at: revision)?.contains(where: { $0.name == name }) == true else {
            return nil
        }
        return try await write(edit)
    }

    /// The attachments of a document's winning revision, or of a given one, in order; none if there is no such
    /// revision.
    public func attachments(
        of id: DocumentID,
        revision: RevisionID? = nil
    ) throws(SettleError) -> [AttachmentDescription] {
        try (attachments(of: id, at: revision) ?? []).map { AttachmentDescription($0) }
    }

    /// An attachment of a document's winning revision, or of a given one; nil if it has none of that name.
    public func attachment(
        _ name: String,
        of id: DocumentID,
        revision: RevisionID? = nil
    ) throws(SettleError) -> AttachmentContent? {
        let name = Array(name.utf8)
        return try read { snapshot in
            guard
                let attachment = try snapshot.attachments(of: id, at: revision)?.first(where: {
                    $0.name == name
                })
            else { return nil }
            return try snapshot.reader(of: attachment).map { AttachmentContent($0) }
        }
    }
}

extension Database {
    /// The attachments of a revision, the winner if none is given; nil if it is not stored, or, where none is given, a
    /// tombstone.
    package func attachments(of id: DocumentID, at revision: RevisionID?) throws(SettleError) -> [Attachment]?
    {
        try read { try $0.attachments(of: id, at: revision) }
    }

    /// An edit of a stored revision that changes its attachments and nothing else; nil if it is not stored.
    ///
    /// To put one: `[.staged(…), .others()]`, which lists the new one first, as CouchDB does. To delete one:
    /// `[.others(except: name)]`. No revision makes a new document.
    package func attachmentEdit(
        of id: DocumentID,
        at revision: RevisionID?,
        _ attachments: [EditAttachment]
    ) throws(SettleError) -> DocumentEdit? {
        try id.validate()
        var text: [UInt8] = Array("{}".utf8)
        if let revision {
            let found = try read { snapshot in
                guard let record = try snapshot.document(id) else { return false }
                text.removeAll()
                let outcome = try snapshot.append(id, record, revision: revision, to: &text)
                return outcome != .missing
            }
            guard found else { return nil }
        }
        let document = try IncomingDocument(parsing: text)
        return try DocumentEdit(
            id: id,
            kind: .interactive(parent: revision),
            document: document,
            attachments: attachments
        )
    }

    private func upload(named name: String, _ contentType: String) throws(SettleError) -> AttachmentUpload {
        try IncomingAttachment.validate(name: Array(name.utf8))
        return try AttachmentUpload(in: self, contentType: Array(contentType.utf8))
    }

    private func attach(
        _ upload: AttachmentUpload,
        _ name: String,
        _ contentType: String,
        _ id: DocumentID,
        _ revision: RevisionID?
    ) async throws(SettleError) -> RevisionID {
        let staged = try await onWorkerThread { () throws(SettleError) in try upload.finish() }
        let new = EditAttachment.staged(name: Array(name.utf8), contentType: Array(contentType.utf8), staged)
        guard let edit = try attachmentEdit(of: id, at: revision, [new, .others()]) else {
            throw SettleError(.conflict)
        }
        return try await write(edit)
    }
}

extension Snapshot {
    /// The attachments of a revision; see `Database.attachments(of:at:)`.
    package func attachments(of id: DocumentID, at revision: RevisionID?) throws -> [Attachment]? {
        guard let record = try document(id) else { return nil }
        guard let revision else { return record.isDeleted ? nil : try attachments(of: record.winner) }
        let tree = record.head.index(of: revision) == nil ? try tree(of: record) : record.head
        guard let index = tree.index(of: revision), try isAvailable(tree.nodes[index]) else { return nil }
        return try attachments(of: tree.nodes[index])
    }
}
