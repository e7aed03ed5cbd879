// `/_node`, `/_membership`, `/_cluster_setup`: what administration tools look at. There is one node, and it is this.

import NIOHTTP1
import SettleCore

extension ServerCore {
    private static let nodeName = "settle@127.0.0.1"

    /// Answers `GET /_membership`.
    func getMembership(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET,HEAD") }
        let nodes: JSONValue = [.string(Self.nodeName)]
        let answer: JSONValue = ["all_nodes": nodes, "cluster_nodes": nodes]
        return .now(Response(json: answer.text))
    }

    /// Answers `GET`, `POST /_cluster_setup`.
    func clusterSetup(_ request: Request) throws(SettleError) -> Answer {
        switch request.method {
        case .GET: return .now(Response(json: #"{"state":"single_node_enabled"}"#))
        case .POST:
            try request.requireJSONContentType()
            let action = try request.jsonObject()["action"]?.string
            guard action == "enable_single_node" || action == "finish_cluster" else {
                throw SettleError(.badRequest, "This server is a single node.")
            }
            return .now(.ok(status: 201))
        default: throw request.notAllowed("GET,POST")
        }
    }

    /// Answers `/_node/…`.
    func routeNode(_ request: Request) throws(SettleError) -> Answer {
        let path = request.segments.map { String(decoding: $0, as: UTF8.self) }
        guard path.count > 1 else { throw SettleError(.badRequest, "Incomplete path to _node request") }
        guard path[1] == "_local" || path[1] == Self.nodeName else {
            throw SettleError(.notFound, "no such node: \(path[1])")
        }
        guard path.count > 2 else {
            guard request.method == .GET else { throw request.notAllowed("GET") }
            return .now(Response(json: JSONValue.object(["name": .string(Self.nodeName)]).text))
        }
        switch path[2] {
        case "_config": return try nodeConfiguration(request, Array(path[3...]))
        case "_stats": return try getNode(request, path, statistics.value)
        case "_system": return try getNode(request, path, system)
        case "_versions": return try getNode(request, path, versions)
        default: throw SettleError(.notFound, "missing")
        }
    }

    /// A value, or the part of it that the rest of the path leads to.
    private func getNode(_ request: Request, _ path: [String], _ value: JSONValue) throws(SettleError)
        -> Answer
    {
        guard request.method == .GET else { throw request.notAllowed("GET") }
        var value = value
        for name in path.dropFirst(3) {
            guard let part = value[name] else { throw SettleError(.notFound, "missing") }
            value = part
        }
        return .now(Response(json: value.text))
    }

    private var system: JSONValue {
        let uptime = ContinuousClock.now - started
        return ["uptime": .number(JSONNumber(uptime.components.seconds))]
    }

    private var versions: JSONValue {
        ["settle": ["version": .string(ServerConfiguration.version)]]
    }

    // MARK: configuration

    /// Answers `/_node/_local/_config/section/key`.
    private func nodeConfiguration(_ request: Request, _ path: [String]) throws(SettleError) -> Answer {
        switch (request.method, path.count) {
        case (.GET, 0): return .now(Response(json: JSONValue.object(settings.all).text))
        case (.GET, 1): return .now(Response(json: JSONValue.object(settings.section(path[0])).text))
        case (.GET, 2): return .now(setting(settings.value(path[0], path[1])))
        case (.POST, 1) where path[0] == "_reload": return .now(.ok())
        case (.PUT, 2):
            let isRaw = request.query["raw"] == "true"
            let value = isRaw ? String(decoding: request.body, as: UTF8.self) : try request.json().string
            guard let value else { throw SettleError(.badRequest, "a JSON string expected") }
            let old = try settings.set(path[0], path[1], to: value.trimmed)
            applySettings(of: path[0])
            return .now(setting(old ?? ""))
        case (.DELETE, 2):
            guard settings.value(path[0], path[1]) != nil else { return .now(setting(nil)) }
            let old = try settings.set(path[0], path[1], to: nil)
            applySettings(of: path[0])
            return .now(setting(old))
        case (_, 0), (_, 1): throw request.notAllowed("GET")
        case (_, 2): throw request.notAllowed("GET,PUT,DELETE")
        default: throw SettleError(.notFound, "missing")
        }
    }

    /// Answers `POST /_reload_query_servers`: functions are compiled anew when they are next needed.
    func reloadFunctions(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        return .now(.ok())
    }

    /// Answers `GET /db/_shards` and `/db/_shards/id`: one shard, the whole of the database.
    func getShards(_ request: Request, ofDocument: Bool) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET") }
        let (range, nodes): (String, JSONValue) = ("00000000-ffffffff", [.string(Self.nodeName)])
        let answer: JSONValue =
            ofDocument
            ? ["range": .string(range), "nodes": nodes]
            : ["shards": .object(JSONObject([(range, nodes)]))]
        return .now(Response(json: answer.text))
    }

    /// Answers `POST /db/_sync_shards`: the one copy of a database is as it is.
    func postSyncShards(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        return .now(.ok(status: 202))
    }

    private func setting(_ value: String?) -> Response {
        guard let value else { return Response(error: SettleError(.notFound, "unknown_config_value")) }
        return Response(json: JSONValue.string(value).text)
    }
}

extension String {
    /// The text without blanks at its ends.
    fileprivate var trimmed: String {
        let isBlank = { (byte: UInt8) in byte == 32 || (9...13).contains(byte) }
        let bytes = utf8.drop { isBlank($0) }
        guard let end = bytes.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(decoding: bytes[...end], as: UTF8.self)
    }
}
