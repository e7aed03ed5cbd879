// A database behind a URL: CouchDB, PouchDB Server, another Settle.

import AsyncHTTPClient
import NIOHTTP1
package import SettleCore

/// A peer that is spoken to over HTTP.
package struct HTTPPeer: Peer {
    let endpoint: RemoteEndpoint
    /// How long to wait for an answer to a short question.
    let timeout: Duration
    /// How it is connected to.
    let way: HTTPClients.Key
    /// Whether the way is long enough for packing to pay.
    var packs: Bool
    /// What was learned about the way, and about what the server understands, meanwhile.
    let route = PeerRoute()

    /// The most bytes of an answer with many documents; one that is larger is asked for in halves.
    static let groupLimit = 32 << 20
    /// The most bytes of an answer with one document.
    static let documentLimit = 1 << 30

    package init(_ endpoint: RemoteEndpoint, timeout: Duration = .seconds(30), connections: Int? = nil) {
        self.endpoint = endpoint
        self.timeout = timeout
        packs = !endpoint.isOnThisMachine
        way = HTTPClients.Key(
            proxy: endpoint.proxy,
            tls: endpoint.tls,
            connections: connections,
            patience: timeout
        )
    }

    package var shownName: String { endpoint.shownURL }

    package func information() async throws(PeerFailure) -> PeerInformation {
        // A session begins: the peer may be another version by now.
        route.tellsContents = true
        let answer = try await json(.init(.GET, "", deadline: timeout))
        guard let sequence = answer["update_seq"], let incarnation = answer["instance_start_time"]?.string
        else {
            throw PeerFailure(.status(404), name: "not_found", reason: "\(shownName) is not a database.")
        }
        let documents = (answer["doc_count"]?.int ?? 1) + (answer["doc_del_count"]?.int ?? 0)
        return PeerInformation(
            isEmpty: documents == 0,
            updateSequence: SourceSequence(sequence),
            incarnation: incarnation
        )
    }

    package func create(_ parameters: [NamedText]) async throws(PeerFailure) {
        do throws(PeerFailure) {
            _ = try await answer(to: .init(.PUT, Self.query("", parameters), deadline: timeout))
        } catch {
            // It exists, or something else is wrong that opening it will say better.
            guard [401, 403].contains(error.status) || error.status == nil else { return }
            throw error
        }
    }

    package func document(_ id: DocumentID) async throws(PeerFailure) -> JSONObject? {
        try await optionalDocument(PercentEncoding.encodedPath(id))
    }

    package func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage {
        let (narrowing, body) = query.selection.changesQuery
        // A waiting feed sends a newline now and then, so that a dead connection is told from a quiet database.
        let pause = Array(String(max(Int(timeout / .milliseconds(3)), 100)).utf8)
        let parameters: [(String, [UInt8])] = [
            ("feed", Array((query.waits ? "longpoll" : "normal").utf8)),
            ("style", Array((query.winnersOnly ? "main_only" : "all_docs").utf8)),
            ("since", query.since.parameter),
            ("limit", Array(String(query.limit).utf8)),
            (query.waits ? "heartbeat" : "timeout", pause),
        ]
        let path = Self.query(
            "_changes",
            parameters.map { .init(name: $0.0, value: String(decoding: $0.1, as: UTF8.self)) } + narrowing
        )
        var request = Request(body == nil ? .GET : .POST, path, body: body.map { .init(bytes: $0) })
        request.isFeed = query.waits
        return try ChangesPage(json: try await answer(to: request))
    }

    /// The feed of the databases that change, of the server that this peer is one of.
    func updates() async throws(PeerFailure) -> HTTPClientResponse {
        var request = Request(.GET, "_db_updates?feed=continuous&since=now&heartbeat=10000")
        request.isFeed = true
        return try await response(to: request)
    }

    /// What the server answers to a question.
    package func answer(path: String) async throws(PeerFailure) -> JSONValue {
        try await json(.init(.GET, path, deadline: timeout))
    }

    package func missing(from rows: [ChangedDocument]) async throws(PeerFailure) -> [WantedRevision] {
        guard route.comparesRevisions else { return rows.flatMap(\.wanted) }
        let body = RevisionsDifference.question(rows)
        let request = Request(.POST, "_revs_diff", body: .init(bytes: body), deadline: timeout)
        do throws(PeerFailure) {
            return try RevisionsDifference.missing(json: try await answer(to: request))
        } catch {
            guard let status = error.status, [404, 405, 501].contains(status) else { throw error }
            // A database that can't tell what it lacks is given everything; what it has it takes once more.
            _ = try await information()
            route.comparesRevisions = false
            return rows.flatMap(\.wanted)
        }
    }

    package func fetch(_ wanted: [WantedRevision]) async throws(PeerFailure) -> FetchAnswer {
        let request = Request(
            .POST,
            "_bulk_get?latest=true&revs=true&attachments=false&att_sha256=true",
            body: .init(bytes: DocumentsFetch.question(wanted)),
            limit: wanted.count > 1 ? Self.groupLimit : Self.documentLimit
        )
        return try DocumentsFetch.answer(json: try await answer(to: request), to: wanted)
    }

    package func fetchAlone(_ wanted: WantedRevision) async throws(PeerFailure) -> FetchAnswer {
        var revisions: [UInt8] = [UInt8(ascii: "[")]
        wanted.revision.appendJSON(to: &revisions)
        revisions.append(UInt8(ascii: "]"))
        let path = Self.query(
            PercentEncoding.encodedPath(wanted.id),
            [
                .init(name: "revs", value: "true"), .init(name: "latest", value: "true"),
                .init(name: "open_revs", value: String(decoding: revisions, as: UTF8.self)),
            ]
        )
        do throws(PeerFailure) {
            let text = try await answer(to: .init(.GET, path, limit: Self.documentLimit))
            return try DocumentsFetch.answer(openRevisions: text, to: wanted)
        } catch {
            try await confirm(error)
            if error.status == 404 { return FetchAnswer(missing: [0]) }
            guard error.concernsDocument else { throw error }
            return FetchAnswer(refused: [.init(index: 0, name: error.name, reason: error.reason)])
        }
    }

    /// Makes sure that a refusal can be about one document: throws if the database is closed to us as a whole, or gone.
    func confirm(_ refusal: PeerFailure) async throws(PeerFailure) {
        guard let status = refusal.status, [401, 403, 404].contains(status) else { return }
        _ = try await information()
    }

    package func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        try await write(texts: documents.map(\.json))
    }

    /// Gives the target documents by their texts.
    func write(texts: [ArraySlice<UInt8>]) async throws(PeerFailure) -> [WriteRejection] {
        let size = texts.reduce(0) { $0 + $1.count + 1 }
        var body = Body(capacity: size + DocumentsWrite.opening.count + DocumentsWrite.closing.count)
        body.append(DocumentsWrite.opening[...])
        for (index, text) in texts.enumerated() {
            if index > 0 { body.append([UInt8(ascii: ",")]) }
            body.append(text)
        }
        body.append(DocumentsWrite.closing[...])
        let headers = [NamedText(name: "X-Couch-Full-Commit", value: "false")]
        let request = Request(.POST, "_bulk_docs", body: body, headers: headers)
        return try DocumentsWrite.rejections(json: try await answer(to: request))
    }

    package func localDocument(_ name: String) async throws(PeerFailure) -> JSONObject? {
        try await optionalDocument("_local/" + PercentEncoding.encoded(name.utf8))
    }

    package func saveLocalDocument(_ name: String, _ document: JSONObject) async throws(PeerFailure) -> String
    {
        let body = Body(bytes: JSONValue.object(document).bytes)
        let path = "_local/" + PercentEncoding.encoded(name.utf8)
        let answer = try await json(.init(.PUT, path, body: body, deadline: timeout))
        guard let revision = answer["rev"]?.string else {
            throw PeerFailure(
                .malformedAnswer,
                name: "bad_answer",
                reason: "\(shownName) answered without `rev`."
            )
        }
        return revision
    }

    package func ensureFullCommit() async throws(PeerFailure) -> String {
        let body = Body(bytes: Array("{}".utf8))
        let answer = try await json(.init(.POST, "_ensure_full_commit", body: body, deadline: timeout))
        return answer["instance_start_time"]?.string ?? "0"
    }
}

extension ChangedDocument {
    /// All revisions of the row, as ones that the target lacks.
    fileprivate var wanted: [WantedRevision] { revisions.map { WantedRevision(id: id, revision: $0) } }
}

extension HTTPPeer {
    private func optionalDocument(_ path: String) async throws(PeerFailure) -> JSONObject? {
        do throws(PeerFailure) {
            return try await json(.init(.GET, path, deadline: timeout)).object
        } catch {
            if error.status == 404 { return nil }
            throw error
        }
    }

    func json(_ request: Request) async throws(PeerFailure) -> JSONValue {
        let text = try await answer(to: request)
        do {
            return try JSONValue(parsing: text)
        } catch {
            throw PeerFailure(
                .malformedAnswer,
                name: "bad_answer",
                reason: "\(shownName) answered with something else than JSON."
            )
        }
    }

    /// A path with a query.
    static func query(_ path: String, _ parameters: [NamedText]) -> String {
        if parameters.isEmpty { return path }
        let pairs = parameters.map {
            "\(PercentEncoding.encoded($0.name.utf8))=\(PercentEncoding.encoded($0.value.utf8))"
        }
        return path + "?" + pairs.joined(separator: "&")
    }
}
