import SettleCore
import Testing

@Suite("Queries over all documents")
struct AllDocumentsQueryTests {
    private func query(
        _ text: String,
        _ namespace: AllDocumentsQuery.Namespace = .all
    ) throws -> AllDocumentsQuery {
        var query = AllDocumentsQuery(namespace)
        try query.set(RequestTarget("/?\(text)").query)
        return query
    }

    private func range(_ lower: String, _ upper: String?) -> DocumentRange {
        DocumentRange(lower: Array(lower.utf8), upper: upper.map { Array($0.utf8) })
    }

    @Test(
        "keys become a range of ids, whichever way the walk goes",
        arguments: [
            ("", "", nil),
            ("startkey=\"b\"", "b", nil),
            ("endkey=\"d\"", "", "d\0"),
            ("endkey=\"d\"&inclusive_end=false", "", "d"),
            ("key=\"k\"", "k", "k\0"),
            ("start_key=\"b\"&end_key=\"d\"", "b", "d\0"),
            ("startkey=\"d\"&endkey=\"b\"&descending=true", "b", "d\0"),
            ("startkey=\"d\"&endkey=\"b\"&descending=true&inclusive_end=false", "b\0", "d\0"),
            ("startkey_docid=c", "c", nil),
            ("startkey=5", "", nil),
            ("endkey={}", "", ""),
            ("startkey=null&descending=true", "", ""),
        ] as [(String, String, String?)]
    )
    func ranges(text: String, lower: String, upper: String?) throws {
        #expect(try query(text).range == range(lower, upper))
    }

    @Test("design and local documents are ranges of their own")
    func namespaces() throws {
        #expect(try query("", .design).range == range("_design/", "_design0"))
        #expect(try query("startkey=\"_design/p\"", .design).range == range("_design/p", "_design0"))
        #expect(try query("endkey=\"a\"", .design).range == range("_design/", "_design0"))
        #expect(try query("key=\"a\"", .local).range.isEmpty)
    }

    @Test(
        "values that make no sense are refused in CouchDB's words",
        arguments: [
            ("limit=ten", "query_parse_error", "Invalid value for integer: \"ten\""),
            ("skip=-1", "query_parse_error", "Invalid value for positive integer: \"-1\""),
            ("descending=2", "query_parse_error", "Invalid boolean parameter: \"2\""),
            ("group=true", "query_parse_error", "Invalid use of grouping on a map view."),
            ("group_level=1", "query_parse_error", "Invalid use of grouping on a map view."),
            ("reduce=true", "query_parse_error", "Reduce is invalid for map-only views."),
            ("reduce=maybe", "query_parse_error", "Invalid boolean parameter: \"maybe\""),
            ("startkey=abc", "bad_request", "invalid UTF-8 JSON"),
            ("keys=[", "bad_request", "invalid UTF-8 JSON"),
            ("keys=5", "bad_request", "`keys` parameter must be an array."),
        ]
    )
    func refusals(text: String, name: String, reason: String) throws {
        let error = #expect(throws: SettleError.self) { try query(text) }
        #expect(error?.name == name)
        #expect(error?.reason == reason)
    }

    @Test("keys and a range exclude each other")
    func contradiction() throws {
        let error = #expect(throws: SettleError.self) {
            try query("keys=[\"a\"]&startkey=\"a\"").validate()
        }
        #expect(error?.reason == "`keys` is incompatible with `key`, `start_key` and `end_key`")
        try query("keys=[]&startkey=\"a\"").validate()
    }

    @Test("parameters that mean nothing here are taken")
    func ignored() throws {
        let query = try query("include_docs=TRUE&reduce=false&group=false&group_level=0&stale=ok&custom=x")
        #expect(query.includesDocuments)
    }

    @Test("a body says the same as a query string, and one key in a list of queries is a range")
    func bodies() throws {
        var single = AllDocumentsQuery()
        try single.set(["keys": ["a"], "limit": 3, "descending": true])
        #expect(single.keys == ["a"])
        #expect(single.limit == 3)
        #expect(single.isDescending)
        var listed = AllDocumentsQuery()
        try listed.set(["keys": ["a"]], isOneOfMany: true)
        #expect(listed.keys == nil)
        #expect(listed.range == range("a", "a\0"))
        let error = #expect(throws: SettleError.self) { try single.set(["keys": "a"]) }
        #expect(error?.reason == "`keys` body member must be an array.")
    }
}
