import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@Suite("Documents over HTTP")
struct DocumentTests {
    @Test("a POST without an id is a new document, whatever revision it names")
    func generatedID() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let answer = try await server.send("POST", "/db?new_edits=false", #"{"_rev":"3-abc","n":1}"#)
            #expect(answer.status == 201)
            let json = try answer.json
            #expect(json["rev"]?.string?.hasPrefix("1-") == true)
            #expect(json["id"]?.string?.utf8.count == 32)
            #expect(answer.headers["etag"] == nil)
            #expect(answer.headers["location"]?.hasSuffix("/db/\(json["id"]?.string ?? "")") == true)
        }
    }

    @Test("the id in a body must be a legal one even where the URL's counts")
    func idInBody() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let illegal = try await server.send("PUT", "/db/x", #"{"_id":"_bad"}"#)
            #expect(illegal.status == 400)
            #expect(try await server.send("PUT", "/db/x", #"{"_id":"y"}"#).json["id"]?.string == "x")
        }
    }

    @Test("a deleted document is there for those who ask for it")
    func deleted() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let content =
                #"{"_deleted":true,"n":1,"_attachments":{"f":{"data":"eA==","content_type":"a/b"}}}"#
            let tag = try #require(try await server.send("PUT", "/db/a", content).headers["etag"])
            #expect(try await server.send("GET", "/db/a").status == 404)
            let got = try await server.send("GET", "/db/a?deleted=true")
            #expect(got.headers["etag"] == tag)
            #expect(try got.json["_deleted"]?.bool == true)
            #expect(try got.json["n"]?.int == 1)
            let info = try await server.send("GET", "/db/a?deleted=true&revs_info=true").json["_revs_info"]
            #expect(info?.array?.first?["status"]?.string == "deleted")
            #expect(try await server.send("GET", "/db/a/f?deleted=true").body == "x")
            let multipart = try await server.send(
                "GET",
                "/db/a?deleted=true&attachments=true",
                headers: [("Accept", "multipart/related")]
            )
            #expect(multipart.headers["content-type"]?.hasPrefix("multipart/related") == true)
        }
    }

    @Test("a local document has no revisions to ask for, and is its own latest")
    func localRevisions() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            _ = try await server.send("PUT", "/db/_local/a", "{}")
            #expect(try await server.send("GET", "/db/_local/a?open_revs=all").status == 404)
            let missing = try await server.send(
                "GET",
                "/db/_local/a?open_revs=[\"0-1\"]",
                headers: [("Accept", "application/json")]
            )
            #expect(missing.body == #"[{"missing":"0-1"}]"# + "\n")
            #expect(try await server.send("GET", "/db/_local/a?rev=0-1").status == 404)
            #expect(try await server.send("GET", "/db/_local/a?rev=0-1&latest=true").status == 200)
        }
    }

    @Test(
        "new_edits of a batch is true or false, and a replicated one can't be all or nothing",
        arguments: [
            (#"{"docs":[],"new_edits":"x"}"#, 400), (#"{"docs":[{}],"new_edits":null}"#, 400),
            (#"{"new_edits":0}"#, 400), (#"{"docs":[],"all_or_nothing":true}"#, 417),
            (#"{"docs":[{"_id":"a","_rev":"1-a"}],"new_edits":false,"all_or_nothing":true}"#, 201),
        ]
    )
    func batchFlags(body: String, status: Int) async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let json = [("Content-Type", "application/json")]
            #expect(try await server.send("POST", "/db/_bulk_docs", body, headers: json).status == status)
        }
    }

    @Test("an empty list of revisions asks for the document")
    func noRevisions() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            _ = try await server.send("PUT", "/db/a", "{}")
            #expect(try await server.send("GET", "/db/a?open_revs=[]").json["_id"]?.string == "a")
            #expect(try await server.send("GET", "/db/b?open_revs=[]").status == 404)
        }
    }

    @Test("whatever follows a question mark in the destination of a copy is its revision")
    func copyDestination() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let tag = try #require(try await server.send("PUT", "/db/a", "{}").headers["etag"])
            let revision = tag.filter { $0 != "\"" }
            for (destination, status) in [
                ("b", 201), ("b", 409), ("b?rev=\(revision)", 201), ("c?foo=1", 400), ("c?rev", 400),
            ] {
                let copy = try await server.send("COPY", "/db/a", headers: [("Destination", destination)])
                #expect(copy.status == status, "\(destination)")
            }
        }
    }

    @Test("several revisions come as multipart to those who ask for it")
    func multipartRevisions() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let body = #"{"new_edits":false,"docs":[{"_id":"a","_rev":"1-x"},{"_id":"a","_rev":"1-y"}]}"#
            _ = try await server.send("POST", "/db/_bulk_docs", body)
            let response = try await server.send(
                "GET",
                "/db/a?open_revs=[\"1-y\",\"1-z\",\"1-x\"]",
                headers: [("Accept", "multipart/mixed")]
            )
            let type = try #require(response.headers["content-type"])
            let boundary = try #require(type.split(separator: "\"").last)
            #expect(type.hasPrefix("multipart/mixed; boundary="))
            #expect(
                response.body
                    == """
                    --\(boundary)\r\nContent-Type: application/json\r\n\r\n{"_id":"a","_rev":"1-x"}\r
                    --\(boundary)\r\nContent-Type: application/json\r\n\r\n{"_id":"a","_rev":"1-y"}\r
                    --\(boundary)\r\nContent-Type: application/json; error="true"\r\n\r\n{"missing":"1-z"}\r
                    --\(boundary)--
                    """
            )
        }
    }

    @Test("settings outlive the server")
    func settings() async throws {
        let directory = TemporaryDirectory()
        for isFirst in [true, false] {
            try await TestServer.run {
                $0.folder = directory.path
            } _: { server in
                let target = "/_node/_local/_config/section/key"
                if isFirst {
                    let old = try await server.send("PUT", target, #""value""#)
                    #expect(old.body == "\"\"\n")
                } else {
                    #expect(try await server.send("GET", target).body == "\"value\"\n")
                    _ = try await server.send("DELETE", target)
                    #expect(try await server.send("GET", target).status == 404)
                }
            }
        }
    }
}
