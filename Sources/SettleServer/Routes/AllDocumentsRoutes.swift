// `/db/_all_docs` and `/db/_design_docs`: documents by id.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET`, `POST /db/_all_docs` and `/db/_design_docs`.
    func allDocuments(
        _ request: Request,
        _ database: Database,
        _ namespace: AllDocumentsQuery.Namespace
    ) throws(SettleError) -> Answer {
        let query = try documentsQuery(request, namespace)
        return .stream(ResponseHead()) { _ in AllDocumentsSource(database, [query], isList: false) }
    }

    /// Answers `POST /db/_all_docs/queries` and `/db/_design_docs/queries`.
    func postAllDocumentsQueries(
        _ request: Request,
        _ database: Database,
        _ namespace: AllDocumentsQuery.Namespace
    ) throws(SettleError) -> Answer {
        let queries = try documentsQueries(request, namespace)
        return .stream(ResponseHead()) { _ in AllDocumentsSource(database, queries, isList: true) }
    }

    /// Reads one query, from the query string and, of a POST, the body.
    func documentsQuery(
        _ request: Request,
        _ namespace: AllDocumentsQuery.Namespace
    ) throws(SettleError) -> AllDocumentsQuery {
        var query = AllDocumentsQuery(namespace)
        switch request.method {
        case .GET: break
        case .POST:
            try request.requireJSONContentType()
            try query.set(try request.jsonObject())
        default: throw request.notAllowed("GET,HEAD,POST")
        }
        try query.set(request.query)
        try query.validate()
        return query
    }

    /// Reads a list of queries.
    func documentsQueries(
        _ request: Request,
        _ namespace: AllDocumentsQuery.Namespace
    ) throws(SettleError) -> [AllDocumentsQuery] {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        var queries: [AllDocumentsQuery] = []
        for members in try request.queries() {
            var query = AllDocumentsQuery(namespace)
            try query.set(request.query)
            try query.set(members, isOneOfMany: true)
            try query.validate()
            queries.append(query)
        }
        return queries
    }
}

extension Request {
    /// The members of each of the body's `queries`.
    func queries() throws(SettleError) -> [JSONObject] {
        guard let list = try jsonObject()["queries"] else {
            throw SettleError(.badRequest, "POST body must include `queries` parameter.")
        }
        guard let list = list.array else {
            throw SettleError(.badRequest, "`queries` member must be an array.")
        }
        var queries: [JSONObject] = []
        for entry in list {
            guard let members = entry.object else {
                throw SettleError(.badRequest, "Each of `queries` must be a JSON object.")
            }
            queries.append(members)
        }
        return queries
    }
}
