// From a path to the function that answers it. The names of the functions follow the URLs, so either leads to the other.
//
// Names that begin with an underscore are the server's or, inside a database, CouchDB's own; everything else is a
// database or a document. A database may be called `_users`, so an unknown name at the top is one as well.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers a request, or throws what is wrong with it.
    func route(_ request: Request) throws(SettleError) -> Answer {
        let path = request.segments
        guard let first = path.first else { return try getWelcome(request) }
        if first.first == UInt8(ascii: "_"), let answer = try routeServer(request, Self.text(first)) {
            return answer
        }
        guard path.count > 1 else { return try routeDatabase(request, first) }
        return try routeInside(request, first, path)
    }

    private static func text(_ segment: [UInt8]) -> String { String(decoding: segment, as: UTF8.self) }

    /// What the server itself answers; nil for what may be a database.
    private func routeServer(_ request: Request, _ name: String) throws(SettleError) -> Answer? {
        switch name {
        case "_all_dbs": try getAllDatabases(request)
        case "_dbs_info": try databasesInfo(request)
        case "_uuids": try getUUIDs(request)
        case "_up": try getUp(request)
        case "_session": try session(request)
        case "_active_tasks": try getActiveTasks(request)
        case "_db_updates": try getDatabaseUpdates(request)
        case "_membership": try getMembership(request)
        case "_cluster_setup": try clusterSetup(request)
        case "_node": try routeNode(request)
        case "_replicate": try postReplicate(request)
        case "_scheduler": try routeScheduler(request)
        case "_reload_query_servers": try reloadFunctions(request)
        default: nil
        }
    }

    private func routeDatabase(_ request: Request, _ name: [UInt8]) throws(SettleError) -> Answer {
        switch request.method {
        case .GET: try getDatabase(request, try database(name))
        case .PUT: try putDatabase(request, Self.text(name))
        case .DELETE: try deleteDatabase(request, Self.text(name))
        case .POST: try postDocument(request, try database(name))
        default: throw request.notAllowed("DELETE,GET,HEAD,POST")
        }
    }

    private func routeInside(
        _ request: Request,
        _ databaseName: [UInt8],
        _ path: [[UInt8]]
    ) throws(SettleError) -> Answer {
        let database = try database(databaseName)
        guard path[1].first == UInt8(ascii: "_") else {
            if let path = AttachmentPath(path) { return try attachment(request, database, path) }
            return try document(request, database, DocumentID(bytes: path[1]))
        }
        let name = Self.text(path[1])
        if name == "_design" { return try routeDesign(request, database, path) }
        if name == "_local" { return try routeLocal(request, database, path) }
        if path.count == 2, let answer = try routeResource(request, database, name) { return answer }
        if path.count > 2, let answer = try routeSubresource(request, database, name, path) { return answer }
        let id = DocumentID(bytes: path[1])
        if id.isDesign, request.method == .GET { return try redirectDesign(request, database) }
        if id.bytes.elementsEqual("_local/".utf8) { throw Self.noLocalID }
        if path.count == 2 { return try document(request, database, id) }
        if let path = AttachmentPath(path) { return try attachment(request, database, path) }
        // What would be an attachment of a document that can't be.
        switch request.method {
        case .GET, .DELETE: throw SettleError(.notFound, "missing")
        case .PUT:
            try id.validate()
            throw SettleError(.notFound, "missing")
        default: throw request.notAllowed("DELETE,GET,HEAD,PUT")
        }
    }

    private static let noTemporaryViews = SettleError(
        .gone,
        "Temporary views are not supported in CouchDB"
    )
    private static let noLocalID = SettleError(.badRequest, "Invalid _local document id.")

    /// `/db/_name`; nil for what may be a document.
    private func routeResource(
        _ request: Request,
        _ database: Database,
        _ name: String
    ) throws(SettleError) -> Answer? {
        switch name {
        case "_all_docs": try allDocuments(request, database, .all)
        case "_design_docs": try allDocuments(request, database, .design)
        case "_local_docs": try localDocuments(request, database)
        case "_bulk_docs": try postBulkDocuments(request, database)
        case "_bulk_get": try postBulkGet(request, database)
        case "_changes": try changes(request, database)
        case "_revs_diff": try postRevisionsDiff(request, database)
        case "_attachments_diff": try postAttachmentsDiff(request, database)
        case "_missing_revs": try postMissingRevisions(request, database)
        case "_revs_limit": try revisionsLimit(request, database)
        case "_purge": try postPurge(request, database)
        case "_purged_infos": try getPurgedInfos(request, database)
        case "_purged_infos_limit": try purgedInfosLimit(request, database)
        case "_ensure_full_commit": try postEnsureFullCommit(request, database)
        case "_compact": try postCompact(request, database)
        case "_view_cleanup": try postViewCleanup(request, database)
        case "_security": try security(request, database)
        case "_shards": try getShards(request, ofDocument: false)
        case "_sync_shards": try postSyncShards(request)
        case "_partition": try refusePartition(request, path: [])
        case "_temp_view": throw Self.noTemporaryViews
        case "_find", "_explain": try postMango(request)
        case "_index": try indexes(request)
        default: nil
        }
    }

    /// `/db/_name/…`; nil for what may be an attachment's path.
    private func routeSubresource(
        _ request: Request,
        _ database: Database,
        _ name: String,
        _ path: [[UInt8]]
    ) throws(SettleError) -> Answer? {
        let isQueries = path.count == 3 && path[2].elementsEqual("queries".utf8)
        switch name {
        case "_all_docs" where isQueries: return try postAllDocumentsQueries(request, database, .all)
        case "_design_docs" where isQueries: return try postAllDocumentsQueries(request, database, .design)
        case "_local_docs" where isQueries: return try postLocalDocumentsQueries(request, database)
        case "_compact" where path.count == 3:
            return try postCompactViews(
                request,
                database,
                DocumentID(bytes: Array("_design/".utf8) + path[2])
            )
        case "_index": return try indexes(request)
        case "_shards" where path.count == 3: return try getShards(request, ofDocument: true)
        case "_partition": return try refusePartition(request, path: path.dropFirst(2))
        case "_changes": return try changes(request, database)
        case "_view_cleanup": return try postViewCleanup(request, database)
        case "_temp_view": throw Self.noTemporaryViews
        default: return nil
        }
    }

    /// Answers `/db/_partition/…`: no database here has partitions.
    private func refusePartition(
        _ request: Request,
        path: ArraySlice<[UInt8]>
    ) throws(SettleError) -> Answer {
        guard let partition = path.first else { throw SettleError(.badRequest, "invalid_partition_req") }
        if partition.first == UInt8(ascii: "_"),
            path.count > 1 || request.method == .GET || request.method == .POST
        {
            throw SettleError(.illegalPartition, "Partition must not start with an underscore")
        }
        guard path.count > 1 || request.method == .GET else { throw request.notAllowed("GET") }
        throw SettleError(.badRequest, "database is not partitioned")
    }

    /// Answers `/db/_local/id`.
    private func routeLocal(
        _ request: Request,
        _ database: Database,
        _ path: [[UInt8]]
    ) throws(SettleError) -> Answer {
        guard path.count > 2 else { throw Self.noLocalID }
        guard path.count == 3 else {
            throw Self.attachmentsOfLocalDocument
        }
        return try document(request, database, DocumentID(bytes: path[1] + [UInt8(ascii: "/")] + path[2]))
    }

    /// `/db/_design%2Fname` is spelled with a slash.
    private func redirectDesign(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        let text = request.target.text
        guard let encoded = text.range(of: "_design%2F") ?? text.range(of: "_design%2f") else {
            return try document(request, database, DocumentID(bytes: request.segments[1]))
        }
        var response = Response(status: 301, body: [])
        response.head.contentType = .none
        response.head.cacheControl = .none
        response.head.location = Array(
            "\(request.baseURL)\(text[..<encoded.lowerBound])_design/\(text[encoded.upperBound...])".utf8
        )
        return .now(response)
    }

    /// Answers `/db/_find` and `/db/_explain`.
    private func postMango(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        throw SettleError(.notImplemented, "Queries by selector are not served yet.")
    }

    /// Answers `/db/_index`.
    private func indexes(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET || request.method == .POST || request.segments.count > 2 else {
            throw request.notAllowed("GET,POST")
        }
        throw SettleError(.notImplemented, "Indexes by selector are not served yet.")
    }
}

extension String {
    /// Where a text first occurs in this one, byte for byte.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = utf8.startIndex
        while start < utf8.endIndex {
            if utf8[start...].starts(with: text.utf8) {
                return start..<utf8.index(start, offsetBy: text.utf8.count)
            }
            start = utf8.index(after: start)
        }
        return nil
    }
}
