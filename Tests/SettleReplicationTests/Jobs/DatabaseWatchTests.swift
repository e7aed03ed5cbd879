import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("Jobs that wait for databases behind a URL")
struct DatabaseWatchTests {
    @Test("share one slot and one connection, and come back for news")
    func watching() async throws {
        let account = ServerConfiguration.Administrator(name: "bob", password: "pw")
        try await withServer(administrator: account) { server, url in
            let databases = try Databases()
            let replicator = try databases.create("_replicator")
            let jobs = ReplicationJobs(folder: databases.folder, serverUUID: databases.folder.uuid)
            var limits = ReplicationScheduler.Limits()
            limits.maximumJobs = 1
            jobs.configure(limits, shares: [:])
            let there = url.replacing("http://", with: "http://bob:pw@")
            for number in 0..<4 {
                _ = try server.folder.create("s/\(number)")
                _ = try databases.create("t\(number)")
                let document: JSONObject = [
                    "source": .string("\(there)/s%2F\(number)"), "target": .string("t\(number)"),
                    "continuous": true,
                ]
                try await replicator.put("job\(number)", document)
            }
            jobs.start()
            func until(_ number: Int, written: Int) async throws {
                for _ in 0..<2_000 {
                    let state = try jobs.document(DocumentID("job\(number)"), of: "_replicator")
                    if state?["info"]?["docs_written"]?.int == written { return }
                    try await Task.sleep(for: .milliseconds(5))
                }
                Issue.record("job \(number) has not written \(written)")
            }
            for number in 0..<4 { try await until(number, written: 0) }
            for number in 0..<4 { try await server.folder.open("s/\(number)")?.put("x", [:]) }
            for number in 0..<4 { try await until(number, written: 1) }
            for number in (0..<4).reversed() { try await server.folder.open("s/\(number)")?.put("y", [:]) }
            for number in 0..<4 { try await until(number, written: 2) }
            await jobs.shutdown()
        }
    }

    @Test(
        "know the server by the URL of the database",
        arguments: [
            ("http://h:5/a%2Fb", "http://h:5/", "a/b"), ("http://u:p@h/couch/db/", "http://h/couch/", "db"),
        ]
    )
    func places(url: String, server: String, database: String) throws {
        let endpoint = try #require(RemoteEndpoint(url: url))
        let found = try #require(UpdatesFeed.Place.watching(endpoint))
        #expect(found.database == database)
        #expect(found.0.endpoint.url == server)
        #expect(found.0.endpoint.user == endpoint.user)
    }

    @Test("take turns where the server tells nobody of its changes")
    func refused() async throws {
        try await withServer { _, url in
            // A path below which there is no server: 404 for `_db_updates`, too.
            let endpoint = try #require(RemoteEndpoint(url: "\(url)/nothing/here/db"))
            let (place, database) = try #require(UpdatesFeed.Place.watching(endpoint))
            let feed = UpdatesFeed(place) { _, _ in }
            #expect(await feed.watch(database, as: .source, for: "job") == false)
            #expect(await feed.watch(database, as: .target, for: "other") == false)
            feed.close()
        }
    }
}
