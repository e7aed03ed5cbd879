import Foundation
import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication over HTTP")
struct HTTPReplicationTests {
    @Test("brings edits made apart together, whichever side is far away")
    func converges() async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let here = try databases.create("here")
            let there = try server.folder.create("there")
            for number in 0..<30 {
                try await here.put("h\(number)", ["n": .number(JSONNumber(number)), "ü\"\u{1}": "é"])
                try await there.put("t\(number)", ["n": .number(JSONNumber(number))])
                try await here.put("both\(number)", ["by": "here"])
                try await there.put("both\(number)", ["by": "there"])
            }
            try await there.put("_design/a b/c", [:])
            let deleted = try await there.put("gone", [:])
            try await there.put("gone", ["_deleted": true], parent: deleted)
            let push = try Replication(from: .database(here), to: .url("\(url)/there")) { $0.batchSize = 16 }
            let pull = try Replication(from: .url("\(url)/there"), to: .database(here)) { $0.batchSize = 16 }
            #expect(try await push.run().failures.isEmpty)
            #expect(try await pull.run().failures.isEmpty)
            #expect(try here.contents() == there.contents())
            #expect(try here.contents()["both7"]?.count == 2)
            for (source, target) in [
                (here.side, Replication.Side.url("\(url)/there")), (.url("\(url)/there"), here.side),
            ] {
                let before = try there.contents()
                _ = try await Replication(from: source, to: target).run()
                #expect(try there.contents() == before)
                #expect(try await Replication(from: source, to: target).run().answer["no_changes"] == true)
            }
        }
    }

    @Test("copies everything in the end, though requests and answers get lost", arguments: UInt64(1)...3)
    func cuts(seed: UInt64) async throws {
        try await withServer { server, url in
            let source = try server.folder.create("a")
            let target = try server.folder.create("b")
            for number in 0..<40 { try await source.put("d\(number)", [:]) }
            let ends = try ["a", "b"].map { try #require(RemoteEndpoint(url: "\(url)/\($0)")) }
            var options = ReplicationOptions(source: .remote(ends[0]), target: .remote(ends[1]))
            (options.batchSize, options.retries) = (6, 1)
            var runs: UInt64 = 0
            var isDone = false
            while !isDone, runs < 100 {
                runs += 1
                let peers = ends.enumerated().map { index, end in
                    FaultyPeer(HTTPPeer(end), seed: seed << 16 | runs << 1 | UInt64(index), odds: 12)
                }
                let replication = Replication(options, source: peers[0], target: peers[1], serverUUID: "u")
                isDone = (try? await replication.run()) != nil
            }
            #expect(isDone, "seed \(seed)")
            #expect(try target.contents() == source.contents(), "seed \(seed), \(runs) runs")
        }
    }

    @Test("works without `_bulk_get`")
    func alone() async throws {
        try await withServer { server, url in
            let source = try server.folder.create("a")
            let target = try server.folder.create("b")
            for id in ["x", "_design/y", "a/b+c%41"] { try await source.put(id, ["id": .string(id)]) }
            let replication = try Replication(from: .url("\(url)/a"), to: .url("\(url)/b")) { options in
                options.usesBulkGet = false
            }
            #expect(try await replication.run().statistics.bulkGetAttempts == 0)
            #expect(try target.contents() == source.contents())
        }
    }

    @Test("copies listed documents, and creates the target")
    func listed() async throws {
        try await withServer { server, url in
            let source = try server.folder.create("a")
            for id in ["x", "y", "ü"] { try await source.put(id, [:]) }
            let replication = try Replication(from: .url("\(url)/a"), to: .url("\(url)/b")) { options in
                options.createsTarget = true
                options.selection = .documents(["x", "ü", "none"])
            }
            #expect(try await replication.run().answer["docs_written"] == 2)
            #expect(try server.folder.open("b")?.contents().count == 2)
        }
    }

    @Test("copies in the batches that it was told, past one page")
    func pages() async throws {
        try await withServer { server, url in
            let source = try server.folder.create("a")
            let target = try server.folder.create("b")
            for number in 0..<25 { try await source.put("d\(number)", [:]) }
            let replication = try Replication(from: .url("\(url)/a"), to: .url("\(url)/b")) {
                $0.batchSize = 3
            }
            #expect(try await replication.run().statistics.documentsWritten == 25)
            #expect(try target.contents() == source.contents())
        }
    }

    @Test("hears of new changes while it waits")
    func continuous() async throws {
        try await withServer { server, url in
            let source = try server.folder.create("a")
            let target = try server.folder.create("b")
            let replication = try Replication(from: .url("\(url)/a"), to: .url("\(url)/b")) {
                $0.isContinuous = true
            }
            let run = Task { try await replication.run() }
            var count = 0
            for await status in replication.statuses() where status.state == .idle {
                guard status.statistics.documentsWritten == count else { continue }
                if count == 3 { break }
                count += 1
                try await source.put("d\(count)", [:])
            }
            replication.stop()
            #expect(try await run.value.wasStopped)
            #expect(try target.contents() == source.contents())
        }
    }

    @Test("says what is wrong with a peer")
    func wrongPeers() async throws {
        try await withServer { server, url in
            _ = try server.folder.create("a")
            await #expect(throws: SettleError(.databaseNotFound, "could not open \(url)/none/")) {
                try await Replication(from: .url("\(url)/none"), to: .url("\(url)/a")).run()
            }
            let error = try await #require(throws: SettleError.self) {
                try await Replication(from: .url("http://127.0.0.1:1/x"), to: .url("\(url)/a")).run()
            }
            #expect(error.reason.contains("does not answer"))
            #expect(throws: SettleError(.badRequest, "nothing is not a URL.")) {
                try Replication(from: .url("nothing"), to: .url("\(url)/a"))
            }
        }
    }

    @Test("sends user and password, and shows no password")
    func credentials() async throws {
        let account = ServerConfiguration.Administrator(name: "bob", password: "se:cret")
        try await withServer(administrator: account) { server, url in
            let source = try server.folder.create("a")
            try await source.put("x", [:])
            _ = try server.folder.create("b")
            let host = url.dropFirst("http://".count)
            let good = "http://bob:se%3Acret@\(host)"
            let result = try await Replication(from: .url("\(good)/a"), to: .url("\(good)/b")).run()
            #expect(result.statistics.documentsWritten == 1)
            // The secret is made at the first login: a session was used, not the password.
            let settings = try String(
                contentsOfFile: "\(server.folder.path)/.settle-config.json",
                encoding: .utf8
            )
            #expect(settings.contains("secret"))
            let bad = "http://bob:wrong@\(host)"
            let error = try await #require(throws: SettleError.self) {
                try await Replication(from: .url("\(bad)/a"), to: .url("\(good)/b")).run()
            }
            #expect(error.kind == .replicationAuthentication)
            #expect(!error.reason.contains("wrong"))
        }
    }
}

extension Database {
    fileprivate var side: Replication.Side { .database(self) }
}

/// Runs a server on a port of its own for as long as the body takes.
func withServer(
    administrator: ServerConfiguration.Administrator? = nil,
    _ body: (SettleServer, _ url: String) async throws -> Void
) async throws {
    let directory = TemporaryDirectory()
    var configuration = ServerConfiguration(folder: directory.path)
    configuration.port = 0
    configuration.administrator = administrator
    let folder = try DatabaseFolder(path: directory.path, options: StoreOptions(syncsCommits: false))
    let server = try SettleServer(configuration: configuration, folder: folder)
    let port = try await server.start()
    do {
        try await body(server, "http://127.0.0.1:\(port)")
    } catch {
        await server.shutdown()
        throw error
    }
    await server.shutdown()
}
