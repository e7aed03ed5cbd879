// `/db/_design/name/_view/view` and `…/queries`: rows of a view, or what they reduce to.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET` and `POST /db/_design/name/_view/view`.
    func view(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID,
        _ name: String
    ) throws(SettleError) -> Answer {
        try answer([try viewRequest(request, database, design, name)], isList: false)
    }

    /// Reads one query of a view, from the query string and, of a POST, the body.
    func viewRequest(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID,
        _ name: String
    ) throws(SettleError) -> ViewRequest {
        let query = try readingViewQuery(database, design) { () throws(SettleError) in
            var query = ViewQuery()
            switch request.method {
            case .GET: break
            case .POST:
                try request.requireJSONContentType()
                let body = try request.jsonObject()
                guard body["queries"] == nil else {
                    throw SettleError(
                        .badRequest,
                        "The `queries` parameter is no longer supported at this endpoint"
                    )
                }
                try query.set(body)
            default: throw request.notAllowed("GET,POST,HEAD")
            }
            try query.set(request.query)
            return query
        }
        return try ViewRequest(try openView(database, design, name), query)
    }

    /// Answers `POST /db/_design/name/_view/view/queries`.
    func postViewQueries(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID,
        _ name: String
    ) throws(SettleError) -> Answer {
        let queries = try readingViewQuery(database, design) { () throws(SettleError) in
            guard request.method == .POST else { throw request.notAllowed("POST") }
            try request.requireJSONContentType()
            var queries: [ViewQuery] = []
            for members in try request.queries() {
                var query = ViewQuery()
                try query.set(request.query)
                try query.set(members)
                queries.append(query)
            }
            return queries
        }
        let view = try openView(database, design, name)
        var requests: [ViewRequest] = []
        for query in queries { requests.append(try ViewRequest(view, query)) }
        return try answer(requests, isList: true)
    }

    private func openView(
        _ database: Database,
        _ design: DocumentID,
        _ name: String
    ) throws(SettleError) -> View {
        do throws(SettleError) {
            return try database.view(design, name)
        } catch {
            throw error.kind == .unknownQueryLanguage ? error.referenced : error
        }
    }

    /// Reads a query; of a missing design document and a mistake in the query, the former is told.
    private func readingViewQuery<Query>(
        _ database: Database,
        _ design: DocumentID,
        _ read: () throws(SettleError) -> Query
    ) throws(SettleError) -> Query {
        do throws(SettleError) {
            return try read()
        } catch {
            if error.kind != .methodNotAllowed { _ = try database.viewIndex(design) }
            throw error
        }
    }

    /// Has the index do what the queries want of it, and answers them.
    private func answer(_ requests: [ViewRequest], isList: Bool) throws(SettleError) -> Answer {
        let answer = ViewAnswer(requests, isList: isList)
        guard let view = requests.first?.view else {
            return .stream(ResponseHead()) { _ in ViewSource(answer) }
        }
        let updates = requests.map(\.query.update)
        let isFresh = try view.isFresh()
        if !isFresh, !updates.contains(.before), updates.contains(.after) { view.updateInBackground() }
        let mustWait = !isFresh && updates.contains(.before)
        guard mustWait || answer.mayBlock else { return .stream(ResponseHead()) { _ in ViewSource(answer) } }
        return .task { () throws(SettleError) in
            do throws(SettleError) {
                if mustWait { try await view.update() }
                guard answer.mayBlock else { return .stream(ResponseHead()) { _ in ViewSource(answer) } }
                let database = view.index.database
                let first = try await ViewPiece.make(answer, on: database)
                return .stream(ResponseHead()) { loop in BackgroundViewSource(first, database, loop) }
            } catch {
                throw error.referenced
            }
        }
    }
}
