import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication whose peer is busy or away")
struct RetryTests {
    @Test(
        "asks again after 408, 500, 502, 503 and 504, each time twice as long",
        arguments: [408, 500, 502, 503, 504]
    )
    func faults(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(20)
            let waits = Waits()
            world.server.on("POST", "_bulk_docs", times: 5) { _ in .page(status) }
            let result = try await world.push(waits: waits)
            #expect(result.statistics.documentsWritten == 20)
            #expect(result.failures.isEmpty)
            #expect(try world.isEqual)
            #expect(waits.all == [250, 500, 1_000, 2_000, 4_000].map { .milliseconds($0) })
            #expect(world.server.requests("_bulk_docs").count == 6)
        }
    }

    @Test("gives up after five times, and starts from its checkpoint when it is asked again")
    func exhausted() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(30)
            // The first ten come through.
            world.server.on({ $0.body?.contains(subsequence: #""_id":"d1""#) == true }) { _ in .answer(503) }
            let waits = Waits()
            let error = try await #require(throws: SettleError.self) {
                try await world.push(waits: waits) { ($0.batchSize, $0.workers) = (1, 1) }
            }
            #expect(error == SettleError(.internalError, "by_the_test: The test wants it so."))
            #expect(
                world.server.requests("_bulk_docs").count {
                    $0.body?.contains(subsequence: #""_id":"d1""#) == true
                } == 6
            )
            #expect(try world.there.contents().keys.contains("d0"))
            world.server.behave()
            let result = try await world.push()
            #expect(try world.isEqual)
            // What was written before the fault was noted, and is not written again.
            #expect(result.answer["history"]?.array?.count == 2)
            #expect(result.statistics.documentsWritten == 30)
        }
    }

    @Test("is as patient as `retries_per_request` says")
    func retries() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(3)
            world.server.on("POST", "_bulk_get") { _ in .answer(500) }
            await #expect(throws: SettleError.self) { try await world.pull { $0.retries = 2 } }
            #expect(world.server.requests("_bulk_get").count == 3)
            #expect(world.server.requests.allSatisfy { $0.method != "GET" || !$0.parts.contains("d0") })
        }
    }

    @Test("slows down after 429 as often as it is told to, and loses nothing")
    func throttled() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(50)
            let waits = Waits()
            world.server.on("POST", "_bulk_get", times: 12) { _ in .answer(429) }
            let result = try await world.pull(waits: waits) { $0.workers = 1 }
            #expect(result.statistics.documentsWritten == 50)
            #expect(try world.isEqual)
            let milliseconds: [Duration] = [20, 24, 28, 34, 41, 49, 59, 71, 85, 103, 123, 148].map {
                .milliseconds($0)
            }
            #expect(Array(waits.all.prefix(12)) == milliseconds)
        }
    }

    @Test("waits as long as `Retry-After` says, up to five minutes", arguments: [429, 503])
    func retryAfter(status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(3)
            let waits = Waits()
            world.server.on("POST", "_revs_diff", times: 1) { _ in
                .answer(status, "{}", [("Retry-After", "9000")])
            }
            world.server.on("POST", "_revs_diff", times: 1) { _ in
                .answer(status, "{}", [("Retry-After", "7")])
            }
            try await world.there.fill(1, prefix: "other")
            _ = try await world.push(waits: waits)
            #expect(waits.all.prefix(2) == [.seconds(7), .seconds(300)])
        }
    }

    @Test("ends when the pace would be slower than a request in 25 seconds")
    func maximumBackoff() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(3)
            let waits = Waits()
            world.server.on("POST", "_bulk_get") { _ in .answer(429) }
            let error = try await #require(throws: SettleError.self) { try await world.pull(waits: waits) }
            #expect(error.reason.contains("The test wants it so."))
            #expect(waits.all.count == 40)
            #expect(waits.all.allSatisfy { $0 <= .seconds(25) })
        }
    }

    @Test(
        "tries again wherever in its course the peer is busy",
        arguments: [
            ("GET", "there"), ("GET", "_local"), ("POST", "_revs_diff"), ("POST", "_bulk_docs"),
            ("POST", "_ensure_full_commit"), ("PUT", "_local"), ("GET", "_changes"), ("POST", "_bulk_get"),
        ],
        [429, 503]
    )
    func everywhere(request: (method: String, part: String), status: Int) async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5, prefix: "h")
            try await world.there.fill(5, prefix: "t")
            world.server.on(request.method, request.part, times: 2) { _ in .answer(status) }
            #expect(try await world.push().statistics.documentsWritten == 5)
            world.server.on(request.method, request.part, times: 2) { _ in .answer(status) }
            #expect(try await world.pull().statistics.documentsWritten == 5)
            #expect(try world.isEqual)
        }
    }

    @Test(
        "asks again when a connection closes instead of an answer, and when one that was kept open has closed"
    )
    func closed() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            for part in ["_changes", "_bulk_get", "_local", "there"] {
                world.server.on({ $0.parts.contains(part) }, times: 1) { _ in .close }
            }
            #expect(try await world.pull().statistics.documentsWritten == 10)
            #expect(try world.isEqual)
        }
    }

    @Test("takes silence longer than `connection_timeout` for a failure, and asks again")
    func silence() async throws {
        try await withMisbehavingServer { world in
            try await world.there.fill(10)
            world.server.on("POST", "_bulk_get", times: 1) { _ in .silence }
            let waits = Waits()
            let result = try await world.pull(waits: waits) { $0.connectionTimeout = .seconds(2) }
            #expect(result.statistics.documentsWritten == 10)
            #expect(waits.all.contains(.milliseconds(250)))
            #expect(world.server.requests("_bulk_get").count == 2)
        }
    }

    @Test("tells at once that nobody is there before it has begun")
    func nobody() async throws {
        try await withMisbehavingServer { world in
            let waits = Waits()
            let replication = try Replication(from: .url("http://127.0.0.1:1/x"), to: .database(world.here))
            let error = try await #require(throws: SettleError.self) { try await waits.run(replication) }
            #expect(error.reason.contains("http://127.0.0.1:1/x/ does not answer"))
            #expect(waits.all.count <= 1)
        }
    }

    @Test("goes on by itself when it is continuous, from where it was")
    func continuous() async throws {
        try await withMisbehavingServer { world in
            try await world.here.fill(5)
            world.server.on("POST", "_bulk_docs", times: 14) { _ in .answer(503) }
            let replication = try Replication(from: .database(world.here), to: .url(world.url())) {
                $0.isContinuous = true
            }
            let waits = Waits()
            let run = Task { try await waits.run(replication) }
            var crashes = 0
            for await status in replication.statuses() {
                crashes = max(crashes, status.crashes)
                if status.state == .idle, status.statistics.documentsWritten == 5 { break }
            }
            replication.stop()
            _ = try await run.value
            #expect(crashes == 2)
            #expect(waits.all.contains(.seconds(1)) && waits.all.contains(.seconds(2)))
            #expect(try world.isEqual)
        }
    }
}

extension [UInt8] {
    /// Whether a text stands somewhere in the bytes.
    func contains(subsequence text: String) -> Bool {
        String(decoding: self, as: UTF8.self).contains(text)
    }
}
