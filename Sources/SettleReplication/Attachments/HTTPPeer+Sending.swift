// A database behind a URL as the source of documents with attachments.
//
// One GET with `open_revs` gives the revisions with everything that belongs to them. When the connection breaks inside
// an attachment, what has arrived has been passed on already; so the rest is asked for on its own, attachment by
// attachment, the first of them from where it stopped. The target compares digests, so a wrong splice is found.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
package import SettleCore

extension HTTPPeer {
    /// The most bytes of a URL, as CouchDB's replicator has it.
    private static let urlLimit = 7_000

    package func send(
        _ question: AttachedQuestion,
        held: Set<BlobKey>,
        to channel: RevisionChannel
    ) async throws(PeerFailure) {
        let wanted = question.wanted
        let response: HTTPClientResponse
        do throws(PeerFailure) {
            // What is held can be said in the body of a `_bulk_get` only.
            response =
                held.isEmpty ? try await openRevisions(wanted) : try await openGroup([question], held: held)
        } catch {
            if error.status == 414, !wanted.ancestors.isEmpty {
                let bare = WantedRevision(id: wanted.id, revision: wanted.revision)
                return try await send(AttachedQuestion(bare), held: [], to: channel)
            }
            try await confirm(error)
            guard error.status == 404 else { throw error }
            _ = await channel.send(.missing)
            return
        }
        guard let parser = RevisionsParser(contentType: response.headers.first(name: "Content-Type")) else {
            return try await sendWhole(response, wanted, to: channel)
        }
        var transfer = RevisionTransfer(peer: self, id: wanted.id, channel: channel, parser: parser)
        try await transfer.run(response)
    }

    private func openRevisions(_ wanted: WantedRevision) async throws(PeerFailure) -> HTTPClientResponse {
        var parameters = [
            NamedText(name: "revs", value: "true"), NamedText(name: "latest", value: "true"),
            NamedText(name: "attachments", value: "true"),
            NamedText(name: "open_revs", value: [wanted.revision].jsonText),
        ]
        let path = PercentEncoding.encodedPath(wanted.id)
        // The newest ancestors tell the most.
        var ancestors = wanted.ancestors.sorted { $0.generation > $1.generation }
        let room = Self.urlLimit - endpoint.url.utf8.count - Self.query(path, parameters).utf8.count
        while !ancestors.isEmpty, PercentEncoding.encoded(ancestors.jsonText.utf8).utf8.count + 12 > room {
            ancestors.removeLast(max(ancestors.count / 4, 1))
        }
        if !ancestors.isEmpty { parameters.append(.init(name: "atts_since", value: ancestors.jsonText)) }
        let accept = NamedText(name: "Accept", value: "multipart/mixed")
        let response = try await response(to: .init(.GET, Self.query(path, parameters), headers: [accept]))
        if response.isPage { throw notTheDatabase }
        return response
    }

    /// An answer of a source that knows no multipart: JSON with the content inside.
    private func sendWhole(
        _ response: HTTPClientResponse,
        _ wanted: WantedRevision,
        to channel: RevisionChannel
    ) async throws(PeerFailure) {
        let text = try await noting { try await read(response, limit: Self.documentLimit) }
        let answer: FetchAnswer
        do throws(PeerFailure) {
            answer = try DocumentsFetch.answer(openRevisions: text, to: wanted)
        } catch {
            // It says nothing of the document, so the document must not be listed for it.
            throw PeerFailure(.transport, name: error.name, reason: error.reason)
        }
        for document in answer.documents {
            let revision = try malformed { () throws(SettleError) in
                try AttachedRevision(json: Array(document.json))
            }
            guard await channel.send(.revision(revision)) else { return }
        }
        if !answer.missing.isEmpty { _ = await channel.send(.missing) }
        if let refusal = answer.refused.first {
            throw PeerFailure(.status(403), name: refusal.name, reason: refusal.reason)
        }
    }

    /// Turns what cannot be read into a failure of the peer.
    func malformed<Answer>(_ body: () throws(SettleError) -> Answer) throws(PeerFailure) -> Answer {
        do throws(SettleError) {
            return try body()
        } catch {
            throw PeerFailure(.malformedAnswer, name: error.name, reason: error.reason)
        }
    }
}

/// An answer of `open_revs` on its way into a channel.
private struct RevisionTransfer {
    /// How often in a row nothing more arrives before the copy begins anew.
    private static let retries = 4

    let peer: HTTPPeer
    let id: DocumentID
    let channel: RevisionChannel
    var parser: RevisionsParser
    /// The revision at hand, and the contents that it still has to get.
    private var revision: RevisionID?
    private var following: ArraySlice<IncomingAttachment> = []
    /// How many bytes of the first of them were passed on.
    private var offset: UInt64 = 0

    init(peer: HTTPPeer, id: DocumentID, channel: RevisionChannel, parser: RevisionsParser) {
        self.peer = peer
        self.id = id
        self.channel = channel
        self.parser = parser
    }

    mutating func run(_ response: HTTPClientResponse) async throws(PeerFailure) {
        var chunks = response.body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do {
                chunk = try await chunks.next()
            } catch {
                return try await goOn(after: error)
            }
            guard let chunk else { break }
            parser.append(Array(chunk.readableBytesView)[...])
            while let event = try peer.malformed({ () throws(SettleError) in try parser.next() }) {
                guard await pass(event) else { return }
            }
        }
        do throws(SettleError) {
            try parser.finish()
        } catch {
            // The answer ended early, though nothing said so.
            try await goOn(after: error)
        }
    }

    /// Passes a piece on and keeps count; false if nobody wants it any more.
    private mutating func pass(_ event: RevisionEvent) async -> Bool {
        switch event {
        case .revision(let revision):
            self.revision = revision.revision
            following = revision.following[...]
            offset = 0
        case .content(let bytes): offset += UInt64(bytes.count)
        case .contentEnd:
            following = following.dropFirst()
            offset = 0
        case .missing: break
        }
        return await channel.send(event)
    }

    /// Fetches what is missing after the answer broke off.
    ///
    /// Where that was between two revisions nothing is known of what would have come, so the copy has to begin anew.
    private mutating func goOn(after error: any Error) async throws(PeerFailure) {
        let broken = PeerFailure(
            .transport,
            name: "no_answer",
            reason: "\(peer.shownName) stopped answering: \(error)"
        )
        guard let revision, !following.isEmpty else { throw broken }
        var attempts = 0
        while let attachment = following.first {
            let before = offset
            do throws(PeerFailure) {
                guard try await fetchRest(of: attachment, revision) else { return }
                attempts = 0
            } catch {
                attempts = offset > before ? 0 : attempts + 1
                guard error.isTransient, attempts < Self.retries else { throw broken }
                guard await Waiting.current(RetryDelay.afterFailure(attempts)) else { throw broken }
            }
        }
    }

    /// Fetches an attachment from where it stopped; false if nobody wants it any more.
    private mutating func fetchRest(
        of attachment: IncomingAttachment,
        _ revision: RevisionID
    ) async throws(PeerFailure) -> Bool {
        guard case .follows(_, let length?, let encoding) = attachment.content, attachment.digest != nil
        else {
            throw PeerFailure(.malformedAnswer, name: "bad_answer", reason: "An attachment has no digest.")
        }
        if offset < length {
            let response = try await peer.attachment(attachment, of: id, revision, encoding, from: offset)
            var skipped = response.status == .partialContent ? 0 : offset
            guard response.hasEncoding(encoding), skipped > 0 || offset == 0 || response.starts(at: offset)
            else {
                throw PeerFailure(
                    .malformedAnswer,
                    name: "bad_answer",
                    reason: "An attachment cannot be continued."
                )
            }
            var chunks = response.body.makeAsyncIterator()
            while let chunk = try await peer.noting({ try await chunks.next() }) {
                let bytes = Array(chunk.readableBytesView)
                let dropped = min(skipped, UInt64(bytes.count))
                skipped -= dropped
                let rest = bytes[Int(dropped)...].prefix(Int(clamping: length - offset))
                guard !rest.isEmpty else { continue }
                guard await pass(.content(rest)) else { return false }
            }
            guard offset == length else {
                throw PeerFailure(.transport, name: "no_answer", reason: "An attachment broke off again.")
            }
        }
        return await pass(.contentEnd)
    }
}

extension HTTPPeer {
    /// The stored bytes of an attachment from a place on; or all of them, if the peer can't start there.
    fileprivate func attachment(
        _ attachment: IncomingAttachment,
        of id: DocumentID,
        _ revision: RevisionID,
        _ encoding: Attachment.Encoding,
        from offset: UInt64
    ) async throws(PeerFailure) -> HTTPClientResponse {
        let path = PercentEncoding.encodedPath(id) + "/" + PercentEncoding.encoded(attachment.name)
        var text: [UInt8] = []
        revision.append(to: &text)
        let query = [NamedText(name: "rev", value: String(decoding: text, as: UTF8.self))]
        var headers = [
            NamedText(name: "Accept", value: "*/*"), NamedText(name: "Accept-Encoding", value: encoding.name),
        ]
        if offset > 0 { headers.append(NamedText(name: "Range", value: "bytes=\(offset)-")) }
        return try await response(to: .init(.GET, Self.query(path, query), headers: headers))
    }
}

extension HTTPClientResponse {
    fileprivate func hasEncoding(_ encoding: Attachment.Encoding) -> Bool {
        let name = headers.first(name: "Content-Encoding")?.lowercased() ?? Attachment.Encoding.identity.name
        return name.utf8.elementsEqual(encoding.name.utf8)
    }

    fileprivate func starts(at offset: UInt64) -> Bool {
        headers.first(name: "Content-Range")?.hasPrefix("bytes \(offset)-") ?? false
    }
}

extension [RevisionID] {
    /// The revisions as a JSON array.
    fileprivate var jsonText: String {
        var text: [UInt8] = [UInt8(ascii: "[")]
        for (index, revision) in enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            revision.appendJSON(to: &text)
        }
        text.append(UInt8(ascii: "]"))
        return String(decoding: text, as: UTF8.self)
    }
}
