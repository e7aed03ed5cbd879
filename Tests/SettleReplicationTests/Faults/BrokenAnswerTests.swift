import Settle
import SettleCore
import SettleTestSupport
import Synchronization
import Testing

@testable import SettleReplication

@Suite("A replication whose peer's answers are broken")
struct BrokenAnswerTests {
    @Test("reads a feed again that was cut, at whichever byte")
    func feedCut() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(3)
            let length =
                try await world.server.endpoint.send(HTTPRequest("GET", "/there/_changes")).body.count + 400
            for count in stride(from: 0, to: length, by: 37) {
                let target = try world.folder.create("copy\(count)")
                world.server.on("GET", "_changes", times: 2) { _ in .cut(count) }
                let result = try await Waits().run(
                    Replication(from: .url(world.url()), to: .database(target)) { $0.batchSize = 2 }
                )
                #expect(result.failures.isEmpty)
                #expect(try target.contents() == world.there.contents(), "cut after \(count) bytes")
            }
        }
    }

    @Test(
        "asks again when any answer is cut, and loses nothing",
        arguments: [
            "there", "_local", "_revs_diff", "_bulk_get", "_bulk_docs", "_ensure_full_commit", "picture",
        ]
    )
    func cut(part: String) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(4, prefix: "h")
            try await world.there.fill(4, prefix: "t")
            try await world.here.attach("picture", bytes: 300_000)
            for count in [0, 20, 150, 250] {
                world.server.on({ $0.parts.last == part }, times: 1) { _ in .cut(count) }
            }
            _ = try await world.push()
            for count in [0, 20, 150, 250, 100_000] {
                world.server.on({ $0.parts.last == part }, times: 1) { _ in .cut(count) }
            }
            #expect(try await world.pull().failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("asks again when an answer is longer or shorter than it says", arguments: ["9", "100000"])
    func length(said: String) async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(5)
            for part in ["_changes", "_bulk_get"] {
                world.server.on({ $0.parts.contains(part) }, times: 1) { _ in
                    .change { $0.headers.append(("X-Length", said)) }
                }
            }
            #expect(try await world.pull().statistics.documentsWritten == 5)
            #expect(try world.isEqual)
        }
    }

    @Test(
        "does not take something else for an answer: what it has not seen done is not done",
        arguments: ["{}", #"{"ok":true}"#, "[]", "null", "7", "nonsense", "", "<html></html>"]
    )
    func garbage(text: String) async throws {
        for part in ["_revs_diff", "_bulk_docs", "picture", "_local", "_bulk_get", "_changes"] {
            // `{}` says that nothing is missing, and `[]` that everything is written; those are answers.
            let isAnswer = part == "_revs_diff" && text == "{}" || part == "_bulk_docs" && text == "[]"
            let isWritten = part == "picture" && text == #"{"ok":true}"#
            let isEqual = try await isEqualAfter(text, for: part)
            #expect(isEqual || isAnswer || isWritten, "\(part): \(text)")
        }
    }

    /// Whether both sides are equal once the server behaves again, which has answered one request with a text.
    private func isEqualAfter(_ text: String, for part: String) async throws -> Bool {
        let isEqual = Mutex(false)
        try await withMisbehavingServer { world in
            try await world.here.fill(3)
            try await world.here.attach("picture", bytes: 300_000)
            try await world.there.put("other", [:])
            let isRead = part == "_changes"
            world.server.on({ $0.parts.contains(part) && ($0.method == "GET") == isRead }) { _ in
                .answer(200, text)
            }
            _ = try? await world.push()
            _ = try? await world.pull()
            world.server.behave()
            let push = try await world.push()
            let pull = try await world.pull()
            let outcome = try world.isEqual && push.failures.isEmpty && pull.failures.isEmpty
            isEqual.withLock { $0 = outcome }
        }
        return isEqual.withLock { $0 }
    }

    @Test("does not believe the page of a hotel's network, and goes on when it is gone")
    func portal() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5)
            try await world.there.fill(5, prefix: "t")
            try await world.there.attach("picture", bytes: 300_000)
            world.server.on({ $0.parts.count > 1 && !$0.parts.contains("_local") }, times: 4) { _ in
                .page(200)
            }
            #expect(try await world.push().failures.isEmpty)
            world.server.on({ $0.parts.count > 1 && !$0.parts.contains("_local") }, times: 4) { _ in
                .page(200)
            }
            #expect(try await world.pull().failures.isEmpty)
            #expect(try world.isEqual)
            world.server.on({ _ in true }) { _ in .page(200) }
            let error = try await #require(throws: SettleError.self) { try await world.pull() }
            #expect(error.reason.contains("web page"))
        }
    }

    @Test("shows what a proxy's error page means: the status")
    func errorPage() async throws {
        try await withMisbehavingServer { world in
            world.server.on("GET", "there") { _ in .page(502) }
            let error = try await #require(throws: SettleError.self) { try await world.pull() }
            #expect(error.reason.contains("answered with status 502"))
        }
    }

    @Test("goes back to single documents where `_bulk_get` is unknown", arguments: [400, 404, 405, 501])
    func noBulkGet(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            try await world.there.put("_design/x", [:])
            world.server.on("POST", "_bulk_get") { _ in .page(status) }
            let result = try await world.pull()
            #expect(result.statistics.documentsWritten == 11)
            #expect(result.failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("gives a target everything that can't tell what it lacks", arguments: [404, 405, 501])
    func noComparison(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(10)
            try await world.there.put("other", [:])
            world.server.on("POST", "_revs_diff") { _ in .answer(status) }
            let result = try await world.push { $0.batchSize = 3 }
            #expect(result.statistics.documentsWritten == 10)
            // It asks once and remembers.
            #expect(world.server.requests("_revs_diff").count <= 4)
        }
    }

    @Test("ends with `db_not_found` when the database goes away in the middle, and lists no document")
    func gone() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            let missing = #"{"error":"not_found","reason":"no such thing"}"#
            world.server.on("POST", "_bulk_get") { [server = world.server] _ in
                server.on({ _ in true }) { _ in .answer(404, missing) }
                return .answer(404, missing)
            }
            let error = try await #require(throws: SettleError.self) { try await world.pull() }
            #expect(error.kind == .databaseNotFound)
            world.server.behave()
            #expect(try await world.pull().failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("asks for fewer ancestors where a URL is too long")
    func longURL() async throws {
        try await withMisbehavingServer { world in
            let first = try await world.there.attach("picture", bytes: 300_000)
            _ = try await world.pull()
            _ = try await world.there.attachMore("picture", first)
            world.server.on({ $0.path.contains("atts_since") }) { _ in .page(414) }
            #expect(try await world.pull().failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("notes nothing while a checkpoint can't be written, and ends with the reason")
    func noCheckpoint() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5)
            world.server.on("PUT", "_local") { _ in
                .answer(403, #"{"error":"forbidden","reason":"read only"}"#)
            }
            let error = try await #require(throws: SettleError.self) { try await world.push() }
            #expect(error == SettleError(.forbidden, "read only"))
            world.server.behave()
            let result = try await world.push()
            #expect(result.answer["history"]?.array?.count == 1)
            #expect(try world.isEqual)
        }
    }

    @Test("takes a checkpoint for written whose answer got lost")
    func lostAnswer() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5)
            world.server.on("PUT", "_local", times: 1) { _ in .cut(0) }
            #expect(try await world.push().statistics.documentsWritten == 5)
            #expect(try await world.push().answer["no_changes"] == true)
        }
    }
}
