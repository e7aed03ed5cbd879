// What a source is asked for a copy that retracts, beside what every replication asks.

import NIOHTTP1
import Settle
package import SettleCore

/// A peer that can be the source of a copy that retracts.
package protocol RetractionSource: Peer {
    /// Which revisions win, in the order of the ids.
    func winners(of ids: [DocumentID]) async throws(PeerFailure) -> [SourceWinner]
    /// The winners' JSON texts, in the order of the ids; nil for what is not there or deleted.
    func texts(of ids: [DocumentID]) async throws(PeerFailure) -> [[UInt8]?]
    /// Revisions that were purged, as far as that is remembered.
    func purgedRevisions() async throws(PeerFailure) -> [DocumentID: Set<RevisionID>]
    /// How often something was purged, in the peer's own words; nil if it does not say.
    func purgeSequence() async throws(PeerFailure) -> String?
    /// Something after each commit; nil where nobody tells.
    func commits() -> AsyncStream<Void>?
}

extension RetractionSource {
    package func commits() -> AsyncStream<Void>? { nil }
}

extension HTTPPeer: RetractionSource {
    package func winners(of ids: [DocumentID]) async throws(PeerFailure) -> [SourceWinner] {
        try await rows(ids, "_all_docs").map { row in
            guard let value = row["value"], let revision = value["rev"]?.string.flatMap({ RevisionID($0) })
            else {
                return .unknown
            }
            return value["deleted"]?.bool == true ? .deleted : .live(revision)
        }
    }

    package func texts(of ids: [DocumentID]) async throws(PeerFailure) -> [[UInt8]?] {
        try await rows(ids, "_all_docs?include_docs=true").map { row in
            guard let document = row["doc"], document.object != nil else { return nil }
            return document.bytes
        }
    }

    private func rows(_ ids: [DocumentID], _ path: String) async throws(PeerFailure) -> [JSONValue] {
        var body = Array(#"{"keys":["#.utf8)
        for (index, id) in ids.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            JSONText.appendString(id.bytes, to: &body)
        }
        body.append(contentsOf: "]}".utf8)
        let answer = try await json(.init(.POST, path, body: .init(bytes: body)))
        guard let rows = answer["rows"]?.array, rows.count == ids.count else {
            throw PeerFailure(
                .malformedAnswer,
                name: "bad_answer",
                reason: "\(shownName) did not answer for every document."
            )
        }
        return rows
    }

    package func purgedRevisions() async throws(PeerFailure) -> [DocumentID: Set<RevisionID>] {
        let answer: JSONValue
        do throws(PeerFailure) {
            answer = try await json(.init(.GET, "_purged_infos"))
        } catch {
            guard let status = error.status, [404, 405, 501].contains(status) else { throw error }
            return [:]  // a peer that remembers none
        }
        var purged: [DocumentID: Set<RevisionID>] = [:]
        for info in answer["purged_infos"]?.array ?? [] {
            guard let id = info["id"]?.string else { continue }
            let revisions = (info["revs"]?.array ?? []).compactMap { $0.string.flatMap { RevisionID($0) } }
            purged[DocumentID(id), default: []].formUnion(revisions)
        }
        return purged
    }

    package func purgeSequence() async throws(PeerFailure) -> String? {
        try await json(.init(.GET, "", deadline: timeout))["purge_seq"]?.text
    }
}

extension LocalPeer: RetractionSource {
    package func winners(of ids: [DocumentID]) async throws(PeerFailure) -> [SourceWinner] {
        try read { snapshot in
            try ids.map { id in
                guard let record = try snapshot.document(id) else { return .unknown }
                return record.isDeleted ? .deleted : .live(record.winner.revision)
            }
        }
    }

    package func texts(of ids: [DocumentID]) async throws(PeerFailure) -> [[UInt8]?] {
        try read { snapshot in
            try ids.map { id in
                var text: [UInt8] = []
                guard case .found = try snapshot.appendWinner(id, to: &text) else { return nil }
                return text
            }
        }
    }

    package func purgedRevisions() async throws(PeerFailure) -> [DocumentID: Set<RevisionID>] {
        try read { snapshot in
            var purged: [DocumentID: Set<RevisionID>] = [:]
            for record in try snapshot.purges(after: 0) {
                purged[record.id, default: []].formUnion(record.revisions)
            }
            return purged
        }
    }

    package func purgeSequence() async throws(PeerFailure) -> String? {
        try read { snapshot in String(try snapshot.info.purgeSequence) }
    }

    package func commits() -> AsyncStream<Void>? {
        guard let database = try? database() else { return nil }
        let (stream, send) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let token = database.addChangeListener { send.yield() }
        send.onTermination = { [weak database] _ in database?.removeChangeListener(token) }
        return stream
    }
}

extension LocalPeer {
    /// What this database has of some documents: those that are there and not deleted.
    func held(_ ids: [DocumentID]) throws(PeerFailure) -> [HeldDocument] {
        try read { snapshot in
            var held: [HeldDocument] = []
            for id in ids where !id.isDesign {
                guard let record = try snapshot.document(id), !record.isDeleted else { continue }
                var text: [UInt8] = []
                guard case .found = try snapshot.appendWinner(id, to: &text) else { continue }
                let leaves = record.head.leaves.map { record.head.nodes[$0].revision }
                held.append(HeldDocument(id: id, winner: record.winner.revision, leaves: leaves, text: text))
            }
            return held
        }
    }

    /// The ids of the next documents after one that are not deleted; design documents stay out of it.
    func heldIDs(after id: DocumentID?, limit: Int) throws(PeerFailure) -> [DocumentID] {
        try read { snapshot in
            var ids: [DocumentID] = []
            var cursor = try snapshot.documentCursor()
            var found = try id.map { try cursor.seek(atLeast: $0) } ?? cursor.first()
            while found, ids.count < limit {
                let next = cursor.id
                if next != id, !cursor.isDeleted, !next.isDesign { ids.append(next) }
                found = try cursor.next()
            }
            return ids
        }
    }

    /// Forgets leaves of documents; how many documents lost any.
    func purge(_ documents: [HeldDocument]) async throws(PeerFailure) -> Int {
        if documents.isEmpty { return 0 }
        let request = WriteRequest.purge(documents.map { ($0.id, $0.leaves) })
        guard case .purged(let purged, _) = try await perform(request) else { return 0 }
        return purged.count { !$0.1.isEmpty }
    }
}
