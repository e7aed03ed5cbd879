#if JavaScript
import SettleCore
import Testing

@Suite("Validators over HTTP")
struct ValidatorTests {
    @Test("An object that a validator throws is the reason, of a single write and of one in a batch")
    func thrownObject() async throws {
        try await TestServer.runWithFunctions { server in
            #expect(try await server.send("PUT", "/db").status == 201)
            let function =
                "function (doc) { if (doc.n > 1) throw({forbidden: {field: 'n', limits: [0, 1]}}) }"
            let design: JSONValue = ["validate_doc_update": .string(function)]
            #expect(try await server.send("PUT", "/db/_design/v", design.text).status == 201)
            let refused = try await server.send("PUT", "/db/a", #"{"n":2}"#)
            #expect(refused.status == 403)
            let error: JSONValue = ["error": "forbidden", "reason": ["field": "n", "limits": [0, 1]]]
            #expect(try refused.json == error)
            let batch = try await server.send("POST", "/db/_bulk_docs", #"{"docs":[{"_id":"b","n":3}]}"#)
            let row: JSONValue = [
                "id": "b", "error": "forbidden", "reason": ["field": "n", "limits": [0, 1]],
            ]
            #expect(try batch.json == [row])
        }
    }
}
#endif
