// A database behind a URL as source and as target of groups of documents with small attachments.
//
//     source   POST _bulk_get, Accept: multipart/mixed       the documents one after the other, each with its content
//     target   POST _bulk_docs, new_edits: false             content in base64 where that stores the same bytes; other
//              PUT as multipart/related                      documents one by one, but from memory
//
// A source that knows no multipart answers with JSON and base64, which is taken too.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Settle
package import SettleCore

extension HTTPPeer {
    /// Compressed content that is no longer than this is decompressed and compressed again on its way into `_bulk_docs`.
    private static let recompressionLimit = 16 << 10
    /// Documents with more content than this are put alone: base64 costs both sides more than a request does.
    ///
    /// Measured, processor time of both sides together: 40 µs + 11 µs/KiB within `_bulk_docs`, 310 µs + 3 µs/KiB alone.
    private static let inlineLimit = 32 << 10
    /// How many documents of a group are put at once that can't go into `_bulk_docs`.
    private static let concurrentPuts = 4

    package func holds(_ attachments: [Attachment]) async throws(PeerFailure) -> Set<BlobKey> {
        guard !attachments.isEmpty, route.tellsContents else { return [] }
        let asked = Set(attachments.map(\.blob))
        let body = Body(bytes: ContentKeys.question(asked.sorted()))
        let text: [UInt8]
        do throws(PeerFailure) {
            text = try await answer(to: Request(.POST, "_attachments_diff", body: body, deadline: timeout))
        } catch {
            // Nothing depends on it but the number of bytes that travel.
            if error.status != nil, error.status != 429 { route.tellsContents = false }
            return []
        }
        guard let missing = try? ContentKeys.missing(json: text) else {
            route.tellsContents = false
            return []
        }
        return asked.subtracting(missing)
    }

    /// Asks for documents with their attachments.
    func openGroup(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) async throws(PeerFailure) -> HTTPClientResponse {
        let response = try await response(
            to: Request(
                .POST,
                "_bulk_get?latest=true&revs=true&attachments=true",
                body: Body(bytes: DocumentsFetch.question(questions, held: held)),
                headers: [NamedText(name: "Accept", value: "multipart/mixed")]
            )
        )
        if response.isPage { throw notTheDatabase }
        return response
    }

    package func fetchAttached(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) async throws(PeerFailure) -> AttachedAnswer {
        let response = try await openGroup(questions, held: held)
        // What was shown may have grown since.
        let limit = questions.reduce(1 << 20) { $0 + 2 * ($1.bytes ?? 0) }
        var collector = AttachedDocumentsCollector(limit: limit)
        guard var parser = RevisionsParser(contentType: response.headers.first(name: "Content-Type")) else {
            let text = try await noting { try await read(response, limit: limit * 2) }
            let documents = try DocumentsFetch.answer(json: text, to: questions.map(\.wanted)).documents
            for document in documents {
                try malformed { () throws(SettleError) in
                    try collector.append(.revision(AttachedRevision(json: Array(document.json))))
                }
            }
            return collector.answer(to: questions, isCut: false)
        }
        var chunks = response.body.makeAsyncIterator()
        do throws(PeerFailure) {
            while let chunk = try await noting({ try await chunks.next() }) {
                parser.append(Array(chunk.readableBytesView)[...])
                try collect(&parser, into: &collector)
            }
            guard (try? parser.finish()) != nil else {
                throw PeerFailure(.transport, name: "no_answer", reason: "\(shownName) stopped answering.")
            }
        } catch {
            guard error.kind == .transport else { throw error }
            let answer = collector.answer(to: questions, isCut: true)
            guard !answer.documents.isEmpty else { throw error }
            return answer
        }
        return collector.answer(to: questions, isCut: false)
    }

    private func collect(
        _ parser: inout RevisionsParser,
        into collector: inout AttachedDocumentsCollector
    ) throws(PeerFailure) {
        do throws(SettleError) {
            while let event = try parser.next() { try collector.append(event) }
        } catch {
            let kind: PeerFailure.Kind = error.kind == .tooLarge ? .answerTooLarge : .malformedAnswer
            throw PeerFailure(kind, name: error.name, reason: error.reason)
        }
    }

    package func writeAttached(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection]
    {
        var others: [AttachedDocument] = []
        var texts: [[UInt8]] = []
        for document in documents {
            if document.contents.reduce(0, { $0 + $1.count }) <= Self.inlineLimit,
                let text = document.inlined(decompress: {
                    InlineContent.decompressed($0, limit: Self.recompressionLimit)
                })
            {
                texts.append(text)
            } else {
                others.append(document)
            }
        }
        var rejections: [WriteRejection] = []
        if !texts.isEmpty { rejections = try await write(texts: texts.map { $0[...] }) }
        texts = []
        return rejections + (try await putEach(others))
    }

    private func putEach(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        var rejections: [WriteRejection] = []
        var failure: PeerFailure?
        await withTaskGroup(of: Result<WriteRejection?, PeerFailure>.self) { group in
            var waiting = documents[...]
            for document in waiting.prefix(Self.concurrentPuts) {
                group.addTask { await attempt { () async throws(PeerFailure) in try await put(document) } }
            }
            waiting = waiting.dropFirst(Self.concurrentPuts)
            for await result in group {
                switch result {
                case .success(let rejection?): rejections.append(rejection)
                case .success(nil): break
                case .failure(let error): failure = failure ?? error
                }
                guard failure == nil, let document = waiting.popFirst() else { continue }
                group.addTask { await attempt { () async throws(PeerFailure) in try await put(document) } }
            }
        }
        if let failure { throw failure }
        return rejections
    }

    /// Puts one document with content that is in memory.
    private func put(_ document: AttachedDocument) async throws(PeerFailure) -> WriteRejection? {
        let channel = RevisionChannel()
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for content in document.contents {
                    guard await channel.send(.content(content[...])), await channel.send(.contentEnd) else {
                        return
                    }
                }
                channel.finish(.success(()))
            }
            let result = await attempt { () async throws(PeerFailure) in
                try await take(document.revision, of: document.id, from: channel)
            }
            channel.close()
            return result
        }
        return try result.get()
    }
}
