// Writes MIME multipart bodies, in which CouchDB sends a document with its attachments, several revisions or
// documents at once, and several ranges of one attachment:
//
//     --B
//     Content-Type: application/json
//
//     {"_id":"a",…,"_attachments":{"f.txt":{…,"follows":true}}}
//     --B
//     Content-Disposition: attachment; filename="f.txt"
//     Content-Type: text/plain
//     Content-Length: 5
//
//     hello
//     --B--
//
// The subtle thing: the line break before a boundary belongs to the boundary, not to the part, so a part's bytes are
// exactly the document's. Nothing follows the last boundary, not even a line break.

/// Appends the parts of one multipart body.
package struct MultipartWriter: Sendable {
    /// The text between parts.
    package let boundary: String
    private var isEmpty = true

    /// A writer with a boundary that occurs in no part: 32 random hexadecimal digits are enough.
    package init(boundary: String) {
        self.boundary = boundary
    }

    /// The content type of the body: `multipart/related; boundary="B"`.
    package func contentType(_ subtype: String) -> String {
        "multipart/\(subtype); boundary=\"\(boundary)\""
    }

    /// Opens a part; its bytes are appended by the caller right after.
    ///
    /// Control characters in names and values, which could end the line, become blanks.
    package mutating func beginPart(headers: [(name: String, value: String)], to output: inout [UInt8]) {
        output.append(contentsOf: isEmpty ? "--".utf8 : "\r\n--".utf8)
        isEmpty = false
        output.append(contentsOf: boundary.utf8)
        output.append(contentsOf: "\r\n".utf8)
        for (name, value) in headers {
            Self.appendLine(name.utf8, to: &output)
            output.append(contentsOf: ": ".utf8)
            Self.appendLine(value.utf8, to: &output)
            output.append(contentsOf: "\r\n".utf8)
        }
        output.append(contentsOf: "\r\n".utf8)
    }

    /// Opens the part of a document.
    package mutating func beginDocument(to output: inout [UInt8]) {
        beginPart(headers: [("Content-Type", "application/json")], to: &output)
    }

    /// Opens the part of an attachment, whose stored bytes are its content.
    package mutating func beginPart(_ attachment: Attachment, to output: inout [UInt8]) {
        beginPart(
            name: attachment.nameText,
            contentType: attachment.contentTypeText,
            length: attachment.storedLength,
            encoding: attachment.encoding,
            to: &output
        )
    }

    /// Opens the part of an attachment that is passed on as it came, if its content follows.
    package mutating func beginPart(_ attachment: IncomingAttachment, to output: inout [UInt8]) {
        guard case .follows(_, let length, let encoding) = attachment.content else { return }
        beginPart(
            name: attachment.nameText,
            contentType: String(decoding: attachment.contentType, as: UTF8.self),
            length: length,
            encoding: encoding,
            to: &output
        )
    }

    private mutating func beginPart(
        name: String,
        contentType: String,
        length: UInt64?,
        encoding: Attachment.Encoding,
        to output: inout [UInt8]
    ) {
        let name = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        var headers = [
            (name: "Content-Disposition", value: "attachment; filename=\"\(name)\""),
            (name: "Content-Type", value: contentType),
        ]
        if let length { headers.append((name: "Content-Length", value: String(length))) }
        if encoding != .identity { headers.append((name: "Content-Encoding", value: encoding.name)) }
        beginPart(headers: headers, to: &output)
    }

    /// Opens the part of a range of an attachment that has a length.
    package mutating func beginPart(
        _ range: ClosedRange<UInt64>,
        length: UInt64,
        contentType: String,
        to output: inout [UInt8]
    ) {
        let headers = [
            (name: "Content-Type", value: contentType),
            (name: "Content-Range", value: ByteRanges.contentRange(range, length: length)),
        ]
        beginPart(headers: headers, to: &output)
    }

    /// Closes the body; one without parts stays empty, as CouchDB sends it.
    package func finish(to output: inout [UInt8]) {
        guard !isEmpty else { return }
        output.append(contentsOf: "\r\n--".utf8)
        output.append(contentsOf: boundary.utf8)
        output.append(contentsOf: "--".utf8)
    }

    /// How long the body is that has a document and the stored bytes of attachments, with a boundary.
    package static func lengthOfRelated(
        boundary: String,
        documentLength: UInt64,
        attachments: some Sequence<Attachment>
    ) -> UInt64 {
        var writer = MultipartWriter(boundary: boundary)
        var frame: [UInt8] = []
        var length = documentLength
        writer.beginDocument(to: &frame)
        for attachment in attachments {
            writer.beginPart(attachment, to: &frame)
            length += attachment.storedLength
        }
        writer.finish(to: &frame)
        return length + UInt64(frame.count)
    }

    private static func appendLine(_ text: String.UTF8View, to output: inout [UInt8]) {
        output.append(contentsOf: text.lazy.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 })
    }
}
