// `_attachments` as answers have it:
//
//     ,"_attachments":{"a.txt":{"content_type":"text/plain","revpos":1,"digest":"md5-…","length":13,"stub":true},…}
//
// Each entry has one of three forms: a stub, content that follows in a later part of a multipart body (`"length":13,
// "follows":true`), or the content itself (`"data":"SGVs…"`, decoded and in base64, without a length). With
// `att_encoding_info` any of them also tells how compressed content is stored.
//
// Between Settle peers an entry may also tell the SHA-256 of what is stored (`"sha256":"…"`), by which a replica finds
// content that it holds already. Nobody sees it who did not ask for it.
//
// Large content need not be in memory: the parts of an entry can be written one by one, with the base64 between them.

/// Writes the `_attachments` member of a document.
package enum AttachmentsMember {
    /// What stands for an attachment's content.
    package enum Form: Hashable, Sendable {
        /// Nothing but its length.
        case stub
        /// A later part of the body.
        case follows
        /// The content, in base64.
        case data
    }

    /// Appends the member, with the comma before it; nothing if there are no attachments.
    ///
    /// `data` is called for entries in the form `.data`; it appends the decoded content in base64, such as with
    /// `Base64Encoder`.
    package static func append(
        _ attachments: [Attachment],
        encodingInfo: Bool,
        to output: inout [UInt8],
        form: (Attachment) -> Form,
        data: (Attachment, inout [UInt8]) throws(SettleError) -> Void
    ) throws(SettleError) {
        guard !attachments.isEmpty else { return }
        open(to: &output)
        for (index, attachment) in attachments.enumerated() {
            let form = form(attachment)
            openEntry(attachment, form: form, isFirst: index == 0, to: &output)
            if form == .data { try data(attachment, &output) }
            closeEntry(attachment, form: form, encodingInfo: encodingInfo, to: &output)
        }
        close(to: &output)
    }

    /// Appends the member with every entry in one form that needs no content.
    package static func appendStubs(
        _ attachments: [Attachment],
        encodingInfo: Bool = false,
        to output: inout [UInt8]
    ) {
        guard !attachments.isEmpty else { return }
        open(to: &output)
        for (index, attachment) in attachments.enumerated() {
            openEntry(attachment, form: .stub, isFirst: index == 0, to: &output)
            closeEntry(attachment, form: .stub, encodingInfo: encodingInfo, to: &output)
        }
        close(to: &output)
    }

    /// Appends what stands before the first entry.
    package static func open(to output: inout [UInt8]) {
        output.append(contentsOf: #","_attachments":{"#.utf8)
    }

    /// Appends an entry up to where its content stands.
    package static func openEntry(
        _ attachment: Attachment,
        form: Form,
        isFirst: Bool,
        to output: inout [UInt8]
    ) {
        if !isFirst { output.append(UInt8(ascii: ",")) }
        JSONText.appendString(attachment.name, to: &output)
        output.append(contentsOf: #":{"content_type":"#.utf8)
        JSONText.appendString(attachment.contentType, to: &output)
        output.append(contentsOf: #","revpos":"#.utf8)
        JSONText.appendInteger(attachment.revpos, to: &output)
        output.append(contentsOf: #","digest":"md5-"#.utf8)
        Base64.append(attachment.md5[...], to: &output)
        output.append(contentsOf: form == .data ? #"","data":""#.utf8 : #"","length":"#.utf8)
    }

    /// Appends the rest of an entry.
    package static func closeEntry(
        _ attachment: Attachment,
        form: Form,
        encodingInfo: Bool,
        contentKey: Bool = false,
        to output: inout [UInt8]
    ) {
        switch form {
        case .stub, .follows:
            JSONText.appendInteger(attachment.length, to: &output)
            output.append(contentsOf: form == .stub ? #","stub":true"#.utf8 : #","follows":true"#.utf8)
        case .data:
            output.append(UInt8(ascii: "\""))
        }
        if encodingInfo || contentKey, attachment.encoding != .identity {
            output.append(contentsOf: #","encoding":""#.utf8)
            output.append(contentsOf: attachment.encoding.name.utf8)
            output.append(contentsOf: #"","encoded_length":"#.utf8)
            JSONText.appendInteger(attachment.storedLength, to: &output)
        }
        if contentKey {
            output.append(contentsOf: #","sha256":""#.utf8)
            output.append(contentsOf: attachment.blob.text.utf8)
            output.append(UInt8(ascii: "\""))
        }
        output.append(UInt8(ascii: "}"))
    }

    /// Appends what stands after the last entry.
    package static func close(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "}"))
    }
}
