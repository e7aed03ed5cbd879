// `/db`: creating, describing and deleting a database, and the small resources that describe or tend it.

import Logging
import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET /db`.
    func getDatabase(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        var body: [UInt8] = []
        try appendInfo(of: database, to: &body)
        body.append(UInt8(ascii: "\n"))
        return .now(Response(body: body))
    }

    /// Answers `PUT /db`.
    func putDatabase(_ request: Request, _ name: String) throws(SettleError) -> Answer {
        for parameter in ["q", "n"] {
            guard let value = request.query[parameter] else { continue }
            guard let number = Int(value), number > 0 else {
                throw SettleError(.badRequest, "The `\(parameter)` value should be a positive integer.")
            }
        }
        if let partitioned = request.query["partitioned"], partitioned != "false" {
            guard partitioned == "true" else {
                throw SettleError(.badRequest, "Invalid `partitioned` parameter")
            }
            throw SettleError(.notImplemented, "Partitioned databases are not supported.")
        }
        let location = request.location(database: name)
        let folder = folder
        return .blocking(on: threadPool) { () throws(SettleError) in
            _ = try folder.create(name)
            var response = Response.ok(status: 201)
            response.head.location = location
            return .now(response)
        }
    }

    /// Answers `DELETE /db`.
    func deleteDatabase(_ request: Request, _ name: String) throws(SettleError) -> Answer {
        if request.query["rev"] != nil {
            let advice = "Did you mean to DELETE a document instead?"
            throw SettleError(
                .badRequest,
                "You tried to DELETE a database with a ?=rev parameter. \(advice)"
            )
        }
        let folder = folder
        return .task { () async throws(SettleError) in
            guard try await folder.delete(name) else { throw Database.doesNotExist }
            return .now(.ok())
        }
    }

    /// Appends what `GET /db` and `_dbs_info` tell of a database.
    func appendInfo(of database: Database, to body: inout [UInt8]) throws(SettleError) {
        let (info, sequence, purges) = try database.read { snapshot in
            let info = try snapshot.info
            return (
                info, snapshot.sequenceToken(info.updateSequence), snapshot.sequenceToken(info.purgeSequence)
            )
        }
        let value: JSONValue = [
            "instance_start_time": .string(String(info.created / 1_000_000)),
            "db_name": .string(database.name),
            "purge_seq": .string(purges),
            "update_seq": .string(sequence),
            "sizes": [
                "file": .number(JSONNumber(info.fileSize)),
                "external": .number(JSONNumber(info.activeSize)),
                "active": .number(JSONNumber(info.activeSize)),
            ],
            "props": [:],
            "doc_del_count": .number(JSONNumber(info.deletedCount)),
            "doc_count": .number(JSONNumber(info.documentCount)),
            "disk_format_version": 8,
            "compact_running": .bool(database.isCompacting),
            "cluster": ["q": 1, "n": 1, "w": 1, "r": 1],
        ]
        value.append(to: &body)
    }

    // MARK: tending

    /// `POST /db/_ensure_full_commit`: every write is on disk when it is answered.
    func postEnsureFullCommit(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let created = try database.read { snapshot in try snapshot.info.created / 1_000_000 }
        return .now(Response(status: 201, json: #"{"ok":true,"instance_start_time":"\#(created)"}"#))
    }

    /// Answers `POST /db/_compact`.
    func postCompact(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let logger = logger
        Task {
            do {
                try await database.compact()
            } catch  where !database.isGone {
                logger.error(
                    "A compaction failed",
                    metadata: ["database": "\(database.name)", "error": "\(error)"]
                )
            } catch {
                // There is nothing left to compact.
            }
        }
        return .now(.ok(status: 202))
    }

    /// Answers `GET`, `PUT /db/_revs_limit`.
    func revisionsLimit(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        switch request.method {
        case .GET:
            let limit = try database.read { snapshot in try snapshot.info.revisionsLimit }
            return .now(Response(json: "\(limit)"))
        case .PUT:
            let limit = try positiveInteger(request, name: "revs_limit")
            return write(.revisionsLimit(limit), to: database)
        default:
            throw request.notAllowed("PUT,GET")
        }
    }

    /// Answers `GET`, `PUT /db/_purged_infos_limit`.
    func purgedInfosLimit(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        switch request.method {
        case .GET:
            let limit = try database.read { snapshot in try snapshot.info.purgedInfosLimit }
            return .now(Response(json: "\(limit)"))
        case .PUT:
            let limit = try positiveInteger(request, name: "purged_infos_limit")
            return write(.purgedInfosLimit(limit), to: database)
        default:
            throw request.notAllowed("PUT,GET")
        }
    }

    /// Answers `GET`, `PUT /db/_security`.
    func security(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        switch request.method {
        case .GET:
            var body = try database.read { snapshot in try snapshot.security }
            body.append(UInt8(ascii: "\n"))
            return .now(Response(body: body))
        case .PUT:
            guard database.name != "_users" else {
                let reason = "You can't edit the security object of the user database."
                throw SettleError(.forbidden, reason)
            }
            let object = try request.jsonObject()
            try SecurityObject.validate(object)
            return write(.security(JSONValue.object(object).bytes), to: database)
        default:
            throw request.notAllowed("PUT,GET")
        }
    }

    private func positiveInteger(_ request: Request, name: String) throws(SettleError) -> Int {
        guard let value = try request.json().int, value > 0 else {
            throw SettleError(.badRequest, "`\(name)` must be positive integer")
        }
        return value
    }

    /// Performs a write that answers `{"ok":true}`.
    private func write(_ change: WriteRequest, to database: Database) -> Answer {
        .later { promise in
            database.submit(change) { result in
                promise.complete(with: result.map { _ in .ok() })
            }
        }
    }
}

extension Request {
    /// The body as JSON.
    func json() throws(SettleError) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw SettleError(error)
        }
    }

    /// The body, which must be a JSON object.
    func jsonObject() throws(SettleError) -> JSONObject {
        guard let object = try json().object else {
            throw SettleError(.badRequest, "Request body must be a JSON object")
        }
        return object
    }
}
