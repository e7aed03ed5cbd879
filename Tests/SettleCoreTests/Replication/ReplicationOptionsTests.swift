import Testing

@testable import SettleCore

@Suite("The body of `_replicate`")
struct ReplicationOptionsTests {
    private func request(_ text: String) throws(SettleError) -> ReplicationRequest {
        guard let body = try? JSONValue(parsing: Array(text.utf8)) else {
            throw SettleError(.badRequest, text)
        }
        return try ReplicationRequest(body)
    }

    @Test("names both ends as names, URLs or objects")
    func ends() throws {
        let text = """
            {"source":"notes","target":{"url":"http://h:1/x","headers":{"X-B":"2","Authorization":"Basic Ym9iOnNl","X-A":"1"}},
             "create_target":true,"create_target_params":{"q":2},"continuous":true,"worker_batch_size":"7","unknown":1}
            """
        guard case .start(let options) = try request(text), case .remote(let target) = options.target else {
            Issue.record("not a start of a replication to a URL")
            return
        }
        #expect(options.source == .local(name: "notes"))
        #expect(target.url == "http://h:1/x/")
        #expect(target.user == "bob")
        #expect(target.password == "se")
        #expect(target.headers.map(\.name) == ["X-A", "X-B"])
        #expect(options.nameSuffix == "+continuous+create_target")
        #expect(options.creationParameters == [.init(name: "q", value: "2")])
        #expect(options.batchSize == 7)
    }

    @Test("narrows the copy by ids, a filter or a selector")
    func selections() throws {
        func selection(_ more: String) throws -> ReplicationOptions.Selection? {
            guard case .start(let options) = try request(#"{"source":"a","target":"b",\#(more)}"#) else {
                return nil
            }
            return options.selection
        }
        #expect(try selection(#""doc_ids":["b","a%2Fc","b"]"#) == .documents(["a/c", "b"]))
        #expect(try selection(#""doc_ids":null"#) == .everything)
        let filter = try selection(#""filter":"d/f","query_params":{"t":"y"}"#)
        #expect(filter == .filter(name: "d/f", parameters: ["t": "y"]))
        #expect(try selection(#""selector":{"n":1}"#) == .selector(["n": 1]))
    }

    @Test("cancels by name, or by saying the same again")
    func cancelling() throws {
        #expect(
            try request(#"{"cancel":true,"_local_id":"abc continuous"}"#) == .cancel(name: "abc+continuous")
        )
        #expect(try request(#"{"replication_id":"x","cancel":true}"#) == .cancel(name: "x"))
        guard case .cancelSame = try request(#"{"source":"a","target":"b","cancel":true}"#) else {
            Issue.record("not a cancellation")
            return
        }
    }

    @Test(
        "is refused with CouchDB's words",
        arguments: [
            ("[]", "Request body must be a JSON object"),
            (
                #"{"source":"a","target":"b","filter":"_view","query_params":{"view":"x"}}"#,
                "Invalid `view` parameter."
            ),
            (#"{"source":"a","target":"b","continuous":1}"#, "parameter `continuous` must be a boolean"),
            (#"{"source":"a","target":"b","doc_ids":5}"#, "parameter `doc_ids` must be an array"),
            (#"{"source":"a","target":"b","selector":5}"#, "parameter `selector` must be a JSON object"),
            (
                #"{"source":"a","target":"b","doc_ids":["a"],"selector":{"a":1}}"#,
                "`doc_ids`,`filter`,`selector` are mutually exclusive"
            ),
            (
                #"{"source":{"url":"http://h/x","headers":{"A":"b\r\nC: d"}},"target":"b"}"#,
                "the header `A` has characters that headers can't have"
            ),
        ]
    )
    func refused(body: String, reason: String) {
        #expect(throws: SettleError(.badRequest, reason)) { try request(body) }
    }

    @Test("takes whatever is no URL for the name of a database, and needs a URL in an object")
    func names() throws {
        let names = [
            (#""ftp://x/y""#, "ftp://x/y"), (#"{"url":"a"}"#, "a"), ("5", "5"), ("null", "null"),
            (#""""#, ""),
        ]
        for (json, name) in names {
            guard case .start(let options) = try request(#"{"source":\#(json),"target":"b"}"#) else {
                Issue.record("\(json) starts nothing")
                continue
            }
            #expect(options.source == .local(name: name))
        }
        for json in [#"{}"#, #"{"url":"http://"}"#] {
            #expect(throws: SettleError(.invalidReplication, "endpoint has an invalid url")) {
                try request(#"{"source":\#(json),"target":"b"}"#)
            }
        }
        #expect(throws: SettleError(.replicationFailed, "Missing replicator database")) {
            try request(#"{"target":"b"}"#)
        }
        #expect(throws: SettleError(.replicationFailed, "Invalid filter. Must match `ddocname/filtername`."))
        {
            try request(#"{"source":"a","target":"b","filter":"x"}"#)
        }
    }

    @Test("gives the terms that narrow the name")
    func narrowing() throws {
        var options = ReplicationOptions(source: .local(name: "a"), target: .local(name: "b"))
        #expect(options.narrowing(filterCode: nil) == [])
        options.selection = .filter(name: "d/f", parameters: ["b": 1, "a": "x"])
        let parameters = ErlangValue.tuple([
            .list([.tuple([.binary("a"), .binary("x")]), .tuple([.binary("b"), .integer(1)])])
        ])
        #expect(options.narrowing(filterCode: "code") == [.binary("code"), parameters])
        #expect(options.filterFunction?.design == "_design/d")
        #expect(options.filterFunction?.name == "f")
        options.selection = .filter(name: "_view", parameters: [:])
        options.winningRevisionsOnly = true
        #expect(options.filterFunction == nil)
        #expect(
            options.narrowing(filterCode: nil) == [
                .binary("_view"), .tuple([.list([])]), .binary("winning_revs_only"),
            ]
        )
    }

    @Test("Base64 is read and written")
    func base64() {
        for text in ["", "f", "fo", "foo", "foob", "bob:sécret"] {
            #expect(Base64.decode(Base64.encoded(Array(text.utf8)).utf8) == Array(text.utf8))
        }
        #expect(Base64.encoded(Array("foob".utf8)) == "Zm9vYg==")
        #expect(Base64.decode("Zm9v!".utf8) == nil)
    }
}
