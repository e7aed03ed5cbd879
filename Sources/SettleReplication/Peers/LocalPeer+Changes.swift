// The changes of a database here.
//
// Listed documents are looked up one by one, whatever the size of the database; everything else walks the changes, and
// where a filter has to look into documents, does so some hundreds at a time. A reader that waits holds no snapshot: it
// listens first, then looks, so that no commit falls between the two.

import Settle
package import SettleCore

extension LocalPeer {
    package func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage {
        var query = query
        let database = try database()
        let filter = try await contentFilter(query.selection, database)
        var page = try await page(query, filter, database)
        guard query.waits, page.rows.isEmpty else { return page }
        let (signals, send) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let token = database.addChangeListener { send.yield() }
        defer { database.removeChangeListener(token) }
        var iterator = signals.makeAsyncIterator()
        repeat {
            query.since = page.lastSequence
            page = try await self.page(query, filter, database)
            if !page.rows.isEmpty { return page }
        } while await iterator.next() != nil
        throw PeerFailure(.transport, name: "cancelled", reason: "The wait for changes was given up.")
    }
}

extension LocalPeer {
    /// What judges documents, if the selection needs to look into them.
    private func contentFilter(
        _ selection: ReplicationOptions.Selection,
        _ database: Database
    ) async throws(PeerFailure) -> ChangesFilter? {
        do throws(SettleError) {
            switch selection {
            case .everything, .documents, .filter("_design", _): return nil
            case .selector(let selector): return .selector(try Selector(selector))
            case .filter(let name, let parameters):
                return try database.changesFilter(named: name, parameters: parameters)
            }
        } catch {
            throw PeerFailure(error)
        }
    }

    private func page(
        _ query: ChangesRequest,
        _ filter: ChangesFilter?,
        _ database: Database
    ) async throws(PeerFailure) -> ChangesPage {
        guard let filter else { return try read { snapshot in try snapshot.page(query) } }
        var range = ChangesRange(after: try read { snapshot in try snapshot.position(query.since) })
        range.includesAllLeaves = !query.winnersOnly
        var rows: [ChangedDocument] = []
        var lastRow: UInt64?
        var isExhausted = false
        while rows.count < query.limit, !isExhausted {
            range.limit = query.limit - rows.count
            let found: FilteredChanges
            do throws(SettleError) {
                found = try await database.filteredChanges(range, filter)
            } catch {
                throw PeerFailure(error)
            }
            rows += found.passed.map { ChangedDocument(id: $0.id, revisions: $0.revisions) }
            lastRow = found.passed.last?.sequence ?? lastRow
            (range.start, isExhausted) = (found.position, found.isExhausted)
        }
        let (reached, last, isAtEnd) = (range.start, lastRow, isExhausted)
        return try read { snapshot in
            ChangesPage(
                rows: rows,
                lastRowSequence: snapshot.sourceSequence(ifAny: last),
                lastSequence: snapshot.sourceSequence(reached),
                pending: isAtEnd ? 0 : try snapshot.changes(after: reached)
            )
        }
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
            throw SettleError(.internalError, "This filter looks into documents.")
        }
    }

    /// The number behind what was noted as a sequence; something strange reads from the start.
    fileprivate func position(_ sequence: SourceSequence) throws -> UInt64 {
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
