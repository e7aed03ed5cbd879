import SettleCore
import Testing

@Suite("Parameters of changes feeds")
struct ChangesQueryTests {
    private func query(
        _ text: String,
        body: JSONObject? = nil,
        lastEventID: String? = nil
    ) throws -> ChangesQuery {
        try ChangesQuery(parameters: RequestTarget("/?\(text)").query, body: body, lastEventID: lastEventID)
    }

    @Test(
        "where a feed begins",
        arguments: [
            ("", ChangesQuery.Start.beginning), ("since=0", .beginning), ("since=now", .now),
            ("since=5-ab", .token("5-ab")), ("since=%225-ab%22", .token("5-ab")), ("since=", .token("")),
            ("last-event-id=7", .token("7")),
        ]
    )
    func start(text: String, expected: ChangesQuery.Start) throws {
        #expect(try query(text).since == expected)
    }

    @Test("Last-Event-ID counts for event sources only")
    func lastEventID() throws {
        #expect(try query("since=1", lastEventID: "9").since == .token("1"))
        #expect(try query("since=1&feed=eventsource", lastEventID: "9").since == .token("9"))
    }

    @Test("what isn't `true` is false, and unknown parameters belong to filter functions")
    func leniency() throws {
        let query = try query("descending=2&include_docs=yes&foo=bar&filter=")
        #expect(!query.isDescending && !query.includesDocuments)
        guard case .none = query.filter else {
            Issue.record("an empty name is no filter")
            return
        }
    }

    @Test("names count in any case, and a filter's parts may be encoded once more")
    func names() throws {
        let query = try query("Limit=3&SINCE=now&Seq_Interval=2&filter=f//a%252Fb")
        #expect(query.limit == 3 && query.since == .now && query.sequenceInterval == 2)
        guard case .function("f", "a/b") = query.filter else {
            Issue.record("the filter is \(query.filter)")
            return
        }
    }

    @Test(
        "nonsense about time and place is refused in CouchDB's words",
        arguments: [
            ("feed=x", "Supported `feed` types: normal, continuous, live, longpoll, eventsource"),
            (
                "heartbeat=abc",
                "Invalid heartbeat value. Expecting a positive integer value (in milliseconds)."
            ),
            ("heartbeat=0", "The heartbeat value should be a positive integer (in milliseconds)."),
            ("seq_interval=0", "invalid_seq_interval"),
            ("seq_interval=x", "invalid_seq_interval"),
            ("filter=a/b/c", "`filter` must be of the form `designname/filtername`"),
            ("filter=bad", "`filter` must be of the form `designname/filtername`"),
            ("filter=f/", "`filter` must be of the form `designname/filtername`"),
            ("filter=_view", "`view` filter parameter is not provided."),
            ("filter=_nosuch", "unknown builtin filter name"),
            ("filter=_selector", "Selector must be specified in POST payload"),
            ("filter=_doc_ids", "`doc_ids` filter parameter is not a list of doc ids."),
            ("filter=_doc_ids&doc_ids=[1]", "`doc_ids` filter parameter is not a list of doc ids."),
        ]
    )
    func refusals(text: String, reason: String) {
        let error = #expect(throws: SettleError.self) { try query(text) }
        #expect(error?.kind == .badRequest)
        #expect(error?.reason == reason)
    }

    @Test("ids to filter by come from the query or the body")
    func documentIDs() throws {
        for query in [
            try query("filter=_doc_ids&doc_ids=%5B%22a%22,%22b%22%5D"),
            try query("filter=_doc_ids", body: ["doc_ids": ["a", "b"]]),
        ] {
            guard case .documents(let ids) = query.filter else {
                Issue.record("the filter is \(query.filter)")
                continue
            }
            #expect(ids == ["a", "b"])
        }
    }
}
