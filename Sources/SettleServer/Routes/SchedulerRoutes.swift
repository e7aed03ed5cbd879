// `/_scheduler`: the replication jobs of the server, and how the documents stand that ask for them.
//
//     /_scheduler/jobs[/id]               those on the list of jobs, with their history
//     /_scheduler/docs[/db[/document]]    the documents of a replicator database, with their state
//
// The name of a replicator database may have its slash as it is, `/_scheduler/docs/team/_replicator/nightly`: no
// document can be called `_replicator`, so that says where the name ends.

import NIOHTTP1
import SettleCore
import SettleReplication

extension ServerCore {
    /// Answers `/_scheduler/jobs`, `/_scheduler/docs`.
    func routeScheduler(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let path = request.segments.map { String(decoding: $0, as: UTF8.self) }
        switch path.count > 1 ? path[1] : "" {
        case "jobs" where path.count < 4: return try getSchedulerJobs(request, path)
        case "docs": return try getSchedulerDocuments(request, Array(path.dropFirst(2)))
        default:
            let answer: JSONValue = ["error": "not found"]
            return .now(Response(status: 404, json: answer.text))
        }
    }

    private func getSchedulerJobs(_ request: Request, _ path: [String]) throws(SettleError) -> Answer {
        guard path.count == 2 else {
            // A plus sign in a path is a space, unless it is encoded.
            let id = String(decoding: path[2].utf8.map { $0 == 32 ? 43 : $0 }, as: UTF8.self)
            guard let job = replication.job(id) else {
                throw SettleError(.notFound, "missing")
            }
            return .now(Response(json: job.text))
        }
        let (skip, limit) = (try Self.count("skip", 0, request), try Self.count("limit", 100, request))
        let jobs = replication.jobList()
        let answer: JSONValue = [
            "total_rows": .number(JSONNumber(jobs.count)),
            "offset": .number(JSONNumber(min(skip, jobs.count))),
            "jobs": .array(Array(jobs.dropFirst(skip).prefix(limit))),
        ]
        return .now(Response(json: answer.text))
    }

    private func getSchedulerDocuments(_ request: Request, _ path: [String]) throws(SettleError) -> Answer {
        guard let place = Self.replicatorPlace(path) else { throw SettleError(.badRequest, "bad_request") }
        let replication = replication
        if let document = place.document {
            return .blocking(on: threadPool) { () throws(SettleError) in
                guard let state = try replication.document(DocumentID(document), of: place.database) else {
                    throw SettleError(.notFound, "missing")
                }
                return .now(Response(json: state.text))
            }
        }
        var query = AllDocumentsQuery()
        for name in ["skip", "limit"] {
            if let value = request.query[name] { try query.set(name, .text(value)) }
        }
        let (skip, limit) = (query.skip, query.limit)
        let states = try Self.states(request.query["states"])
        let isDescending = request.query["descending"] == "true"
        return .blocking(on: threadPool) { () throws(SettleError) in
            let answer = try replication.documents(
                of: place.database,
                states: states,
                skip: skip,
                limit: limit,
                isDescending: isDescending
            )
            return .now(Response(json: answer.text))
        }
    }

    /// The replicator database, and perhaps the document in it, that a path names.
    private static func replicatorPlace(_ path: [String]) -> (database: String, document: String?)? {
        guard let first = path.first else { return ("_replicator", nil) }
        if ReplicatorDocument.isReplicator(database: first), path.count < 3 {
            return (first, path.count == 2 ? path[1] : nil)
        }
        guard let last = path.firstIndex(of: "_replicator"), path.count - last < 3 else { return nil }
        return (path[...last].joined(separator: "/"), path.count > last + 1 ? path[last + 1] : nil)
    }

    private static let knownStates = [
        "initializing", "error", "running", "pending", "crashing", "completed", "failed",
    ]

    private static func states(_ text: String?) throws(SettleError) -> [String] {
        let states = text?.split(separator: ",").map { $0.lowercased() } ?? []
        guard states.allSatisfy(knownStates.contains) else {
            let known = knownStates.joined(separator: ",")
            throw SettleError(.queryParseError, "States must be one or more of [\(known)]")
        }
        return states
    }

    /// A parameter of the list of jobs that is a number of jobs.
    private static func count(_ name: String, _ usual: Int, _ request: Request) throws(SettleError) -> Int {
        guard let text = request.query[name] else { return usual }
        guard let count = Int(text) else {
            throw SettleError(.queryParseError, "\(name) must be an integer")
        }
        guard count >= 0 else {
            throw SettleError(.queryParseError, "\(name) not in range of [0,infinity]")
        }
        return count
    }
}
