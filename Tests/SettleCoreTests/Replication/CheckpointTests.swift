import Testing

@testable import SettleCore

@Suite("A checkpoint")
struct CheckpointTests {
    private func checkpoint(earlier: [JSONValue] = [], repeatsCounts: Bool = false) -> Checkpoint {
        Checkpoint(
            sessionID: "s",
            startTime: 784_111_777,
            startSequence: .zero,
            earlier: earlier,
            repeatsCounts: repeatsCounts
        )
    }

    @Test("is written as CouchDB writes it")
    func document() {
        var statistics = ReplicationStatistics()
        (statistics.missingChecked, statistics.documentsWritten) = (6, 5)
        let end = SourceSequence(json: Array(#""5-x""#.utf8))
        let document = checkpoint().document(recorded: end, at: 784_111_778, statistics)
        let text = JSONValue.object(document).text
        #expect(
            text == """
                {"session_id":"s","source_last_seq":"5-x","replication_id_version":4,"history":[{"session_id":"s",\
                "start_time":"Sun, 06 Nov 1994 08:49:37 GMT","end_time":"Sun, 06 Nov 1994 08:49:38 GMT",\
                "start_last_seq":0,"end_last_seq":"5-x","recorded_seq":"5-x","missing_checked":6,"missing_found":0,\
                "docs_read":0,"docs_written":5,"doc_write_failures":0,"bulk_get_docs":0,"bulk_get_attempts":0}]}
                """
        )
        #expect(ReplicationStatistics(document["history"]?[0] ?? .null) == statistics)
    }

    @Test("repeats times and counts for a copy of listed documents")
    func repeated() {
        let document = checkpoint(repeatsCounts: true).document(recorded: .zero, at: 0, .init())
        #expect(
            document.names == [
                "session_id", "source_last_seq", "replication_id_version", "start_time", "end_time",
                "docs_read",
                "docs_written", "doc_write_failures", "history",
            ]
        )
    }

    @Test("keeps fifty sessions")
    func fifty() {
        let earlier = (0..<60).map { JSONValue.object(["session_id": .string("\($0)")]) }
        let history = checkpoint(earlier: earlier).document(recorded: .zero, at: 0, .init())["history"]
        #expect(history?.array?.count == 50)
        #expect(history?[1]?["session_id"] == "0")
    }
}

@Suite("A comparison of checkpoints")
struct CheckpointComparisonTests {
    /// Notes with these sessions, the newest first; session `a3` recorded sequence 3.
    private func notes(_ sessions: String...) -> JSONValue {
        let history = sessions.map { name -> JSONValue in
            ["session_id": .string(name), "recorded_seq": .number(JSONNumber(Int(name.dropFirst()) ?? 0))]
        }
        return [
            "session_id": history.first?["session_id"] ?? .null,
            "source_last_seq": history.first?["recorded_seq"] ?? 0, "history": .array(history),
        ]
    }

    private func sequence(_ source: JSONValue?, _ target: JSONValue?) -> String {
        CheckpointComparison(source: source, target: target).sequence.description
    }

    @Test("takes the sequence of a session that both end with")
    func same() {
        #expect(sequence(notes("a9", "a3"), notes("a9", "a3")) == "9")
        #expect(CheckpointComparison(source: notes("a9", "a3"), target: notes("a9")).history.count == 2)
    }

    @Test("takes the earlier sequence where one side missed a session's last notes, or lost them")
    func halfNoted() {
        let (early, late) = (notes("a3"), notes("a9"))
        func sameSession(_ notes: JSONValue) -> JSONValue {
            var notes = notes.object ?? JSONObject()
            notes["session_id"] = "one"
            return .object(notes)
        }
        #expect(sequence(sameSession(late), sameSession(early)) == "3")
        #expect(sequence(sameSession(early), sameSession(late)) == "3")
    }

    @Test("goes back to the newest session that both know")
    func older() {
        #expect(sequence(notes("a9", "a3"), notes("a3")) == "3")
        #expect(sequence(notes("a3"), notes("a9", "a3")) == "3")
        #expect(sequence(notes("a9", "a3"), notes("b9", "a3")) == "3")
        #expect(sequence(notes("b9", "a3"), notes("b8", "b7", "a3")) == "3")
    }

    @Test("starts over where nothing is common, or one side has nothing")
    func none() {
        #expect(sequence(notes("a9"), notes("b9")) == "0")
        #expect(sequence(nil, notes("a9")) == "0")
        #expect(sequence(nil, nil) == "0")
        #expect(sequence(["session_id": .null], ["session_id": .null]) == "0")
        #expect(CheckpointComparison(source: notes("a9"), target: nil).history.isEmpty)
    }

    @Test("understands what PouchDB notes")
    func pouchDB() {
        let notes: JSONValue = [
            "session_id": "p", "last_seq": 12, "version": 1, "replicator": "pouchdb",
            "history": [["session_id": "p", "last_seq": 12]],
        ]
        #expect(sequence(notes, notes) == "12")
    }
}
