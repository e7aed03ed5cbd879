// `/_replicate`, `/_active_tasks`, `/_scheduler`: what the server's own replicator does.

import NIOHTTP1
import Settle
import SettleCore
import SettleReplication

extension ServerCore {
    /// Answers `POST /_replicate`.
    func postReplicate(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let body = try request.jsonObject()
        let replication = replication
        return .task { () async throws(SettleError) in
            let answer = try await replication.replicate(body: .object(body))
            return .now(Response(status: answer.status, json: answer.body.text))
        }
    }

    /// Answers `GET /_active_tasks`.
    func getActiveTasks(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let tasks = replication.activeTasks() + ViewIndexTask.running.map(\.json)
        return .now(Response(json: JSONValue.array(tasks).text))
    }

    /// Answers `/_scheduler/jobs`, `/_scheduler/docs`.
    func routeScheduler(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let path = request.segments.map { String(decoding: $0, as: UTF8.self) }
        guard path.count > 1 else { throw SettleError(.notFound, "missing") }
        switch path[1] {
        case "jobs": return try getSchedulerJobs(request, path)
        case "docs":
            // Replications are not described by documents yet, so no document has a state.
            guard path.count < 4 else { throw SettleError(.notFound, "missing") }
            _ = try page(request)
            return .now(Response(json: #"{"total_rows":0,"offset":0,"docs":[]}"#))
        default: throw SettleError(.notFound, "missing")
        }
    }

    private func getSchedulerJobs(_ request: Request, _ path: [String]) throws(SettleError) -> Answer {
        let (skip, limit) = try page(request)
        let jobs = replication.jobList()
        guard path.count == 2 else {
            guard let job = jobs.first(where: { $0["id"]?.string == path[2] }) else {
                throw SettleError(.notFound, "missing")
            }
            return .now(Response(json: job.text))
        }
        let answer: JSONValue = [
            "total_rows": .number(JSONNumber(jobs.count)),
            "offset": .number(JSONNumber(min(skip, jobs.count))),
            "jobs": .array(Array(jobs.dropFirst(skip).prefix(limit))),
        ]
        return .now(Response(json: answer.text))
    }

    private func page(_ request: Request) throws(SettleError) -> (skip: Int, limit: Int) {
        var query = AllDocumentsQuery()
        for name in ["skip", "limit"] {
            if let value = request.query[name] { try query.set(name, .text(value)) }
        }
        return (query.skip, query.limit)
    }
}
