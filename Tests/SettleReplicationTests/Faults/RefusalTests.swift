import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication whose target refuses documents")
struct RefusalTests {
    @Test("halves batches that are too large until they fit", arguments: [true, false])
    func split(explained: Bool) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(100)
            world.server.on({ $0.parts.contains("_bulk_docs") && ($0.body?.count ?? 0) > 1_500 }) { _ in
                explained ? .answer(413) : .page(413)
            }
            let result = try await world.push { $0.workers = 2 }
            #expect(result.statistics.documentsWritten == 100)
            #expect(result.failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test(
        "lists a document that is too large by itself, with its revision and the reason, and copies the others"
    )
    func tooLarge() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(20)
            let revision = try await world.here.put(
                "fat",
                ["text": .string(String(repeating: "x", count: 5_000))]
            )
            world.server.on({ $0.parts.contains("_bulk_docs") && ($0.body?.count ?? 0) > 4_000 }) { _ in
                .answer(413, #"{"error":"document_too_large","reason":"fat"}"#)
            }
            let result = try await world.push()
            #expect(
                result.failures == [
                    DocumentFailure(id: "fat", revision: revision, name: "document_too_large", reason: "fat")
                ]
            )
            #expect(result.statistics.documentWriteFailures == 1)
            #expect(result.statistics.documentsWritten == 20)
            #expect(result.answer["history"]?[0]?["doc_write_failures"] == 1)
            // It is done with: the next run has nothing to do.
            #expect(try await world.push().answer["no_changes"] == true)
        }
    }

    @Test("halves a comparison that is too large")
    func comparison() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(100)
            try await world.there.fill(1, prefix: "t")
            world.server.on({ $0.parts.contains("_revs_diff") && ($0.body?.count ?? 0) > 1_000 }) { _ in
                .page(413)
            }
            #expect(try await world.push().statistics.documentsWritten == 100)
        }
    }

    @Test("finds the one document for which a target refuses a whole batch with 400")
    func badRequest() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(30)
            world.server.on({ $0.body?.contains(subsequence: #""_id":"d17""#) == true }) { _ in
                .answer(400, #"{"error":"bad_request","reason":"I don't like 17."}"#)
            }
            let result = try await world.push()
            #expect(result.failures.map(\.id) == ["d17"])
            #expect(result.failures.map(\.reason) == ["I don't like 17."])
            #expect(result.statistics.documentsWritten == 29)
        }
    }

    @Test(
        "ends, and leaves the checkpoint alone, when a batch is refused for a reason that is about no document",
        arguments: [400, 405, 406, 407, 409, 415, 418, 451, 501]
    )
    func otherCodes(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(30)
            world.server.on("POST", "_bulk_docs") { _ in .page(status) }
            await #expect(throws: SettleError.self) { try await world.push() }
            #expect(world.server.requests("_bulk_docs").count <= 4)
            #expect(!world.server.requests.contains { $0.method == "PUT" && $0.parts.contains("_local") })
            world.server.behave()
            #expect(try await world.push().failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test(
        "counts and lists what `_bulk_docs` refuses document by document",
        arguments: [("forbidden", "no"), ("unauthorized", "not you"), ("conflict", "?")]
    )
    func perDocument(name: String, reason: String) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(10)
            let revision = try await world.here.put("bad", [:])
            world.server.on("POST", "_bulk_docs") { _ in
                .answer(201, #"[{"id":"bad","rev":"\#(revision)","error":"\#(name)","reason":"\#(reason)"}]"#)
            }
            let result = try await world.push()
            #expect(
                result.failures == [
                    DocumentFailure(id: "bad", revision: revision, name: name, reason: reason)
                ]
            )
            #expect(result.statistics.documentsWritten == 10)
        }
    }

    @Test(
        "counts and lists a document with attachments that is refused by itself",
        arguments: [
            (401, "unauthorized", "You are not a member."), (403, "forbidden", "Read only."),
            (413, "attachment_too_large", "picture"), (415, "bad_content_type", "gzip only"),
            (400, "bad_request", "Attachment name '_x' starts with prohibited character '_'"),
            (414, "uri_too_long", "x"),
        ]
    )
    func withAttachments(status: Int, name: String, reason: String) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5)
            try await world.here.attach("picture", bytes: 300_000)
            try await world.here.attach("good", bytes: 300_000)
            world.server.on({ $0.method == "PUT" && $0.parts.contains("picture") }) { _ in
                .answer(status, #"{"error":"\#(name)","reason":"\#(reason)"}"#)
            }
            world.server.on({
                $0.parts.contains("_bulk_docs") && $0.body?.contains(subsequence: "picture") == true
            }) {
                _ in .answer(413)
            }
            let result = try await world.push()
            #expect(result.failures.map(\.id) == ["picture"])
            #expect(result.statistics.documentsWritten == 6)
            #expect(try world.there.contents().keys.contains("good"))
        }
    }

    @Test(
        "does not list documents one after the other when the database has been closed to it",
        arguments: [401, 403]
    )
    func closed(status: Int) async throws {
        try await withMisbehavingServer { world in
            for number in 0..<5 { try await world.here.attach("p\(number)", bytes: 300_000) }
            // From the first write on, whatever is asked.
            world.server.on({
                $0.method == "PUT" && !$0.parts.contains("_local") || $0.parts.contains("_bulk_docs")
            }) {
                [server = world.server] _ in
                server.on({ _ in true }) { _ in .answer(status, #"{"error":"forbidden","reason":"closed"}"#) }
                return .answer(status, #"{"error":"forbidden","reason":"closed"}"#)
            }
            let error = try await #require(throws: SettleError.self) { try await world.push() }
            #expect(error.status == status)
            world.server.behave()
            #expect(try await world.push().failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("ends with the conflict that a PUT without new edits cannot have")
    func conflict() async throws {
        try await withMisbehavingServer { world in
            try await world.here.attach("picture", bytes: 300_000)
            world.server.on({ $0.method == "PUT" && $0.parts.contains("picture") }) { _ in
                .answer(409, #"{"error":"conflict","reason":"Document update conflict."}"#)
            }
            let error = try await #require(throws: SettleError.self) { try await world.push() }
            #expect(error.reason.contains("Document update conflict."))
            world.server.behave()
            #expect(try await world.push().failures.isEmpty)
        }
    }

    @Test("sends a document in full, two seconds later, when the target misses what it should have")
    func missingStub() async throws {
        try await withMisbehavingServer { world in
            let first = try await world.here.attach("picture", bytes: 300_000)
            _ = try await world.push()
            let second = try await world.here.attachMore("picture", first)
            world.server.on({ $0.method == "PUT" && $0.parts.contains("picture") }, times: 1) { _ in
                .answer(
                    412,
                    #"{"error":"missing_stub","reason":"Invalid attachment stub in picture for picture.bin"}"#
                )
            }
            let waits = Waits()
            let result = try await world.push(waits: waits)
            #expect(result.failures.isEmpty)
            #expect(waits.all.contains(.seconds(2)))
            #expect(try world.isEqual)
            #expect(try world.there.contents()["picture"]?.first?.contains("\(second)") == true)
            let puts = world.server.requests("picture").filter { $0.method == "PUT" }
            #expect((puts.last?.body?.count ?? 0) > 100_000)
        }
    }

    @Test("looks for a missing revision once more after two seconds, then lists it")
    func missingRevision() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(5)
            world.server.on("POST", "_bulk_get") { _ in
                .change { answer in
                    let text = answer.text.replacing(#/\{"ok":\{"_id":"d3".*?\}\}\]/#) { _ in
                        #"{"error":{"id":"d3","rev":"1-x","error":"not_found","reason":"missing"}}]"#
                    }
                    answer.body = Array(text.utf8)
                }
            }
            let waits = Waits()
            let result = try await world.pull(waits: waits)
            #expect(result.failures.map(\.id) == ["d3"])
            #expect(result.failures.map(\.name) == ["not_found"])
            #expect(waits.all == [.seconds(2)])
            #expect(result.statistics.documentsWritten == 4)
        }
    }
}

extension Database {
    /// Writes a document with an attachment `ID.bin` of random bytes.
    @discardableResult
    func attach(_ id: String, bytes count: Int) async throws -> RevisionID {
        try await attach(noise(count, id), named: "\(id).bin", contentType: "image/png", to: DocumentID(id))
    }

    /// Writes a document's next revision, with one attachment more.
    func attachMore(_ id: String, _ parent: RevisionID) async throws -> RevisionID {
        try await attach(
            noise(300_000, "more"),
            named: "more",
            contentType: "image/png",
            to: DocumentID(id),
            replacing: parent
        )
    }

    private func noise(_ count: Int, _ name: String) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(count + name.utf8.count))
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
