// A row of `bodies`: what one revision says, and the attachments it has.
//
//     0, text                                 a document without attachments, as nearly all are
//     1, length of the table, table, text     one with attachments; here the text may be `{}`
//
// The table lists the attachments in the order of `_attachments`. The subtle thing is who pays: whoever reads a plain
// document looks at one byte and nothing else.

import SettleCore
import SettleStorage

/// The first byte of a stored body: how the rest is encoded.
enum BodyCodec {
    /// Canonical JSON text as it is.
    static let plain: UInt8 = 0
    /// A table of attachments in front of the text.
    static let attached: UInt8 = 1
}

/// Taking the row of a body with attachments apart.
struct AttachedBody {
    /// The attachments, in the order of `_attachments`.
    let attachments: [Attachment]
    /// Where the JSON text is in the row.
    let text: Range<Int>

    /// Reads a row; nil if it has no attachments.
    init?(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        guard bytes.count > 0, bytes[0] != BodyCodec.plain else { return nil }
        var offset = 0
        guard try bytes.byte(&offset) == BodyCodec.attached else { throw .corrupted }
        let length = try bytes.varint(&offset)
        guard length <= UInt64(bytes.count - offset) else { throw .corrupted }
        let end = offset + Int(length)
        var attachments: [Attachment] = []
        while offset < end { attachments.append(try Attachment(decoding: bytes, at: &offset)) }
        guard offset == end, bytes.count - end >= 2 else { throw .corrupted }
        self.attachments = attachments
        text = end..<bytes.count
    }

    /// The bytes of a row, written over `bytes`.
    static func encode(_ text: [UInt8], _ attachments: [Attachment], into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        guard !attachments.isEmpty else {
            bytes.append(BodyCodec.plain)
            bytes.append(contentsOf: text)
            return
        }
        let table = table(attachments)
        bytes.append(BodyCodec.attached)
        appendVarint(UInt64(table.count), to: &bytes)
        bytes.append(contentsOf: table)
        bytes.append(contentsOf: text)
    }

    /// How many bytes a row has behind its codec byte: the size that counts as the body's.
    static func size(_ text: [UInt8], _ attachments: [Attachment]) -> Int {
        guard !attachments.isEmpty else { return text.count }
        let table = table(attachments)
        var length: [UInt8] = []
        appendVarint(UInt64(table.count), to: &length)
        return length.count + table.count + text.count
    }

    private static func table(_ attachments: [Attachment]) -> [UInt8] {
        var table: [UInt8] = []
        for attachment in attachments { attachment.encode(to: &table) }
        return table
    }
}

extension Attachment {
    fileprivate init(decoding bytes: borrowing Span<UInt8>, at offset: inout Int) throws(StorageError) {
        let name = try bytes.text(&offset)
        let contentType = try bytes.text(&offset)
        let revpos = try bytes.varint(&offset)
        guard let encoding = Encoding(rawValue: try bytes.byte(&offset)) else { throw .corrupted }
        let length = try bytes.varint(&offset)
        let storedLength = try bytes.varint(&offset)
        let md5 = try bytes.take(16, &offset)
        guard let blob = BlobKey(bytes: try bytes.take(BlobKey.length, &offset)) else { throw .corrupted }
        self.init(
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

    fileprivate func encode(to bytes: inout [UInt8]) {
        for text in [name, contentType] {
            appendVarint(UInt64(text.count), to: &bytes)
            bytes.append(contentsOf: text)
        }
        appendVarint(revpos, to: &bytes)
        bytes.append(encoding.rawValue)
        appendVarint(length, to: &bytes)
        appendVarint(storedLength, to: &bytes)
        bytes.append(contentsOf: md5)
        blob.append(to: &bytes)
    }
}

extension ReadTransaction {
    /// The attachments of a stored body; none where it has no row any more, or has none.
    borrowing func attachments(ofBody number: UInt64, _ tables: Tables) throws -> [Attachment] {
        guard number >= BodyNumber.first, let row = try value(tables.bodies, number) else { return [] }
        return try AttachedBody(decoding: row)?.attachments ?? []
    }
}
