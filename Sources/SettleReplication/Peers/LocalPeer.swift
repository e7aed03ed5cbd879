// A database of this process: asked directly, without a server and without JSON where none is needed.
//
// Reads run on one snapshot each and hold it only for the one answer. The database is opened by name when it is asked
// for, so that one that is created or deleted meanwhile is noticed.

package import Settle
package import SettleCore

/// A peer that is a database here.
package struct LocalPeer: Peer {
    /// Where the database comes from.
    enum Place: Sendable {
        case folder(DatabaseFolder, name: String)
        case database(Database)
    }

    let place: Place
    /// On whose behalf documents are written.
    package var writer = WriteContext.administrator

    /// The database of a name in a folder, which need not exist yet.
    package init(_ folder: DatabaseFolder, name: String) {
        place = .folder(folder, name: name)
    }

    /// A database that is open.
    package init(_ database: Database) {
        place = .database(database)
    }

    package var shownName: String {
        switch place {
        case .folder(_, let name): name
        case .database(let database): database.name
        }
    }

    package func information() async throws(PeerFailure) -> PeerInformation {
        try read { snapshot in
            let info = try snapshot.info
            return PeerInformation(
                isEmpty: info.documentCount + info.deletedCount == 0,
                updateSequence: snapshot.sourceSequence(info.updateSequence),
                incarnation: "\(info.created)-\(info.uuid)"
            )
        }
    }

    package func create(_ parameters: [NamedText]) async throws(PeerFailure) {
        guard case .folder(let folder, let name) = place else { return }
        do throws(SettleError) {
            _ = try folder.create(name)
        } catch {
            guard error.kind != .fileExists else { return }
            throw PeerFailure(error)
        }
    }

    package func document(_ id: DocumentID) async throws(PeerFailure) -> JSONObject? {
        let text: [UInt8]? = try read { snapshot in
            var text: [UInt8] = []
            guard case .found = try snapshot.appendWinner(id, to: &text) else { return nil }
            return text
        }
        return text.flatMap { try? JSONValue(parsing: $0) }?.object
    }

    package func missing(from rows: [ChangedDocument]) async throws(PeerFailure) -> [WantedRevision] {
        try read { snapshot in
            var wanted: [WantedRevision] = []
            for row in rows {
                var (missing, ancestors) = (row.revisions, [RevisionID]())
                if let record = try snapshot.document(row.id) {
                    let isInHead = row.revisions.allSatisfy { record.head.contains($0) }
                    let tree = isInHead ? record.head : try snapshot.tree(of: record)
                    missing = tree.missing(from: row.revisions)
                    ancestors = tree.possibleAncestors(of: missing)
                }
                wanted += missing.map { WantedRevision(id: row.id, revision: $0, ancestors: ancestors) }
            }
            return wanted
        }
    }

    package func fetch(_ wanted: [WantedRevision]) async throws(PeerFailure) -> FetchAnswer {
        try read { snapshot in
            var text: [UInt8] = []
            var found: [(index: Int, range: Range<Int>, attachments: [Attachment])] = []
            var answer = FetchAnswer()
            for (index, item) in wanted.enumerated() {
                let before = found.count
                if let record = try snapshot.document(item.id) {
                    let tree = try snapshot.tree(of: record)
                    for leaf in tree.leafDescendants(of: item.revision) {
                        let start = text.count
                        let isThere = try snapshot.append(
                            item.id,
                            tree,
                            node: leaf,
                            sequence: record.sequence,
                            .revisions,
                            to: &text
                        )
                        guard isThere else { continue }
                        let attachments = try snapshot.attachments(of: tree.nodes[leaf])
                        found.append((index, start..<text.count, attachments))
                    }
                }
                if found.count == before { answer.missing.append(index) }
            }
            answer.documents = found.map { index, range, attachments in
                FetchedDocument(
                    id: wanted[index].id,
                    revision: wanted[index].revision,
                    json: text[range],
                    attachments: attachments.map { ShownAttachment($0) }
                )
            }
            return answer
        }
    }

    package func fetchAlone(_ wanted: WantedRevision) async throws(PeerFailure) -> FetchAnswer {
        try await fetch([wanted])
    }

    package func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        var edits: [DocumentEdit] = []
        var rejections: [WriteRejection] = []
        edits.reserveCapacity(documents.count)
        for document in documents {
            do throws(SettleError) {
                let incoming = try IncomingDocument(parsing: Array(document.json))
                guard incoming.attachments == nil else {
                    throw SettleError(.badRequest, "A document with attachments is copied alone.")
                }
                edits.append(try .replicated(incoming, id: incoming.id ?? document.id))
            } catch {
                rejections.append(document.rejected(error))
            }
        }
        guard case .edits(let outcomes) = try await perform(.edits(edits, by: writer)) else {
            return rejections
        }
        for (edit, outcome) in zip(edits, outcomes) {
            if case .failed(let error) = outcome {
                rejections.append(
                    WriteRejection(
                        id: edit.id,
                        revision: edit.revision,
                        name: error.name,
                        reason: error.reason
                    )
                )
            }
        }
        return rejections
    }

    package func localDocument(_ name: String) async throws(PeerFailure) -> JSONObject? {
        let found = try read { snapshot in try snapshot.localDocument(DocumentID("_local/" + name)) }
        guard let found, var document = (try? JSONValue(parsing: found.body))?.object else { return nil }
        document["_rev"] = .string("0-\(found.revision)")
        return document
    }

    package func saveLocalDocument(_ name: String, _ document: JSONObject) async throws(PeerFailure) -> String
    {
        var body = document
        body["_id"] = nil
        body["_rev"] = nil
        let old = document["_rev"]?.string.flatMap { UInt64($0.dropFirst(2)) }
        let request = WriteRequest.local(
            DocumentID("_local/" + name),
            body: JSONValue.object(body).bytes,
            revision: old
        )
        guard case .local(let revision) = try await perform(request) else { return "0-0" }
        return "0-\(revision)"
    }

    package func ensureFullCommit() async throws(PeerFailure) -> String {
        // Whatever was written is durable already.
        try await information().incarnation
    }
}

extension LocalPeer {
    package func replacements() -> AsyncStream<Void>? {
        let (stream, send) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        switch place {
        case .folder(let folder, let name):
            let token = folder.addEventListener { event in
                if event.kind != .updated, event.name.utf8.elementsEqual(name.utf8) { send.yield() }
            }
            send.onTermination = { _ in folder.removeEventListener(token) }
        case .database(let database):
            let token = database.addChangeListener { [weak database] in
                if database?.isGone ?? true { send.yield() }
            }
            send.onTermination = { _ in database.removeChangeListener(token) }
        }
        return stream
    }

    /// The database; a 404 if there is none.
    func database() throws(PeerFailure) -> Database {
        switch place {
        case .database(let database):
            do throws(SettleError) {
                return try database.present()
            } catch {
                throw PeerFailure(error)
            }
        case .folder(let folder, let name):
            do throws(SettleError) {
                guard let database = try folder.open(name) else {
                    throw SettleError(.notFound, "Database does not exist.")
                }
                return database
            } catch {
                throw PeerFailure(error)
            }
        }
    }

    /// Reads from one snapshot.
    func read<Answer>(_ body: (borrowing Snapshot) throws -> Answer) throws(PeerFailure) -> Answer {
        let database = try database()
        do throws(SettleError) {
            return try database.read(body)
        } catch {
            throw PeerFailure(error)
        }
    }

    func perform(_ request: WriteRequest) async throws(PeerFailure) -> WriteResult {
        let database = try database()
        do throws(SettleError) {
            return try await database.perform(request)
        } catch {
            throw PeerFailure(error)
        }
    }
}

extension Snapshot {
    /// A sequence as a replication notes it.
    func sourceSequence(_ sequence: UInt64) -> SourceSequence {
        SourceSequence(json: Array("\"\(sequenceToken(sequence))\"".utf8))
    }

    /// The same for a sequence there may not be.
    func sourceSequence(ifAny sequence: UInt64?) -> SourceSequence? {
        guard let sequence else { return nil }
        return sourceSequence(sequence)
    }
}

extension FetchedDocument {
    fileprivate func rejected(_ error: SettleError) -> WriteRejection {
        WriteRejection(id: id, revision: revision, name: error.name, reason: error.reason)
    }
}
