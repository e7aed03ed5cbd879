import SettleCore
import Testing

@Suite("Queries of views")
struct ViewQueryTests {
    private func query(_ text: String) throws(SettleError) -> ViewQuery {
        var query = ViewQuery()
        try query.set(RequestTarget("/?\(text)").query)
        return query
    }

    private func query(body: String) throws -> ViewQuery {
        var query = ViewQuery()
        let members = try #require(try JSONValue(parsing: Array(body.utf8)).object)
        try query.set(members)
        return query
    }

    /// Single-letter strings collate as their letter.
    private func ranges(_ query: ViewQuery) throws(SettleError) -> [IndexRange] {
        try query.ranges { value throws(SettleError) in Array((value.string ?? value.text).utf8) }
    }

    private func bytes(_ text: String, _ end: [UInt8] = []) -> [UInt8] { Array(text.utf8) + end }

    @Test("without bounds every row is read")
    func everything() throws {
        #expect(try ranges(query("")) == [IndexRange()])
        #expect(try query("").shape(hasReduce: false) == .rows)
        #expect(try query("").shape(hasReduce: true) == .whole)
    }

    @Test("bounds are those of keys, and of documents together with their keys")
    func bounds() throws {
        let inside = try ranges(query("startkey=\"b\"&endkey=\"d\""))
        #expect(inside == [IndexRange(lower: bytes("b"), upper: bytes("d", [0xFF]))])
        let without = try ranges(query("startkey=\"b\"&endkey=\"d\"&inclusive_end=false"))
        #expect(without == [IndexRange(lower: bytes("b"), upper: bytes("d"))])
        let documents = try ranges(query("key=\"k\"&startkey_docid=m&end_key_doc_id=n"))
        #expect(documents[0].lower == ViewRowKey.start(bytes("k"), "m"))
        #expect(documents[0].upper == ViewRowKey.end(bytes("k"), "n"))
        let alone = try ranges(query("startkey_docid=m"))
        #expect(alone == [IndexRange()])
    }

    @Test("descending queries begin at the greater end")
    func descending() throws {
        let inside = try ranges(query("descending=true&startkey=\"d\"&endkey=\"b\""))
        #expect(inside == [IndexRange(lower: bytes("b"), upper: bytes("d", [0xFF]))])
        let without = try ranges(query("descending=true&startkey=\"d\"&endkey=\"b\"&inclusive_end=false"))
        #expect(without == [IndexRange(lower: bytes("b", [0xFF]), upper: bytes("d", [0xFF]))])
    }

    @Test("a range the wrong way round is refused, two spellings of one key are not")
    func wrongWayRound() throws {
        let error = try #require(throws: SettleError.self) {
            try ranges(query("startkey=\"d\"&endkey=\"b\""))
        }
        #expect(error.name == "query_parse_error")
        #expect(error.reason.hasSuffix("set descending=true"))
        #expect(throws: SettleError.self) {
            try ranges(query("startkey=\"b\"&endkey=\"d\"&descending=true"))
        }
        #expect(try ranges(query("startkey=1&endkey=1&descending=true")).count == 1)
        // Different texts that collate equal: the documents' ids decide.
        let same = try query("startkey=1&endkey=1.0")
        _ = try same.ranges { _ throws(SettleError) in [1] }
        let crossed = try query("startkey=1&startkey_docid=b&endkey=1.0&endkey_docid=a")
        #expect(throws: SettleError.self) { _ = try crossed.ranges { _ throws(SettleError) in [1] } }
    }

    @Test("keys are read in their order, one key in a list is a key")
    func keys() throws {
        #expect(
            try ranges(query("keys=[\"c\",\"a\",\"c\"]")).map(\.lower) == [
                bytes("c"), bytes("a"), bytes("c"),
            ]
        )
        #expect(try query("keys=[\"c\"]").startKey?.string == "c")
        #expect(try ranges(query("keys=[]")).isEmpty)
    }

    @Test(
        "grouping is by level or by the whole key",
        arguments: [
            ("group=true", .exact), ("group_level=2", .level(2)), ("group=true&group_level=1", .level(1)),
            ("group=false", .whole), ("group_level=0", .whole), ("group=false&group_level=0", .whole),
            ("reduce=true", .whole), ("reduce=false", .rows), ("group=false&reduce=false", .rows),
            ("keys=[1,2]&group=true", .exact),
        ] as [(String, ViewQuery.Shape)]
    )
    func grouping(text: String, shape: ViewQuery.Shape) throws {
        #expect(try query(text).shape(hasReduce: true) == shape)
    }

    @Test(
        "what contradicts itself or the view is refused in CouchDB's words",
        arguments: [
            ("group=true", false, "Invalid use of grouping on a map view."),
            ("group=true&reduce=false", true, "Invalid use of grouping on a map view."),
            ("reduce=true", false, "Reduce is invalid for map-only views."),
            ("include_docs=true&group=true", true, "`include_docs` is invalid for reduce"),
            ("conflicts=true", true, "`conflicts` is invalid for reduce views."),
            ("keys=[1,2]", true, "Multi-key fetches for reduce views must use `group=true`"),
            ("keys=[1,2]&key=1", false, "`keys` is incompatible with `key`, `start_key` and `end_key`"),
            (
                "group=false&group_level=1", true,
                "Can't specify group=false and group_level>0 at the same time"
            ),
        ]
    )
    func contradictions(text: String, hasReduce: Bool, reason: String) throws {
        #expect(throws: SettleError(.queryParseError, reason)) { try query(text).shape(hasReduce: hasReduce) }
    }

    @Test(
        "values that make no sense are refused in CouchDB's words",
        arguments: [
            ("limit=x", "Invalid value for integer: \"x\""),
            ("limit=-2", "Invalid value for positive integer: \"-2\""),
            ("group=maybe", "Invalid boolean parameter: \"maybe\""),
            ("group_level=abc", "Invalid value for integer: \"abc\""),
            ("update=nonsense", "Invalid value for `update`."),
            ("stale=no", "Invalid value for `stale`."),
            ("stable=perhaps", "Invalid value for `stable`."),
        ]
    )
    func nonsense(text: String, reason: String) throws {
        #expect(throws: SettleError(.queryParseError, reason)) { try query(text) }
    }

    @Test("a body says the same, and its numbers are shown as numbers")
    func bodies() throws {
        let query = try query(
            body: #"{"startkey":"b","limit":3,"descending":true,"update":"lazy","group":true}"#
        )
        #expect(query.startKey?.string == "b")
        #expect(query.limit == 3)
        #expect(query.isDescending)
        #expect(query.update == .after)
        #expect(query.groups == true)
        #expect(throws: SettleError(.queryParseError, #"Invalid value for integer: <<"x">>"#)) {
            try self.query(body: #"{"limit":"x"}"#)
        }
        #expect(throws: SettleError(.queryParseError, "Invalid value for positive integer: -2")) {
            try self.query(body: #"{"skip":-2}"#)
        }
        #expect(throws: SettleError(.badRequest, "`keys` member must be an array.")) {
            try self.query(body: #"{"keys":"x"}"#)
        }
    }
}
