import SettleCore
import Testing

@Suite("Checking design documents")
struct DesignDocumentCheckTests {
    @Test(
        "The first member of the wrong type is named, in CouchDB's order",
        arguments: [
            (#"{"views":[]}"#, "`views` field must have object type"),
            (#"{"views":{"x":"function(d){}"}}"#, "`views.x` field must have object type"),
            (#"{"views":{"x":{"map":5}}}"#, "`views.x.map` field must have string type"),
            (#"{"views":{"x":{"map":"m","reduce":{}}}}"#, "`views.x.reduce` field must have string type"),
            (#"{"views":{"lib":"x"}}"#, "`views.lib` field must have object type"),
            (#"{"views":{"x":{}}}"#, "View `x` must contain map function"),
            (#"{"language":5}"#, "`language` field must have string type"),
            (#"{"language":null}"#, "`language` field must have string type"),
            (#"{"validate_doc_update":5}"#, "`validate_doc_update` field must have string type"),
            (#"{"filters":[]}"#, "`filters` field must have object type"),
            (#"{"filters":{"f":5}}"#, "`filters.f` field must have string or object type"),
            (
                #"{"shows":"x","lists":{},"rewrites":5}"#,
                "`rewrites` field must have array or string type"
            ),
            (#"{"shows":"x","updates":5}"#, "`shows` field must have object type"),
            (#"{"options":[]}"#, "`options` field must have object type"),
            (#"{"options":{"local_seq":1}}"#, "`options.local_seq` field must have boolean type"),
            (
                #"{"options":{"partitioned":true}}"#,
                "partitioned option cannot be true in a non-partitioned database."
            ),
            (#"{"language":"query","views":{"x":{"map":"m"}}}"#, "`views.x.map` field must have object type"),
            (
                #"{"views":{"x":{"map":"m","reduce":"_nope"}}}"#,
                "`_nope` is not a supported reduce function."
            ),
            (#"{"views":{"x":{"map":"m","reduce":"_top_101"}}}"#, "rank value must be between 1 and 100"),
        ]
    )
    func wrongMembers(text: String, reason: String) {
        #expect(throws: SettleError(.invalidDesignDocument, reason)) {
            try DesignDocumentCheck(Array(text.utf8))
        }
    }

    @Test(
        "Members that CouchDB doesn't look into may be anything",
        arguments: [
            #"{}"#, #"{"anything":{"else":[1]}}"#, #"{"updates":{"u":{}}}"#, #"{"autoupdate":"x"}"#,
            #"{"rewrites":"function(){}"}"#, #"{"rewrites":[]}"#, #"{"options":{"mine":1}}"#,
            #"{"views":{"lib":{"a":"exports.a=1"},"x":{"map":"m","reduce":"_stats_of_mine"}}}"#,
            #"{"language":"query","views":{"x":{"map":{"fields":{}}}}}"#,
        ]
    )
    func otherMembers(text: String) throws {
        _ = try DesignDocumentCheck(Array(text.utf8))
    }

    @Test("Maps and own reductions are to be compiled, in the order of the maps' sources")
    func functions() throws {
        let text =
            #"{"views":{"a":{"map":"n","reduce":"r"},"b":{"map":"m","reduce":"_sum"},"lib":{"m":"x"}}}"#
        let check = try DesignDocumentCheck(Array(text.utf8))
        #expect(check.functions.map { "\($0.kind) \($0.view)" } == ["map b", "map a", "reduce a"])
        let error = check.functions[0].failure(
            SettleError(function: "compilation_error", reason: "it is no function")
        )
        let reason = "Compilation of the map function in the 'b' view failed: it is no function"
        #expect(error == SettleError(.compilationError, reason))
        #expect(error.status == 400)
    }

    @Test("Server administrators, and those of the database, may write design documents")
    func administrators() throws {
        let security = try JSONValue(
            parsing: Array(
                #"{"admins":{"names":["ann"],"roles":["chief"]},"members":{"names":["bob"]}}"#.utf8
            )
        )
        #expect(WriteContext.administrator.mayWriteDesignDocuments(security: security))
        #expect(WriteContext(name: "ann", roles: []).mayWriteDesignDocuments(security: security))
        #expect(WriteContext(name: "cid", roles: ["chief"]).mayWriteDesignDocuments(security: security))
        #expect(!WriteContext(name: "bob", roles: ["staff"]).mayWriteDesignDocuments(security: security))
        #expect(!WriteContext(name: nil, roles: []).mayWriteDesignDocuments(security: nil))
    }
}
