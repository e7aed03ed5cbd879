import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("Jobs whose databases are deleted and made again")
struct RecreatedJobsTests {
    /// Jobs of a folder with a clock of its own, and what tests wait for.
    private struct World {
        let databases: Databases
        let jobs: ReplicationJobs
        let clock = ManualClock()

        init(_ databases: Databases) {
            self.databases = databases
            jobs = ReplicationJobs(folder: databases.folder, serverUUID: "u", clock: clock)
        }

        /// Waits until all jobs do nothing but watch, which takes five seconds of the clock.
        func quiet() async throws {
            try await until("all jobs watch") {
                clock.advance(by: 5_000)
                return jobs.look { state in
                    !state.jobs.isEmpty && state.scheduler.jobs.values.allSatisfy { $0.phase == .watching }
                }
            }
        }

        func state(_ document: DocumentID) throws -> String? {
            try jobs.document(document, of: "_replicator")?["state"]?.string
        }
    }

    @Test("notice by themselves, crash while there is none, and copy everything into the new one")
    func local() async throws {
        let databases = try Databases()
        let world = World(databases)
        let source = try databases.create("a")
        _ = try databases.create("b")
        let replicator = try databases.create("_replicator")
        try await source.fill(["x", "y"])
        try await replicator.put("job", ["source": "a", "target": "b", "continuous": true])
        world.jobs.start()
        try await until("copied") { try databases.folder.open("b")?.ids().count == 2 }
        try await world.quiet()

        _ = try await databases.folder.delete("b")
        try await until("crashing") { try world.state("job") == "crashing" }
        let crashed = try world.jobs.document("job", of: "_replicator")
        #expect(crashed?["info"] == ["error": "db_not_found: could not open b"])
        // What passes is not written into documents.
        let document = try replicator.read { snapshot in try snapshot.object("job") }
        #expect(document?["_replication_state"] == nil && document?["_rev"]?.string?.hasPrefix("1-") == true)
        // It need not wait for the half minute of its back-off: that it was made is what it waits for.
        let again = try databases.create("b")
        try await until("copied anew") { try again.contents() == source.contents() }
        try await world.quiet()

        // Deleted and made again, so fast that nobody finds it missing.
        _ = try await databases.folder.delete("b")
        let third = try databases.create("b")
        try await until("copied once more") { try third.contents() == source.contents() }
        try await world.quiet()

        _ = try await databases.folder.delete("a")
        let other = try databases.create("a")
        try await other.fill(["z"])
        try await until("copied from the new source") {
            world.clock.advance(by: 1_000)
            return try third.ids() == ["x", "y", "z"]
        }
        await world.jobs.shutdown()
    }

    @Test("hear of it from the server of a database behind a URL, whether by document or by request")
    func remote() async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let world = World(databases)
            let source = try databases.create("a")
            let replicator = try databases.create("_replicator")
            try await source.fill(["x", "y"])
            for name in ["b", "c"] { _ = try server.folder.create(name) }
            try await replicator.put(
                "job",
                ["source": "a", "target": .string("\(url)/b"), "continuous": true]
            )
            world.jobs.start()
            let request: JSONValue = ["source": "a", "target": .string("\(url)/c"), "continuous": true]
            #expect(try await world.jobs.replicate(body: request).status == 202)
            func copied() throws -> Bool {
                try ["b", "c"].allSatisfy { try server.folder.open($0)?.contents() == source.contents() }
            }
            try await until("copied") { try copied() }
            try await world.quiet()
            for name in ["b", "c"] {
                _ = try await server.folder.delete(name)
                _ = try server.folder.create(name)
            }
            try await until("copied anew") {
                world.clock.advance(by: 1_000)
                return try copied()
            }
            await world.jobs.shutdown()
        }
    }

    @Test("look at a target from time to time whose server tells nobody of its changes")
    func looking() async throws {
        let databases = try Databases()
        let world = World(databases)
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        try await source.fill(["x"])
        let request: JSONValue = ["source": "a", "target": "b", "continuous": true]
        _ = try await world.jobs.replicate(body: request)
        try await until("copied") { try target.ids() == ["x"] }
        try await world.quiet()
        let entry = try #require(world.jobs.look { $0.jobs.values.first })
        #expect(await world.jobs.hasNews(entry) == false)
        let known = try #require(entry.known)
        var news = entry
        news.known = KnownPeers(
            source: known.source,
            target: PeerIdentity(incarnation: "another", updateSequence: .zero),
            notes: known.notes
        )
        #expect(await world.jobs.hasNews(news))
        world.jobs.looked(entry.definition.id, hasNews: true)
        #expect(world.jobs.look { $0.scheduler.jobs.values.allSatisfy { $0.phase == .running } })
        await world.jobs.shutdown()
    }
}
