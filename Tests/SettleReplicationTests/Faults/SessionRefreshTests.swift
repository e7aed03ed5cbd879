import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Synchronization
import Testing

@testable import SettleReplication

@Suite("A replication with a session", .serialized)
struct SessionRefreshTests {
    private let account = ServerConfiguration.Administrator(name: "bob", password: "se:cret")
    private let credentials = "bob:se%3Acret@"

    @Test("logs in once more when its cookie is refused in the middle, and goes on")
    func refresh() async throws {
        try await withMisbehavingServer(administrator: account) { world in
            try await world.here.fill(20)
            world.server.on("POST", "_bulk_docs", times: 1) { _ in
                .answer(401, #"{"error":"unauthorized","reason":"Authentication required."}"#)
            }
            let result = try await world.push(credentials)
            #expect(result.statistics.documentsWritten == 20)
            #expect(result.failures.isEmpty)
            let tries = world.server.requests("_bulk_docs")
            #expect(tries.count == 2)
            // A cookie that is refused right away was never good; the password is.
            #expect(tries.first?.header("Cookie") != nil)
            #expect(tries.last?.header("Authorization") != nil)
        }
    }

    @Test("does not list a document with attachments because the cookie ran out while it was sent")
    func attachments() async throws {
        try await withMisbehavingServer(administrator: account) { world in
            try await world.here.attach("picture", bytes: 300_000)
            world.server.on({ $0.method == "PUT" && $0.parts.contains("picture") }, times: 1) { _ in
                .answer(401, #"{"error":"unauthorized","reason":"Authentication required."}"#)
            }
            let result = try await world.push(credentials)
            #expect(result.failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("fails when a fresh login changes nothing, without asking again and again")
    func refused() async throws {
        try await withMisbehavingServer(administrator: account) { world in
            try await world.here.fill(20)
            world.server.on("POST", "_bulk_docs") { _ in
                .answer(401, #"{"error":"unauthorized","reason":"Authentication required."}"#)
            }
            let error = try await #require(throws: SettleError.self) { try await world.push(credentials) }
            #expect(error == SettleError(.unauthorized, "Authentication required."))
            #expect(world.server.requests("_bulk_docs").count == 2)
            world.server.behave()
            #expect(try await world.push(credentials).failures.isEmpty)
            #expect(try world.isEqual)
        }
    }

    @Test("sends the password where there are no sessions", arguments: [404, 405, 501])
    func noSessions(status: Int) async throws {
        try await withMisbehavingServer(administrator: account) { world in
            try await world.there.fill(3)
            world.server.on("POST", "_session") { _ in .answer(status) }
            #expect(try await world.pull(credentials).statistics.documentsWritten == 3)
            #expect(world.server.requests("_session").count == 1)
        }
    }

    @Test("ends with `unauthorized` where the password is wrong, and shows none")
    func wrong() async throws {
        try await withMisbehavingServer(administrator: account) { world in
            let error = try await #require(throws: SettleError.self) { try await world.pull("bob:mistaken@") }
            #expect(error.kind == .replicationAuthentication)
            #expect(error.reason.contains("unauthorized to access or create database"))
            #expect(!error.reason.contains("mistaken"))
        }
    }
}
