import SettleCore
import SettleServer
import Testing

@Suite("_bulk_get")
struct BulkGetTests {
    private let json = [("Content-Type", "application/json")]

    @Test(
        "what is wrong with an entry is told with the values that it came with",
        arguments: [
            (#"5"#, #"null"#, #"null"#, "bad_request"),
            (#"{}"#, #"null"#, #"null"#, "bad_request"),
            (#"{"rev":"1-a"}"#, #"null"#, #"null"#, "bad_request"),
            (#"{"id":5}"#, #"5"#, #"null"#, "illegal_docid"),
            (#"{"id":{"a":[1]}}"#, #"{"a":[1]}"#, #"null"#, "illegal_docid"),
            (#"{"id":""}"#, #""""#, #"null"#, "illegal_docid"),
            (#"{"id":"a","rev":"bad"}"#, #""a""#, #""bad""#, "bad_request"),
            (#"{"id":"a","rev":7}"#, #""a""#, #"7"#, "bad_request"),
            (#"{"id":"a","rev":null}"#, #""a""#, #"null"#, "bad_request"),
            (#"{"id":"a","atts_since":["1-a","bad"]}"#, #""a""#, #""bad""#, "bad_request"),
            (#"{"id":"a","atts_since":true}"#, #""a""#, #"true"#, "bad_request"),
            (#"{"id":"none"}"#, #""none""#, #""undefined""#, "not_found"),
            (#"{"id":"none","rev":"1-a"}"#, #""none""#, #""1-a""#, "not_found"),
        ]
    )
    func failures(entry: String, id: String, revision: String, error: String) async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let body = #"{"docs":[\#(entry)]}"#
            let answer = try await server.send("POST", "/db/_bulk_get", body, headers: json)
            let result = try #require(try answer.json["results"]?.array?.first)
            let failure = try #require(result["docs"]?.array?.first?["error"])
            let id = try JSONValue(parsing: Array(id.utf8))
            #expect(result["id"] == id)
            #expect(failure["id"] == id)
            #expect(failure["rev"] == (try JSONValue(parsing: Array(revision.utf8))))
            #expect(failure["error"]?.string == error)
        }
    }

    @Test("a part that tells of a missing document names it, one of a missing revision doesn't")
    func missingParts() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let answer = try await server.send(
                "POST",
                "/db/_bulk_get",
                #"{"docs":[{"id":"a"},{"id":"b","rev":"1-x"}]}"#,
                headers: json + [("Accept", "multipart/mixed")]
            )
            #expect(
                answer.body.contains(
                    #"{"id":"a","rev":"undefined","error":"not_found","reason":"missing"}"#
                )
            )
            #expect(answer.body.contains(#"{"rev":"1-x","error":"not_found","reason":"missing"}"#))
        }
    }
}
