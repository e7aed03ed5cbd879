import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

/// Waits until something holds that other threads see to.
func until(_ what: String, _ condition: () throws -> Bool) async throws {
    for _ in 0..<4_000 {
        if try condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("not yet: \(what)")
}

extension Database {
    /// Writes documents with these names and this content.
    func fill(_ names: some Sequence<String>, _ content: JSONObject = [:]) async throws {
        for name in names { try await put(name, content) }
    }

    func ids() throws -> Set<String> { Set(try documents().map(\.id.text)) }
}

@Suite("A replication whose databases are replaced")
struct RecreatedDatabaseTests {
    private let old = (0..<30).map { "old\($0)" }
    private let new = (0..<12).map { "new\($0)" }

    private func replication(
        _ source: any Peer,
        _ target: any Peer,
        isContinuous: Bool = false,
        usesCheckpoints: Bool = true
    ) -> Replication {
        var options = ReplicationOptions(source: .local(name: "a"), target: .local(name: "b"))
        options.batchSize = 5
        options.retries = 1
        options.isContinuous = isContinuous
        options.usesCheckpoints = usesCheckpoints
        // Databases that do not tell are looked at every ten milliseconds.
        options.checkpointInterval = .milliseconds(5)
        return Replication(options, source: source, target: target, serverUUID: "u")
    }

    /// Runs a continuous replication while something happens.
    private func following(
        _ replication: Replication,
        _ body: () async throws -> Void
    ) async throws {
        async let end = replication.run()
        do {
            try await body()
        } catch {
            replication.stop()
            _ = try? await end
            throw error
        }
        replication.stop()
        #expect(try await end.wasStopped)
    }

    @Test("begins anew when its target is replaced while it copies", arguments: [true, false])
    func targetOnce(usesCheckpoints: Bool) async throws {
        let databases = try Databases()
        let (source, first) = (try databases.create("a"), try databases.create("b"))
        let second = try databases.create("c")
        try await source.fill(old)
        let target = ReplaceablePeer(first)
        target.replace(by: second, after: 2)
        let replication = replication(LocalPeer(source), target, usesCheckpoints: usesCheckpoints)
        #expect(try await replication.run().wasStopped == false)
        #expect(try second.contents() == source.contents())
        #expect(try first.ids().isEmpty == false)
        #expect(replication.status.restarts == 1)
        #expect(replication.status.error?.reason.contains("has been deleted and created again") == true)
    }

    @Test(
        "begins anew when its source is replaced while it copies",
        arguments: [(true, true), (true, false), (false, true), (false, false)]
    )
    func sourceOnce(usesCheckpoints: Bool, isAnonymous: Bool) async throws {
        let databases = try Databases()
        let (first, target) = (try databases.create("a"), try databases.create("b"))
        let second = try databases.create("c")
        try await first.fill(old)
        // Fewer than were read before: where nothing else tells, that does.
        try await second.fill(new.prefix(3))
        let source = ReplaceablePeer(first, isAnonymous: isAnonymous)
        source.replace(by: second, after: 3)
        let replication = replication(source, LocalPeer(target), usesCheckpoints: usesCheckpoints)
        _ = try await replication.run()
        #expect(try target.ids().isSuperset(of: new.prefix(3)))
        #expect(replication.status.restarts == 1)
    }

    @Test("gives up, and says why, when a database is another one each time it looks")
    func changeable() async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        try await source.fill(old)
        let replication = replication(
            LocalPeer(source),
            ReplaceablePeer(target, isMadeAnewEachTime: true)
        )
        await #expect(throws: SettleError.self) { try await replication.run() }
        #expect(replication.status.restarts == 3)
        #expect(replication.status.error?.reason.contains("has been deleted and created again") == true)
    }

    @Test(
        "copies everything anew when it waits for changes and its target is replaced",
        arguments: [true, false]
    )
    func idleTarget(isAnonymous: Bool) async throws {
        let databases = try Databases()
        let (source, first) = (try databases.create("a"), try databases.create("b"))
        let second = try databases.create("c")
        try await source.fill(old)
        let target = ReplaceablePeer(first, isAnonymous: isAnonymous)
        let replication = replication(LocalPeer(source), target, isContinuous: true)
        try await following(replication) {
            try await until("noted") {
                let status = replication.status
                return status.state == .idle && status.committed == status.position
                    && status.statistics.documentsWritten == 30
            }
            target.replace(by: second)
            try await until("copied anew") { try second.contents() == source.contents() }
            try await source.put("later", [:])
            try await until("going on") { try second.document("later") != nil }
        }
        #expect(replication.status.restarts == 1)
    }

    @Test(
        "begins from the start when it waits for changes and its source is replaced",
        arguments: [true, false]
    )
    func idleSource(isAnonymous: Bool) async throws {
        let databases = try Databases()
        let (first, target) = (try databases.create("a"), try databases.create("b"))
        let second = try databases.create("c")
        try await first.fill(old)
        try await second.fill(new)
        let source = ReplaceablePeer(first, isAnonymous: isAnonymous)
        let replication = replication(source, LocalPeer(target), isContinuous: true)
        try await following(replication) {
            try await until("noted") {
                let status = replication.status
                return status.state == .idle && status.committed == status.position
                    && status.statistics.documentsWritten == 30
            }
            source.replace(by: second)
            try await until("copied anew") { try target.ids().isSuperset(of: new) }
            try await second.put("later", [:])
            try await until("going on") { try target.document("later") != nil }
        }
        #expect(replication.status.restarts >= 1)
    }

    @Test("goes back to what both know when one of them is put back from a backup", arguments: [true, false])
    func backup(isSource: Bool) async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        try await source.fill(old)
        let peers = (ReplaceablePeer(source), ReplaceablePeer(target))
        func run() async throws -> ReplicationResult {
            try await replication(peers.0, peers.1).run()
        }
        _ = try await run()
        let backups = try Backups()
        let saved = try backups.take(of: isSource ? source : target)
        try await source.fill((0..<9).map { "lost\($0)" })
        let continuous = replication(peers.0, peers.1, isContinuous: true)
        try await following(continuous) {
            try await until("noted") {
                let status = continuous.status
                return try target.ids().count == 39 && status.committed == status.position
            }
            if isSource {
                // It has come as far as before when it is looked at again, with other documents.
                try await saved.fill(new)
                peers.0.replace(by: saved)
                try await until("what is new in the source") { try target.ids().isSuperset(of: new) }
            } else {
                peers.1.replace(by: saved)
                try await until("what the target lost") { try saved.ids().count == 39 }
            }
        }
        #expect(continuous.status.restarts == 1)
        // And so does the next one, which has nothing but the notes.
        if isSource {
            #expect(try await run().statistics.documentWriteFailures == 0)
            #expect(try target.ids().count == 51)
        }
        withExtendedLifetime(backups) {}
    }

    @Test("hears at once of databases here that are deleted and made again")
    func local() async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        try await source.fill(old)
        var options = ReplicationOptions(source: .local(name: "a"), target: .local(name: "b"))
        options.isContinuous = true
        let replication = Replication(
            options,
            source: LocalPeer(databases.folder, name: "a"),
            target: LocalPeer(databases.folder, name: "b"),
            serverUUID: "u"
        )
        try await following(replication) {
            try await until("copied") { try target.ids().count == 30 && replication.status.state == .idle }
            _ = try await databases.folder.delete("b")
            let again = try databases.create("b")
            try await until("copied anew") { try again.contents() == source.contents() }
            _ = try await databases.folder.delete("a")
            let other = try databases.create("a")
            try await other.fill(new)
            try await until("copied from the other") { try again.ids().isSuperset(of: new) }
        }
    }

    @Test("goes on in an app whose database is deleted and opened anew")
    func embedded() async throws {
        let directory = TemporaryDirectory()
        let databases = try Databases()
        let source = try databases.create("a")
        try await source.fill(old)
        let target = try Database.open(at: "\(directory.path)/b.settle", creating: true)
        let replication = try Replication(from: .database(source), to: .database(target)) {
            $0.isContinuous = true
        }
        try await following(replication) {
            try await until("copied") { try target.ids().count == 30 }
            try await target.delete()
            let again = try Database.open(at: "\(directory.path)/b.settle", creating: true)
            try await until("copied anew") { try again.contents() == source.contents() }
        }
    }

    @Test("notices behind a URL what is deleted and made again within a second", arguments: [true, false])
    func remote(isTarget: Bool) async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let here = try databases.create("here")
            let there = try server.folder.create("there")
            try await (isTarget ? here : there).fill(old)
            var options = ReplicationOptions(source: .local(name: "here"), target: .local(name: "here"))
            options.isContinuous = true
            options.checkpointInterval = .milliseconds(20)
            let endpoint = try #require(RemoteEndpoint(url: "\(url)/there"))
            let (local, remote) = (LocalPeer(here), HTTPPeer(endpoint))
            let replication = Replication(
                options,
                source: isTarget ? local : remote,
                target: isTarget ? remote : local,
                serverUUID: "u"
            )
            try await following(replication) {
                try await until("copied") { try (isTarget ? there : here).ids().count == 30 }
                _ = try await server.folder.delete("there")
                let again = try server.folder.create("there")
                if isTarget {
                    try await until("copied anew") { try again.contents() == here.contents() }
                } else {
                    try await again.fill(new)
                    try await until("copied from the other") { try here.ids().isSuperset(of: new) }
                }
            }
        }
    }
}
