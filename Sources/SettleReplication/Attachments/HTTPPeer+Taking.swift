// A database behind a URL as the target of documents with attachments: PUT as multipart/related, written while the
// source's answer is being read. A target that reads slowly slows the source down, through the channel between them.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
package import SettleCore

extension HTTPPeer {
    package func take(
        _ revision: AttachedRevision,
        of id: DocumentID,
        from channel: RevisionChannel
    ) async throws(PeerFailure) -> WriteRejection? {
        let path = Self.query(PercentEncoding.encodedPath(id), [.init(name: "new_edits", value: "false")])
        var request = Request(.PUT, path, headers: [NamedText(name: "X-Couch-Full-Commit", value: "false")])
        let body = RelatedBody(revision, boundary: RandomID.hexadecimal(), channel: channel)
        do throws(PeerFailure) {
            if revision.following.isEmpty {
                request.body = Body(bytes: revision.json)
                try check(try await answer(to: request))
            } else {
                let text = try await answer(
                    to: request,
                    contentType: MultipartWriter(boundary: body.boundary).contentType("related"),
                    length: body.length,
                    pieces: body
                )
                try check(text)
            }
            return nil
        } catch  where error.concernsDocument {
            try await confirm(error)
            return WriteRejection(id: id, revision: revision.revision, name: error.name, reason: error.reason)
        }
    }
}

extension HTTPPeer {
    /// Makes sure that an answer says that a document was written; one that says nothing of it is none.
    private func check(_ answer: [UInt8]) throws(PeerFailure) {
        if let value = try? JSONValue(parsing: answer), value["rev"] != nil || value["ok"] == true { return }
        let reason = "\(shownName) answered a PUT with something else than a revision."
        throw PeerFailure(.transport, name: "bad_answer", reason: reason)
    }
}

/// The body of a PUT: a document, then the content of its attachments as it comes out of a channel.
private struct RelatedBody: AsyncSequence, Sendable {
    let revision: AttachedRevision
    let boundary: String
    let channel: RevisionChannel

    init(_ revision: AttachedRevision, boundary: String, channel: RevisionChannel) {
        self.revision = revision
        self.boundary = boundary
        self.channel = channel
    }

    /// How long the body is; nil if the source didn't say how long the attachments are.
    var length: Int64? {
        var (writer, frame) = (MultipartWriter(boundary: boundary), [UInt8]())
        writer.beginDocument(to: &frame)
        var length = UInt64(revision.json.count)
        for attachment in revision.following {
            guard case .follows(_, let stored?, _) = attachment.content else { return nil }
            writer.beginPart(attachment, to: &frame)
            length += stored
        }
        writer.finish(to: &frame)
        return Int64(exactly: length + UInt64(frame.count))
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(
            revision: revision,
            channel: channel,
            writer: MultipartWriter(boundary: boundary),
            following: revision.following[...]
        )
    }

    struct Iterator: AsyncIteratorProtocol {
        let revision: AttachedRevision
        let channel: RevisionChannel
        var writer: MultipartWriter
        /// The attachments that are still to be sent, that at hand among them.
        var following: ArraySlice<IncomingAttachment>
        var hasBegun = false
        var hasEnded = false

        mutating func next() async throws -> ByteBuffer? {
            if hasEnded { return nil }
            guard hasBegun else {
                hasBegun = true
                var output: [UInt8] = []
                writer.beginDocument(to: &output)
                output.append(contentsOf: revision.json)
                beginPart(to: &output)
                return ByteBuffer(bytes: output)
            }
            try await HTTPPeer.letLoopsCatchUp()
            switch try await channel.next() {
            case .content(let bytes): return ByteBuffer(bytes: bytes)
            case .contentEnd:
                var output: [UInt8] = []
                following = following.dropFirst()
                beginPart(to: &output)
                return ByteBuffer(bytes: output)
            case .revision, .missing, nil:
                throw PeerFailure(.transport, name: "no_answer", reason: "The source stopped in the middle.")
            }
        }

        /// Begins the next attachment's part, or ends the body.
        private mutating func beginPart(to output: inout [UInt8]) {
            if let attachment = following.first { return writer.beginPart(attachment, to: &output) }
            writer.finish(to: &output)
            hasEnded = true
        }
    }
}
