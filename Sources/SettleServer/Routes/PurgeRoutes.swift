// `/db/_purge`: forgets revisions without leaving a tombstone, and lists what was forgotten.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// How many documents, and how many revisions, one purge may name, as in CouchDB.
    private static let purgeLimits = (documents: 100, revisions: 1000)

    /// Answers `POST /db/_purge`.
    func postPurge(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let targets = try RevisionsByDocument.read(request.body)
        guard targets.count <= Self.purgeLimits.documents else {
            throw SettleError(.badRequest, "Exceeded maximum number of documents.")
        }
        guard targets.reduce(0, { $0 + $1.revisions.count }) <= Self.purgeLimits.revisions else {
            throw SettleError(.badRequest, "Exceeded maximum number of revisions.")
        }
        let change = WriteRequest.purge(targets.map { ($0.id, $0.revisions) })
        return .later { promise in
            database.submit(change) { result in
                promise.complete(
                    with: result.map { result in
                        guard case .purged(let purged, _) = result else { return .ok(status: 201) }
                        let entries = purged.map { id, revisions in
                            (id.text, JSONValue.array(revisions.map { .string($0.text) }))
                        }
                        let answer: JSONValue = ["purge_seq": nil, "purged": .object(JSONObject(entries))]
                        return Response(status: 201, json: answer.text)
                    }
                )
            }
        }
    }

    /// Answers `GET /db/_purged_infos`.
    func getPurgedInfos(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET") }
        let records = try database.read { snapshot in try snapshot.purges(after: 0) }
        let infos = records.map { record -> JSONValue in
            ["id": .string(record.id.text), "revs": .array(record.revisions.map { .string($0.text) })]
        }
        let answer: JSONValue = ["purged_infos": .array(infos)]
        return .now(Response(json: answer.text))
    }
}
