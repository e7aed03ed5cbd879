import Settle
import SettleCore
import SettleServer
import Testing

@Suite("Resources for tools and administrators")
struct AdministrationTests {
    @Test(
        "answer a question that makes no sense with CouchDB's status and name",
        arguments: [
            ("GET", "/_node", 400, "bad_request"),
            ("POST", "/_db_updates", 405, "method_not_allowed"),
            ("GET", "/_reload_query_servers", 405, "method_not_allowed"),
            ("PUT", "/_scheduler/docs/_replicator", 405, "method_not_allowed"),
            ("GET", "/_scheduler/jobs?limit=x", 400, "query_parse_error"),
            ("GET", "/_scheduler/jobs?skip=-1", 400, "query_parse_error"),
            ("GET", "/_scheduler/docs?limit=-1", 400, "query_parse_error"),
            ("PUT", "/_node/other/_config/a/b", 404, "not_found"),
            ("PUT", "/db/_shards", 405, "method_not_allowed"),
            ("GET", "/db/_sync_shards", 405, "method_not_allowed"),
            ("GET", "/db/_partition", 400, "bad_request"),
            ("GET", "/db/_partition/p", 400, "bad_request"),
            ("GET", "/db/_partition/_p", 400, "illegal_partition"),
            ("PUT", "/db/_partition/p", 405, "method_not_allowed"),
            ("GET", "/db/_partition/p/_all_docs", 400, "bad_request"),
            ("PUT", "/_users/_security", 403, "forbidden"),
            ("GET", "/db/_design/d/_show", 404, "show_error"),
            ("GET", "/db/_design/d/_list/l", 404, "list_error"),
            ("POST", "/db/_design/d/_update", 404, "update_error"),
            ("GET", "/_replicate", 400, "bad_request"),
            ("POST", "/_replicate", 500, "error"),
        ]
    )
    func refusals(method: String, target: String, status: Int, name: String) async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let body = method == "GET" ? "" : "{}"
            let json = [("Content-Type", "application/json")]
            let answer = try await server.send(method, target, body, headers: json)
            #expect(answer.status == status)
            #expect(try answer.json["error"]?.string == name)
        }
    }

    @Test("show a database as one shard on one node")
    func shards() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let shards = try await server.send("GET", "/db/_shards").json
            #expect(shards["shards"]?["00000000-ffffffff"]?.array?.count == 1)
            let shard = try await server.send("GET", "/db/_shards/x").json
            #expect(shard["range"] == "00000000-ffffffff" && shard["nodes"]?.array?.count == 1)
            #expect(try await server.send("POST", "/db/_sync_shards").status == 202)
            let json = [("Content-Type", "application/json")]
            let reload = try await server.send("POST", "/_reload_query_servers", "{}", headers: json)
            #expect(reload.status == 200)
        }
    }

    @Test("keep a security object that says nothing apart from none, and settings without blanks around them")
    func stored() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let usual = try await server.send("GET", "/db/_security").json
            #expect(usual["members"] == ["roles": ["_admin"]])
            #expect(try await server.send("PUT", "/db/_security", "{}").status == 200)
            #expect(try await server.send("GET", "/db/_security").json == [:])
            let setting = "/_node/_local/_config/a/b"
            #expect(try await server.send("PUT", setting, #"" c d ""#).status == 200)
            #expect(try await server.send("GET", setting).json == "c d")
            let nodes = try await server.send("GET", "/_membership").json["cluster_nodes"]
            let named = "/_node/\(try #require(nodes?[0]?.string))/_config/a/b"
            #expect(try await server.send("PUT", named, #""e""#).json == "c d")
            #expect(try await server.send("GET", setting).json == "e")
        }
    }
}
