// `/db/_changes`: what has changed, in order, once or from now on.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET`, `POST /db/_changes`.
    func changes(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        var body: JSONObject?
        switch request.method {
        case .GET: break
        case .POST:
            try request.requireJSONContentType()
            if !request.body.isEmpty { body = try request.jsonObject() }
        default: throw request.notAllowed("GET,POST,HEAD")
        }
        let query = try ChangesQuery(
            parameters: request.query,
            body: body,
            lastEventID: request.headers.first(name: "Last-Event-ID")
        )
        let filter = try contentFilter(query.filter, request, database)
        let (position, tag) = try begin(query, database)
        var head = ResponseHead()
        switch query.feed {
        case .normal:
            if request.hasCurrent(tag) { return .now(.notModified(tag)) }
            head.entityTag = tag
        case .eventSource:
            head.contentType = .other("text/event-stream")
            head.cacheControl = .noCache
        case .longpoll, .continuous: break
        }
        let statistics = statistics
        if let filter {
            let start = query.isDescending ? UInt64.max : position
            let range = ChangesSource.range(query, from: start, limit: query.limit)
            let head = head
            // What a filter cannot do shows with the first documents, while there is still a status to answer with.
            return .task { () async throws(SettleError) in
                let first = try await database.filteredChanges(range, filter)
                return .stream(head) { loop in
                    ChangesSource(
                        database: database,
                        query: query,
                        position: position,
                        filter: filter,
                        filtered: first,
                        loop: loop,
                        statistics: statistics
                    )
                }
            }
        }
        return .stream(head) { loop in
            ChangesSource(
                database: database,
                query: query,
                position: position,
                loop: loop,
                statistics: statistics
            )
        }
    }

    /// Where a feed begins, and the entity tag of the database as it is.
    private func begin(
        _ query: ChangesQuery,
        _ database: Database
    ) throws(SettleError) -> (position: UInt64, entityTag: [UInt8]) {
        let (position, token) = try database.read { snapshot in
            let present = try snapshot.state.sequence
            let position: UInt64? =
                switch query.since {
                case .beginning: 0
                case .now: present
                case .token(let text): try snapshot.sequence(fromToken: text)
                }
            return (position, snapshot.sequenceToken(present))
        }
        guard let position else {
            throw SettleError(.badRequest, "Malformed sequence supplied in 'since' parameter.")
        }
        return (position, EntityTag.of([Array(database.name.utf8), Array(token.utf8)]))
    }

    /// What judges documents, if the feed's filter needs to look into them.
    private func contentFilter(
        _ filter: ChangesQuery.Filter,
        _ request: Request,
        _ database: Database
    ) throws(SettleError) -> ChangesFilter? {
        switch filter {
        case .none, .documents, .designDocuments: return nil
        case .selector(let selector, _): return .selector(selector)
        case .function(let design, let name):
            let object = try requestObject(request, database, nil)
            return try database.changesFilter(design: design, function: name, request: object)
        case .view(let design, let name): return try database.changesFilter(design: design, view: name)
        }
    }
}
