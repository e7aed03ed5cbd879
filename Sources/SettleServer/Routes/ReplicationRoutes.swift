// `/_replicate`, `/_active_tasks`: what the server's own replicator is asked to do, and what the server is doing.

import NIOHTTP1
import Settle
import SettleCore
import SettleReplication

extension ServerCore {
    /// Answers `POST /_replicate`.
    func postReplicate(_ request: Request) throws(SettleError) -> Answer {
        // The body is looked at before anything else, even before the method: CouchDB's order.
        let body = try request.jsonObject()
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let (replication, user) = (replication, request.user.name)
        return .task { () async throws(SettleError) in
            let answer = try await replication.replicate(body: .object(body), user: user)
            return .now(Response(status: answer.status, json: answer.body.text))
        }
    }

    /// Answers `GET /_active_tasks`.
    func getActiveTasks(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let tasks = replication.activeTasks() + ViewIndexTask.running.map(\.json)
        return .now(Response(json: JSONValue.array(tasks).text))
    }
}
