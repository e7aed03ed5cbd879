// The changes of a database here.
//
// Listed documents are looked up one by one, whatever the size of the database; everything else walks the changes. A
// reader that waits holds no snapshot: it listens first, then looks, so that no commit falls between the two.

import Settle
package import SettleCore

extension LocalPeer {
    package func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage {
        var query = query
        var page = try read { snapshot in try snapshot.page(query) }
        guard query.waits, page.rows.isEmpty else { return page }
        let (signals, send) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let database = try database()
        let token = database.addChangeListener { send.yield() }
        defer { database.removeChangeListener(token) }
        var iterator = signals.makeAsyncIterator()
        repeat {
            query.since = page.lastSequence
            page = try read { snapshot in try snapshot.page(query) }
            if !page.rows.isEmpty { return page }
        } while await iterator.next() != nil
        throw PeerFailure(.transport, name: "cancelled", reason: "The wait for changes was given up.")
    }
}

extension Snapshot {
    fileprivate func page(_ query: ChangesRequest) throws -> ChangesPage {
        let since = try position(query.since)
        switch query.selection {
        case .everything: return try page(query, after: since) { _ in true }
        case .filter("_design", _): return try page(query, after: since) { $0.isDesign }
        case .documents(let ids): return try page(query, of: ids, after: since)
        case .filter, .selector:
            throw SettleError(
                .notImplemented,
                "A filter needs a source that is named by its URL, not by its database's name."
            )
        }
    }

    /// The number behind what was noted as a sequence; something strange reads from the start.
    private func position(_ sequence: SourceSequence) throws -> UInt64 {
        let parameter = String(decoding: sequence.parameter, as: UTF8.self)
        return try self.sequence(fromToken: parameter) ?? 0
    }

    private func page(
        _ query: ChangesRequest,
        after since: UInt64,
        where isWanted: (DocumentID) -> Bool
    ) throws -> ChangesPage {
        var rows: [ChangedDocument] = []
        var last = since
        var lastRow: UInt64?
        var cursor = try changesCursor()
        var found = try cursor.seek(after: since)
        while found, rows.count < query.limit {
            last = cursor.sequence
            let id = cursor.id
            if isWanted(id) {
                let revisions = query.winnersOnly ? [cursor.revision] : try cursor.leaves(in: self)
                rows.append(ChangedDocument(id: id, revisions: revisions))
                lastRow = last
            }
            found = try cursor.next()
        }
        return ChangesPage(
            rows: rows,
            lastRowSequence: sourceSequence(ifAny: lastRow),
            lastSequence: sourceSequence(last),
            pending: found ? try changes(after: last) : 0
        )
    }

    private func page(
        _ query: ChangesRequest,
        of ids: [DocumentID],
        after since: UInt64
    ) throws -> ChangesPage {
        var found: [(sequence: UInt64, row: ChangedDocument)] = []
        for id in ids {
            guard let record = try document(id), record.sequence > since else { continue }
            let leaves =
                query.winnersOnly
                ? [record.winner.revision] : record.head.leaves.map { record.head.nodes[$0].revision }
            found.append((record.sequence, ChangedDocument(id: id, revisions: leaves)))
        }
        found.sort { $0.sequence < $1.sequence }
        let rest = max(0, found.count - query.limit)
        found.removeLast(rest)
        let lastRow = found.last?.sequence
        let last = rest > 0 ? lastRow ?? since : try info.updateSequence
        return ChangesPage(
            rows: found.map(\.row),
            lastRowSequence: sourceSequence(ifAny: lastRow),
            lastSequence: sourceSequence(last),
            pending: rest
        )
    }
}
