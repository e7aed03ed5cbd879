// What the server tells about itself: `/`, `/_up`, `/_uuids`, and the lists of its databases.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET /`.
    func getWelcome(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let answer: JSONValue = [
            "couchdb": "Welcome",
            "version": "3.5.0",
            "git_sha": .string(ServerConfiguration.version),
            "uuid": .string(folder.uuid),
            "features": ["scheduler"],
            "vendor": ["name": "Settle", "version": .string(ServerConfiguration.version)],
        ]
        return .now(Response(json: answer.text))
    }

    /// Answers `GET /_up`.
    func getUp(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        return .now(Response(json: #"{"status":"ok","seeds":{}}"#))
    }

    /// Answers `GET /_uuids`.
    func getUUIDs(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET") }
        guard let count = Int(request.query["count"] ?? "1"), count >= 0 else {
            throw SettleError(.badRequest, "count must be a positive integer")
        }
        guard count <= 1000 else { throw SettleError(.badRequest, "count parameter too large") }
        let list = (0..<count).map { _ in JSONValue.string(identifiers.next()) }
        let answer: JSONValue = ["uuids": .array(list)]
        var response = Response(json: answer.text)
        response.head.cacheControl = .noCache
        response.head.entityTag = EntityTag.of([response.body])
        return .now(response)
    }

    // MARK: databases

    /// Answers `GET /_all_dbs`.
    func getAllDatabases(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let range = try NameRange(request)
        return .blocking(on: threadPool) { [self] () throws(SettleError) in
            let names = range.apply(try folder.names())
            return .now(listed(request, JSONValue.array(names.map { .string($0) }).bytes))
        }
    }

    /// Answers `GET`, `POST /_dbs_info`.
    func databasesInfo(_ request: Request) throws(SettleError) -> Answer {
        switch request.method {
        case .GET:
            let range = try NameRange(request)
            return .blocking(on: threadPool) { [self] () throws(SettleError) in
                .now(listed(request, try infoRows(range.apply(try folder.names()))))
            }
        case .POST:
            try request.requireJSONContentType()
            guard let keys = try request.jsonObject()["keys"] else {
                throw SettleError(.badRequest, "`keys` member must exist.")
            }
            guard let keys = keys.array else {
                throw SettleError(.badRequest, "`keys` member must be an array.")
            }
            guard keys.count <= 100 else {
                throw SettleError(.badRequest, "`keys` member must have at most 100 elements.")
            }
            return .blocking(on: threadPool) { [self] () throws(SettleError) in
                let rows = try infoRows(keys.map { $0.string ?? $0.text })
                return .now(Response(body: rows + [UInt8(ascii: "\n")]))
            }
        default: throw request.notAllowed("GET,HEAD,POST")
        }
    }

    private func infoRows(_ names: some Collection<String>) throws(SettleError) -> [UInt8] {
        var rows: [UInt8] = [UInt8(ascii: "[")]
        for (position, name) in names.enumerated() {
            if position > 0 { rows.append(UInt8(ascii: ",")) }
            try appendInfoRow(name, to: &rows)
        }
        rows.append(UInt8(ascii: "]"))
        return rows
    }

    private func appendInfoRow(_ name: String, to body: inout [UInt8]) throws(SettleError) {
        body.append(contentsOf: #"{"key":"#.utf8)
        JSONText.appendString(name, to: &body)
        if let database = try folder.open(name) {
            body.append(contentsOf: #","info":"#.utf8)
            try appendInfo(of: database, to: &body)
            body.append(UInt8(ascii: "}"))
        } else {
            body.append(contentsOf: #","error":"not_found"}"#.utf8)
        }
    }

    /// A list with an entity tag.
    private func listed(_ request: Request, _ list: [UInt8]) -> Response {
        let tag = EntityTag.of([list])
        if request.hasCurrent(tag) { return .notModified(tag) }
        var response = Response(body: list + [UInt8(ascii: "\n")])
        response.head.entityTag = tag
        return response
    }
}

/// The part of the list of databases that a query asks for.
private struct NameRange: Sendable {
    private let query: AllDocumentsQuery

    init(_ request: Request) throws(SettleError) {
        var query = AllDocumentsQuery()
        try query.set(request.query)
        self.query = query
    }

    /// The names in the range, in the query's order.
    func apply(_ names: [String]) -> ArraySlice<String> {
        let range = query.range
        let inside = names.filter { name in
            !name.utf8.lexicographicallyPrecedes(range.lower)
                && range.upper.map { name.utf8.lexicographicallyPrecedes($0) } ?? true
        }
        return (query.isDescending ? inside.reversed() : inside).dropFirst(query.skip).prefix(query.limit)
    }
}
