import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@Suite("Attachments within JSON, larger than a piece")
struct ContentInJSONTests {
    /// Content that is stored as it is, compressed well, and compressed badly; only the second needs no file.
    private static let contents: [(name: String, type: String, text: String)] = {
        var random = SeededGenerator(seed: 5)
        let letters = (0..<270_000).map { _ in UInt8.random(in: 97...122, using: &random) }
        return [
            ("plain.bin", "image/png", String(repeating: "0123456789", count: 27_001)),
            ("small", "image/png", "tiny"),
            ("even.txt", "text/plain", String(repeating: "all work and no play ", count: 13_001)),
            ("noise.txt", "text/plain", String(decoding: letters, as: UTF8.self)),
        ]
    }()
    private static let json = [("Accept", "application/json")]

    /// What each document has: one all of that, one little, the others one large thing each.
    private static let names = [
        "a": ["plain.bin", "small", "even.txt", "noise.txt"], "b": ["noise.txt"], "_design/d": ["plain.bin"],
        "ab": ["small"],
    ]
    private static let data = Dictionary(
        uniqueKeysWithValues: contents.map { ($0.name, Base64.encoded(Array($0.text.utf8))) }
    )

    private func fill(_ server: TestServer) async throws {
        _ = try await server.send("PUT", "/db")
        for id in ["a", "b", "_design/d", "ab"] {
            let entries = Self.contents.filter { Self.names[id]?.contains($0.name) == true }.map { content in
                #""\#(content.name)":{"content_type":"\#(content.type)","data":"\#(Self.data[content.name] ?? "")"}"#
            }
            let body = #"{"n":1,"_attachments":{\#(entries.joined(separator: ","))}}"#
            #expect(try await server.send("PUT", "/db/\(id)", body).status == 201)
        }
    }

    private func check(
        _ document: JSONValue?,
        _ id: String,
        _ what: String,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(document?["_id"]?.string == id, "\(what)", sourceLocation: location)
        let attachments = document?["_attachments"]?.object
        #expect(attachments?.names == Self.names[id], "\(what)", sourceLocation: location)
        for member in attachments?.members ?? [] {
            let isRight = member.value["data"]?.string == Self.data[member.name]
            #expect(isRight, "\(what): \(member.name) of \(id)", sourceLocation: location)
        }
    }

    @Test("a document shows its content, whatever else is asked for")
    func documents() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let revision = try #require(try await server.send("GET", "/db/a").json["_rev"]?.string)
            for parameters in [
                "attachments=true", "attachments=true&rev=\(revision)", "atts_since=[]",
                "attachments=true&att_encoding_info=true&revs=true&conflicts=true",
            ] {
                let answer = try await server.send("GET", "/db/a?\(parameters)", headers: Self.json)
                #expect(answer.status == 200)
                #expect(answer.headers["etag"] == "\"\(revision)\"")
                let document = try answer.json
                check(document, "a", parameters)
                let encoding = document["_attachments"]?["noise.txt"]?["encoding"]?.string
                #expect(encoding == (parameters.contains("info") ? "gzip" : nil))
            }
            for wanted in ["all", "[\"\(revision)\"]"] {
                let target = "/db/a?open_revs=\(wanted)&attachments=true"
                let answer = try await server.send("GET", target, headers: Self.json).json
                check(answer.array?.first?["ok"], "a", target)
            }
            let known = try await server.send("GET", "/db/a?atts_since=[\"\(revision)\"]", headers: Self.json)
            #expect(try known.json["_attachments"]?["noise.txt"]?["stub"]?.bool == true)
        }
    }

    @Test("the length is told where it is known without reading, also to those who ask for the head alone")
    func lengths() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            for (name, type, text) in Self.contents {
                let put = try await server.send(
                    "PUT",
                    "/db/\(name)/f",
                    text,
                    headers: [("Content-Type", type)]
                )
                #expect(put.status == 201)
                let target = "/db/\(name)?attachments=true"
                let answer = try await server.send("GET", target, headers: Self.json)
                let head = try await server.send("HEAD", target, headers: Self.json)
                #expect(head.headers["etag"] == answer.headers["etag"] && answer.headers["etag"] != nil)
                let isKnown = type == "image/png"
                let length = isKnown ? String(answer.body.utf8.count) : nil
                #expect(answer.headers["content-length"] == length)
                #expect(head.headers["content-length"] == length)
                #expect(answer.headers["transfer-encoding"] == (isKnown ? nil : "chunked"))
                let tag = try #require(answer.headers["etag"])
                let cached = try await server.send(
                    "GET",
                    target,
                    headers: Self.json + [("If-None-Match", tag)]
                )
                #expect(cached.status == 304)
            }
        }
    }

    @Test("rows show the content of their documents")
    func rows() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let options = "include_docs=true&attachments=true"
            let ids = ["_design/d", "a", "ab", "b"]
            for (target, expected) in [
                ("_all_docs?\(options)", ids), ("_all_docs?\(options)&descending=true", ids.reversed()),
                ("_all_docs?\(options)&keys=[\"b\",\"ab\",\"a\"]", ["b", "ab", "a"]),
                ("_design_docs?\(options)", ["_design/d"]),
            ] {
                let rows = try await server.send("GET", "/db/\(target)").json["rows"]?.array ?? []
                #expect(rows.map { $0["id"]?.string } == expected)
                for (row, id) in zip(rows, expected) { check(row["doc"], id, target) }
            }
            let query = #"{"include_docs":true,"attachments":true}"#
            let posted = try await server.send("POST", "/db/_all_docs", query).json["rows"]?.array ?? []
            #expect(posted.count == 4)
            for (row, id) in zip(posted, ids) { check(row["doc"], id, "POST") }
            let queries = #"{"queries":[\#(query),{"keys":["a"],"include_docs":true,"attachments":true}]}"#
            let lists = try await server.send("POST", "/db/_all_docs/queries", queries).json["results"]?.array
            #expect(lists?.map { $0["rows"]?.array?.count } == [4, 1])
            check(lists?.last?["rows"]?.array?.first?["doc"], "a", "queries")
        }
    }

    @Test("revisions that are fetched together show their content")
    func bulkGet() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let body = #"{"docs":[{"id":"a"},{"id":"none"},{"id":"ab"},{"id":"b"}]}"#
            let answer = try await server.send("POST", "/db/_bulk_get?attachments=true", body).json
            let results = answer["results"]?.array ?? []
            #expect(results.map { $0["id"]?.string } == ["a", "none", "ab", "b"])
            for result in results where result["id"]?.string != "none" {
                check(result["docs"]?.array?.first?["ok"], result["id"]?.string ?? "", "_bulk_get")
            }
            let since = #"{"docs":[{"id":"a","atts_since":["1-0123"]}]}"#
            let one = try await server.send("POST", "/db/_bulk_get", since).json["results"]?.array?.first
            check(one?["docs"]?.array?.first?["ok"], "a", "atts_since")
        }
    }

    @Test("changes show the content of their documents, in every feed and behind every filter")
    func changes() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let options = "include_docs=true&attachments=true"
            let ids = ["a", "b", "_design/d", "ab"]
            for feed in ["normal", "longpoll", "continuous", "eventsource"] {
                let target = "/db/_changes?\(options)&feed=\(feed)&limit=4"
                var body = try await server.send("GET", target).body
                if feed == "eventsource" {
                    let lines = body.split(separator: "\n").filter { $0.hasPrefix("data: {") }
                    body = lines.map { $0.dropFirst(6) }.joined(separator: "\n")
                }
                let isLines = feed == "continuous" || feed == "eventsource"
                let rows =
                    isLines
                    ? try body.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                    : try JSONValue(parsing: Array(body.utf8))["results"]?.array ?? []
                let changes = rows.filter { $0["id"] != nil }
                #expect(changes.map { $0["id"]?.string } == ids, "\(feed)")
                for (row, id) in zip(changes, ids) { check(row["doc"], id, feed) }
            }
            for (filter, body, expected) in [
                ("_doc_ids", #"{"doc_ids":["b"]}"#, ["b"]), ("_design", "{}", ["_design/d"]),
                ("_selector", #"{"selector":{"_id":{"$gt":"a"}}}"#, ["b", "ab"]),
                ("_selector", #"{"selector":{"n":1},"fields":["_attachments","_id"]}"#, ids),
            ] {
                let target = "/db/_changes?\(options)&filter=\(filter)"
                let rows = try await server.send("POST", target, body).json["results"]?.array ?? []
                #expect(rows.map { $0["id"]?.string } == expected, "\(body)")
                for (row, id) in zip(rows, expected) { check(row["doc"], id, body) }
            }
        }
    }

    /// Thirty bytes, and a document that has them very often.
    private static let period = "abcdefghijklmnopqrstuvwxyz0123"
    private static let periods = 400_000

    private func stall(_ server: TestServer, _ target: String) async throws -> TestConnection {
        _ = try await server.send("PUT", "/db")
        let content = String(repeating: Self.period, count: Self.periods)
        let put = try await server.send("PUT", "/db/a/f", content, headers: [("Content-Type", "image/png")])
        #expect(put.status == 201)
        let slow = try await server.connect()
        try await slow.setReading(false)
        try await slow.send("GET /db/\(target) HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n")
        while try await streamed(server) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        return slow
    }

    private func streamed(_ server: TestServer) async throws -> Int {
        let statistics = try await server.send("GET", "/_node/_local/_stats/couchdb/httpd").json
        return try #require(statistics["streamed_bytes"]?["value"]?.int)
    }

    private func hasContent(_ body: String) -> Bool {
        let expected = String(repeating: Base64.encoded(Array(Self.period.utf8)), count: Self.periods)
        guard let start = body.firstRange(of: "\"data\":\"") else { return false }
        return body[start.upperBound...].hasPrefix(expected + "\"")
    }

    @Test("a client that does not read costs little, and what happens to the document is nothing to it")
    func slowReader() async throws {
        try await TestServer.run { server in
            let slow = try await stall(server, "a?attachments=true")
            let revision = try #require(try await server.send("GET", "/db/a").json["_rev"]?.string)
            let purged = try await server.send("POST", "/db/_purge", #"{"a":["\#(revision)"]}"#)
            #expect(purged.status == 201)
            #expect(try await server.send("GET", "/db/a").status == 404)
            #expect(try await streamed(server) < 40 * Self.periods)
            try await slow.setReading(true)
            try await slow.wait { slow.count > 40 * Self.periods }
            let answer = try await slow.response()
            #expect(answer.headers["content-length"] == String(answer.body.utf8.count))
            #expect(hasContent(answer.body))
        }
    }

    @Test("news that come while a feed's client takes in content follow it")
    func newsMeanwhile() async throws {
        try await TestServer.run { server in
            let feed = "_changes?feed=continuous&include_docs=true&attachments=true&limit=2&timeout=60000"
            let slow = try await stall(server, feed)
            #expect(try await server.send("PUT", "/db/b", "{}").status == 201)
            try await slow.setReading(true)
            try await slow.wait { slow.count > 40 * Self.periods }
            let body = try await slow.response().body
            #expect(hasContent(body))
            #expect(body.suffix(400).contains("\"id\":\"b\""))
        }
    }
}
