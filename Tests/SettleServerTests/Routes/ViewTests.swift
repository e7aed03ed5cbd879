#if JavaScript
import Settle
import SettleCore
import SettleJavaScript
import SettleServer
import Testing

@Suite("Views")
struct ViewTests {
    private static let design = #"""
        {"views":{
        "n":{"map":"function(d){if('n' in d)emit(d.n,d.g)}"},
        "both":{"map":"function(d){if('n' in d){emit(['a',d.g,d.n],0);emit(['b',d.g,d.n],d.n)}}","reduce":"_stats"},
        "words":{"map":"function(d){if('n' in d)emit(d.g,1)}","reduce":"function(k,v,r){return sum(v)}"},
        "linked":{"map":"function(d){if(d.link)emit(d._id,d.link)}"}
        }}
        """#.replacingLineBreaks

    /// Documents `d0000`, … with a number, one of seven groups and about 200 bytes.
    private func fill(_ server: TestServer, _ count: Int) async throws {
        #expect(try await server.send("PUT", "/db").status == 201)
        let filler = String(repeating: "x", count: 150)
        for start in stride(from: 0, to: count, by: 1000) {
            let documents = (start..<min(start + 1000, count)).map {
                #"{"_id":"\#(id($0))","n":\#($0),"g":"g\#($0 % 7)","text":"\#(filler)"}"#
            }
            let body = "{\"docs\":[\(documents.joined(separator: ","))]}"
            #expect(try await server.send("POST", "/db/_bulk_docs", body).status == 201)
        }
        #expect(try await server.send("PUT", "/db/_design/v", Self.design).status == 201)
    }

    private func id(_ number: Int) -> String { "d\(String(number + 1_000_000).dropFirst())" }

    private func rows(_ server: TestServer, _ target: String) async throws -> [JSONValue] {
        let response = try await server.send("GET", "/db/_design/v/_view/\(target)")
        #expect(response.status == 200, "\(target): \(response.body.prefix(300))")
        return try response.json["rows"]?.array ?? []
    }

    @Test("rows that take several pieces arrive complete and in order, with their documents")
    func pieces() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 6000)
            let numbers = Array(0..<6000)
            for (parameters, expected) in [
                ("", numbers), ("&descending=true", numbers.reversed()),
                ("&skip=3000&limit=2500", Array(3000..<5500)),
                ("&startkey=1000&endkey=5000&inclusive_end=false", Array(1000..<5000)),
                ("&descending=true&startkey=5000&endkey=1000&skip=10", (1000..<4991).reversed()),
                ("&keys=[4000,7000,1,3.0]", [4000, 1, 3]),
            ] {
                for documents in ["false", "true"] {
                    let rows = try await rows(server, "n?include_docs=\(documents)\(parameters)")
                    #expect(rows.map { $0["key"]?.int } == expected, "\(parameters)")
                    #expect(rows.map { $0["id"]?.string } == expected.map(id))
                    let fetched = rows.map { $0["doc"]?["_id"]?.string }
                    #expect(fetched == (documents == "true" ? expected.map(id) : expected.map { _ in nil }))
                }
            }
            let whole = try await server.send("GET", "/db/_design/v/_view/both?reduce=false&skip=11990").json
            #expect(whole["total_rows"]?.int == 12_000)
            #expect(whole["offset"]?.int == 11_990)
        }
    }

    @Test("rows show the content of their documents' attachments, however large, but not that of others")
    func attachments() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 100)
            let content = String(repeating: "all work and no play ", count: 20_000)
            let data = Base64.encoded(Array(content.utf8))
            for (number, type) in [(3, "image/png"), (4, "text/plain"), (90, "text/plain")] {
                let revision = try await server.send("GET", "/db/\(id(number))").json["_rev"]?.string ?? ""
                let target = "/db/\(id(number))/f?rev=\(revision)"
                let put = try await server.send("PUT", target, content, headers: [("Content-Type", type)])
                #expect(put.status == 201)
            }
            let link = #"{"link":{"_id":"\#(id(3))"}}"#
            #expect(try await server.send("PUT", "/db/link", link).status == 201)
            let rows = try await rows(server, "n?include_docs=true&attachments=true")
            #expect(rows.map { $0["id"]?.string } == (0..<100).map(id))
            for (number, row) in rows.enumerated() {
                let isRight = row["doc"]?["_attachments"]?["f"]?["data"]?.string == data
                #expect(isRight == [3, 4, 90].contains(number))
            }
            let linked = try await self.rows(server, "linked?include_docs=true&attachments=true")
            #expect(linked.first?["doc"]?["_attachments"]?["f"]?["stub"]?.bool == true)
        }
    }

    @Test("groups and reductions are those of the rows, by built-ins and by JavaScript")
    func groups() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 3000)
            let groups = try await rows(server, "both?group_level=2&startkey=[\"b\"]")
            #expect(groups.map { $0["key"]?[1]?.string } == (0..<7).map { "g\($0)" })
            for (index, group) in groups.enumerated() {
                let numbers = stride(from: index, to: 3000, by: 7)
                #expect(group["value"]?["count"]?.int == Array(numbers).count)
                #expect(group["value"]?["sum"]?.double == Double(numbers.reduce(0, +)))
            }
            let exact = try await rows(
                server,
                "both?group=true&descending=true&startkey=[\"c\"]&endkey=[\"b\"]"
            )
            #expect(exact.count == 3000)
            #expect(exact.first?["key"] == ["b", "g6", .number(JSONNumber(2995))])
            let words = try await rows(server, "words?group=true")
            #expect(words.map { $0["value"]?.int } == (0..<7).map { (3000 - $0 + 6) / 7 })
            #expect(try await rows(server, "words").first?["value"]?.int == 3000)
            #expect(try await rows(server, "words?keys=[\"g3\",\"nope\",\"g1\"]&group=true").count == 2)
        }
    }

    @Test("a query that doesn't want to wait is answered by what is there")
    func staleness() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 20)
            #expect(try await rows(server, "n?update=false").isEmpty)
            #expect(try await rows(server, "n").count == 20)
            #expect(try await server.send("PUT", "/db/new", #"{"n":20}"#).status == 201)
            #expect(try await rows(server, "n?stale=ok").count == 20)
            _ = try await rows(server, "n?update=lazy")
            var count = 0
            for _ in 0..<1000 where count != 21 {
                count = try await rows(server, "n?update=false").count
                if count != 21 { try await Task.sleep(for: .milliseconds(5)) }
            }
            #expect(count == 21)
        }
    }

    @Test("the old index answers for an edited design document until the new one is asked for")
    func editedDesign() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 20)
            #expect(try await rows(server, "n?startkey=5").count == 15)
            let old = try await server.send("GET", "/db/_design/v").json
            let edited =
                #"{"_rev":"\#(old["_rev"]?.string ?? "")","views":{"n":{"map":"function(d){emit(-d.n)}"}}}"#
            #expect(try await server.send("PUT", "/db/_design/v", edited).status == 201)
            #expect(try await rows(server, "n?startkey=5&update=false").count == 15)
            #expect(try await rows(server, "n?startkey=-5").count == 6)
            #expect(try await rows(server, "n?startkey=-5&update=false").count == 6)
        }
    }

    @Test("a value that can't be reduced stops its design document's index until it is gone")
    func irreducible() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 10)
            #expect(try await rows(server, "both").count == 1)
            let odd =
                try await server.send("PUT", "/db/odd", #"{"n":"ten","g":"g"}"#).json["rev"]?.string ?? ""
            for target in ["both", "both?reduce=false", "n"] {
                let response = try await server.send("GET", "/db/_design/v/_view/\(target)")
                #expect(response.status == 500)
                #expect(try response.json["error"] == "invalid_value")
            }
            #expect(try await rows(server, "n?update=false").count == 10)
            #expect(try await server.send("DELETE", "/db/odd?rev=\(odd)").status == 200)
            #expect(try await rows(server, "n").count == 10)
            #expect(try await server.send("PUT", "/db/_design/w", Self.design).status == 201)
            #expect(try await server.send("PUT", "/db/odd", #"{"n":"ten"}"#).status == 201)
            #expect(try await server.send("GET", "/db/_design/w/_view/n").status == 500)
        }
    }

    @Test("linked documents come as they are or as they were, and null if there is none")
    func linkedDocuments() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 2)
            let first = try await server.send("PUT", "/db/other", #"{"v":1}"#).json["rev"]?.string ?? ""
            #expect(try await server.send("PUT", "/db/other?rev=\(first)", #"{"v":2}"#).status == 201)
            for (id, link) in [
                ("a", #"{"_id":"other"}"#), ("b", #"{"_id":"other","_rev":"\#(first)"}"#),
                ("c", #"{"_id":null}"#),
                ("d", #"{"_id":"nope"}"#), ("e", #"{"x":1}"#), ("f", #""text""#),
            ] {
                #expect(try await server.send("PUT", "/db/\(id)", #"{"link":\#(link)}"#).status == 201)
            }
            let rows = try await rows(server, "linked?include_docs=true")
            #expect(rows.map { $0["doc"]?["_id"]?.string } == ["other", "other", nil, nil, "e", "f"])
            #expect(rows.prefix(2).map { $0["doc"]?["v"]?.int } == [2, 1])
            #expect(rows[2]["doc"]?.isNull == true)
            #expect(rows[3]["doc"]?.isNull == true)
        }
    }

    @Test("rows written while a client reads slowly make no row come twice or go missing")
    func slowReader() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 6000)
            _ = try await rows(server, "n?limit=1")
            let connection = try await server.connect()
            try await connection.setReading(false)
            try await connection.send(
                "GET /db/_design/v/_view/n?include_docs=true HTTP/1.1\r\nHost: test\r\n\r\n"
            )
            let more = (0..<500).map { #"{"_id":"x\#($0)","n":\#(Double($0) + 0.5)}"# }.joined(separator: ",")
            #expect(try await server.send("POST", "/db/_bulk_docs", "{\"docs\":[\(more)]}").status == 201)
            #expect(try await rows(server, "n?limit=1").count == 1)
            try await connection.setReading(true)
            let keys =
                try await connection.response().json["rows"]?.array?.compactMap { $0["key"]?.double } ?? []
            #expect(keys == keys.sorted())
            #expect(Set(keys).count == keys.count)
            #expect(keys.filter { $0 == $0.rounded() }.count == 6000)
            await connection.close()
        }
    }

    @Test("an index tells of itself, is compacted beside readers, and goes when nobody names it")
    func maintenance() async throws {
        try await TestServer.runWithFunctions { server in
            try await fill(server, 1000)
            let target = "/db/_design/v/_info"
            let before = try await server.send("GET", target).json["view_index"]
            #expect(before?["updates_pending"]?["total"]?.int == 1001)
            _ = try await rows(server, "n?limit=1")
            let after = try await server.send("GET", target).json
            #expect(after["name"]?.string == "v")
            #expect(after["view_index"]?["updates_pending"]?["total"]?.int == 0)
            #expect(after["view_index"]?["signature"]?.string?.utf8.count == 32)
            #expect(after["view_index"]?["sizes"]?["file"]?.int ?? 0 > 100_000)
            #expect(try await server.send("POST", "/db/_compact/v", "{}").status == 202)
            for _ in 0..<1000 {
                let info = try await server.send("GET", target).json["view_index"]
                guard info?["compact_running"]?.bool == true else { break }
                #expect(try await rows(server, "n").count == 1000)
            }
            #expect(try await rows(server, "n").count == 1000)
            #expect(try await server.send("POST", "/db/_compact/nope", "{}").status == 404)
            let revision = try await server.send("GET", "/db/_design/v").json["_rev"]?.string ?? ""
            #expect(try await server.send("DELETE", "/db/_design/v?rev=\(revision)").status == 200)
            #expect(try await server.send("POST", "/db/_view_cleanup", "{}").status == 202)
            #expect(try await server.send("GET", target).status == 404)
            #expect(try await server.send("PUT", "/db/_design/v", Self.design).status == 201)
            let anew = try await server.send("GET", target).json["view_index"]
            #expect(anew?["update_seq"]?.string?.hasPrefix("0") == true)
        }
    }
}

extension String {
    fileprivate var replacingLineBreaks: String { filter { $0 != "\n" } }
}
#endif
