// What there is to know and to do about the indexes behind views: `_info`, `_compact/name`, `_view_cleanup`.

import Logging
import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET /db/_design/name/_info`.
    func getViewInfo(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID
    ) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET") }
        let index = try database.viewIndex(design)
        return .blocking(on: threadPool) { () throws(SettleError) in
            let info = try index.info()
            let sequence = try database.read { snapshot in snapshot.sequenceToken(info.updateSequence) }
            let pending = JSONValue.number(JSONNumber(info.pendingChanges))
            let answer: JSONValue = [
                "name": .string(
                    String(decoding: design.bytes.dropFirst("_design/".utf8.count), as: UTF8.self)
                ),
                "view_index": [
                    "updates_pending": ["minimum": pending, "preferred": pending, "total": pending],
                    "waiting_commit": false,
                    "waiting_clients": .number(JSONNumber(info.waiterCount)),
                    "updater_running": .bool(info.isUpdating),
                    "update_seq": .string(sequence),
                    "sizes": [
                        "file": .number(JSONNumber(info.fileSize)),
                        "external": .number(JSONNumber(info.activeSize)),
                        "active": .number(JSONNumber(info.activeSize)),
                    ],
                    "signature": .string(info.signature),
                    "purge_seq": .number(JSONNumber(info.purgeSequence)),
                    "language": .string(info.language),
                    "compact_running": .bool(info.isCompacting),
                    "collator_versions": [.string(info.collatorVersion)],
                ],
            ]
            return .now(Response(json: answer.text))
        }
    }

    /// Answers `POST /db/_compact/name`: the index of a design document is rewritten without what it no longer needs.
    func postCompactViews(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID
    ) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let index = try database.viewIndex(design)
        let logger = logger
        Task {
            do {
                try await index.compact()
            } catch  where !database.isGone {
                logger.error(
                    "The compaction of an index failed",
                    metadata: ["database": "\(database.name)", "design": "\(design)", "error": "\(error)"]
                )
            } catch {
                // There is nothing left to compact.
            }
        }
        return .now(.ok(status: 202))
    }

    /// Answers `POST /db/_view_cleanup`, once indexes that no design document names are gone.
    func postViewCleanup(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        return .task { () async throws(SettleError) in
            _ = try await database.cleanUpViews()
            return .now(.ok(status: 202))
        }
    }
}

extension ViewIndexTask {
    /// The entry of `_active_tasks`.
    var json: JSONValue {
        [
            "node": "nonode@nohost",
            "pid": "<0.0.0>",
            "type": "indexer",
            "database": .string(database),
            "design_document": .string(designDocument),
            "phase": "view",
            "changes_done": .number(JSONNumber(changesDone)),
            "total_changes": .number(JSONNumber(totalChanges)),
            "progress": .number(JSONNumber(progress)),
            "started_on": .number(JSONNumber(started / 1_000_000)),
            "updated_on": .number(JSONNumber(updated / 1_000_000)),
        ]
    }
}
