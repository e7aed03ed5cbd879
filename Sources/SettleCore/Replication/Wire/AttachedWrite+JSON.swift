// Documents with attachments inside, as `_bulk_docs` takes them from anybody:
//
//     {"_id":"a",…,"_attachments":{"f":{"content_type":"image/png","revpos":1,"data":"iVBO…"},"g":{"stub":true,…}}}
//
// The text around `_attachments` stays byte for byte what the source sent.
//
// The subtle thing: `data` is decoded content, which the target stores as it sees fit: text compressed, everything else as it
// is. That is right only for attachments that are stored just so at the source. A picture that somebody uploaded
// compressed, or text that was not, would change its digest on the way; such documents travel as multipart/related.

import Crypto

extension AttachedDocument {
    /// The document's text with the content inside; nil if the target would not store the same bytes, or the bytes are not
    /// those that the document's digests are of.
    ///
    /// `decompress` gives the decoded content of compressed bytes, if compressing that again gives the same bytes.
    package func inlined(decompress: ([UInt8]) -> [UInt8]?) -> [UInt8]? {
        let following = revision.following
        guard !following.isEmpty else { return revision.json }
        guard let range = revision.attachmentsRange, following.count == contents.count else { return nil }
        var decoded: [[UInt8]: (attachment: IncomingAttachment, content: [UInt8])] = [:]
        for (attachment, content) in zip(following, contents) {
            guard let inside = attachment.inlineContent(content, decompress) else { return nil }
            decoded[attachment.name] = (attachment, inside)
        }
        var text: [UInt8] = []
        text.reserveCapacity(revision.json.count + contents.reduce(0) { $0 + $1.count } * 4 / 3 + 64)
        text += revision.json[..<range.lowerBound]
        do throws(JSONError) {
            var reader = JSONReader(revision.json, in: range)
            guard try reader.enterObject() else { return nil }
            var isFirst = true
            while try reader.nextMember() {
                let name = reader.nameBytes
                let entry = try reader.skip()
                text.append(isFirst ? UInt8(ascii: "{") : UInt8(ascii: ","))
                isFirst = false
                JSONText.appendString(name, to: &text)
                text.append(UInt8(ascii: ":"))
                if let (attachment, content) = decoded[name] {
                    attachment.appendInline(content, to: &text)
                } else {
                    text += revision.json[entry]
                }
            }
        } catch {
            return nil
        }
        text.append(UInt8(ascii: "}"))
        text += revision.json[range.upperBound...]
        return text
    }
}

extension IncomingAttachment {
    /// The decoded content, if it is what was announced and the target would store the same bytes for it.
    fileprivate func inlineContent(_ stored: [UInt8], _ decompress: ([UInt8]) -> [UInt8]?) -> [UInt8]? {
        guard case .follows(_, let length?, let encoding) = content, length == stored.count, let digest,
            digest == Array(Insecure.MD5.hash(data: stored))
        else { return nil }
        return switch (encoding, Attachment.isCompressible(contentType: contentType)) {
        case (.identity, false): stored
        case (.gzip, true): decompress(stored)
        case (.identity, true), (.gzip, false): nil
        }
    }

    /// Appends the entry with its content.
    fileprivate func appendInline(_ content: [UInt8], to text: inout [UInt8]) {
        text.append(contentsOf: #"{"content_type":"#.utf8)
        JSONText.appendString(contentType, to: &text)
        if let revpos {
            text.append(contentsOf: #","revpos":"#.utf8)
            JSONText.appendInteger(revpos, to: &text)
        }
        text.append(contentsOf: #","data":""#.utf8)
        Base64.append(content[...], to: &text)
        text.append(contentsOf: #""}"#.utf8)
    }
}
