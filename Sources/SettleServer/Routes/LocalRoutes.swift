// `/db/_local/id`: documents that stay where they are. Replicators keep their checkpoints in them.
//
// Their revision is a counter, `0-N`. The subtle thing: CouchDB 3 checks no conflicts here. A write gets the counter it
// names plus one, or 1, whatever is there.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET /db/_local/id`.
    func getLocalDocument(_ request: Request, _ database: Database, _ id: DocumentID) throws(SettleError)
        -> Answer
    {
        let query = try DocumentQuery(request.query)
        // No revision can be asked for: there is only one, and it is not in any tree.
        if let wanted = query.openRevisions {
            return try getOpenRevisions(request, database, id, wanted, query)
        }
        guard query.revision == nil || query.wantsLatest else { throw SettleError(.notFound, "missing") }
        let found = try database.read { snapshot in try snapshot.localDocument(id) }
        guard let found else { throw SettleError(.notFound, "missing") }
        let tag = EntityTag.local(id, revision: found.revision, body: found.body)
        if request.hasCurrent(tag) { return .now(.notModified(tag)) }
        var body: [UInt8] = []
        Self.appendLocal(id, found.revision, found.body, to: &body)
        if query.includesRevisions {
            body.removeLast()
            body.append(contentsOf: #","_revisions":{"start":0,"ids":["\#(found.revision)"]}}"#.utf8)
        }
        body.append(UInt8(ascii: "\n"))
        var response = Response(body: body)
        response.head.entityTag = tag
        return .now(response)
    }

    /// `PUT /db/_local/id`, and whatever else writes a local document.
    func putLocalDocument(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID,
        _ document: IncomingDocument,
        _ query: DocumentQuery
    ) throws(SettleError) -> Answer {
        let named = try DocumentQuery.parent(
            inBody: document.ancestry?.first ?? document.revision,
            query: query.revision,
            ifMatch: request.headers.first(name: "If-Match")
        )
        let change = WriteRequest.local(
            id,
            body: document.isDeleted ? nil : document.body,
            revision: try Self.localCounter(named)
        )
        if query.isBatched {
            database.submit(change) { _ in }
            var body = Self.okID
            JSONText.appendString(id.bytes, to: &body)
            body.append(contentsOf: "}\n".utf8)
            return .now(Response(status: 202, body: body))
        }
        let location = request.location(database: database.name, document: id)
        let isCopy = request.method == .COPY
        let status = document.isDeleted ? 200 : 201
        let text = document.body
        return .later { promise in
            database.submit(change) { result in
                promise.complete(
                    with: result.map { result in
                        let counter = if case .local(let counter) = result { counter } else { UInt64(0) }
                        var response = Self.written(id, Self.localRevision(counter), status: status)
                        response.head.location = location
                        if !isCopy {
                            response.head.entityTag = EntityTag.local(id, revision: counter, body: text)
                        }
                        return response
                    }
                )
            }
        }
    }

    /// Answers `DELETE /db/_local/id`.
    func deleteLocalDocument(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID
    ) throws(SettleError) -> Answer {
        let query = try DocumentQuery(request.query)
        _ = try Self.localCounter(query.revision)
        return .later { promise in
            database.submit(.local(id, body: nil, revision: nil)) { result in
                promise.complete(
                    with: result.flatMap { result in
                        if case .localMissing = result { return .failure(SettleError(.notFound, "missing")) }
                        var response = Self.written(id, Self.localRevision(0), status: 200)
                        response.head.entityTag = EntityTag.local(id, revision: 0, body: [])
                        return .success(response)
                    }
                )
            }
        }
    }

    /// The counter in `0-N`.
    static func localCounter(_ revision: RevisionID?) throws(SettleError) -> UInt64? {
        guard let revision else { return nil }
        guard revision.generation == 0,
            let counter = UInt64(String(decoding: revision.digest.bytes, as: UTF8.self)), counter < .max
        else {
            throw SettleError(.badRequest, "Invalid rev format")
        }
        return counter
    }

    /// Gives `0-N`.
    static func localRevision(_ counter: UInt64) -> RevisionID {
        RevisionID(0, RevisionDigest(bytes: String(counter).utf8.map { $0 }))
    }

    /// Appends a local document as clients see it.
    static func appendLocal(_ id: DocumentID, _ counter: UInt64, _ text: [UInt8], to output: inout [UInt8]) {
        output.append(contentsOf: #"{"_id":"#.utf8)
        JSONText.appendString(id.bytes, to: &output)
        output.append(contentsOf: #","_rev":"0-\#(counter)""#.utf8)
        if text.count > 2 {
            output.append(UInt8(ascii: ","))
            output.append(contentsOf: text[1...])
        } else {
            output.append(UInt8(ascii: "}"))
        }
    }
}

extension Snapshot {
    /// Appends a local document, for a copy.
    borrowing func appendLocal(_ id: DocumentID, to output: inout [UInt8]) throws -> DocumentOutcome {
        guard let (counter, text) = try localDocument(id) else { return .missing }
        ServerCore.appendLocal(id, counter, text, to: &output)
        return .found(ServerCore.localRevision(counter), isDeleted: false)
    }
}

/// Entity tags that are no revisions: short digests of what they stand for.
enum EntityTag {
    /// The tag of a local document.
    static func local(_ id: DocumentID, revision: UInt64, body: [UInt8]) -> [UInt8] {
        of([id.bytes, Array(String(revision).utf8), body])
    }

    /// A digest of some texts (FNV-1a, 64 bits), written to the base 36.
    static func of(_ texts: [[UInt8]]) -> [UInt8] {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for text in texts {
            for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        return Array(String(hash, radix: 36, uppercase: true).utf8)
    }
}
