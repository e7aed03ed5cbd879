import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("A replication of attachments")
struct AttachmentReplicationTests {
    /// Text and noise, small and large: what is stored compressed and what is not, inline and in files.
    private func fill(_ database: Database, _ seed: UInt64 = 1) async throws {
        var random = SeededGenerator(seed: seed)
        for (number, size) in [0, 1, 1_000, 100_000, 300_000, 1_500_000].enumerated() {
            let noise = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            let id = DocumentID("d\(number)")
            let first = try await database.attach(noise, named: "n", contentType: "image/png", to: id)
            let text = Array(String(repeating: "text \(number) ", count: size / 7).utf8)
            try await database.attach(
                text,
                named: "ü/\"t\".txt",
                contentType: "text/plain",
                to: id,
                replacing: first
            )
        }
        try await database.put("plain", ["n": 1])
        try await database.attach([1], named: "d", contentType: "image/png", to: "_design/x")
    }

    @Test("here, both sides have the same bytes and the same digests")
    func local() async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        try await fill(source)
        let result = try await databases.replicate("a", "b")
        #expect(result.failures == [])
        #expect(result.statistics.documentsWritten == 8)
        #expect(result.statistics.documentsRead == 8)
        #expect(try target.contents() == source.contents())
        #expect(try target.attachments() == source.attachments())
        #expect(try target.attachments().count == 13)
    }

    @Test("over HTTP, whichever side is far away", arguments: ["pull", "push", "both"])
    func remote(direction: String) async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let here = try databases.create("here")
            let there = try server.folder.create("there")
            let second = try server.folder.create("second")
            let (source, target) =
                switch direction {
                case "pull": (there, here)
                case "push": (here, there)
                default: (there, second)
                }
            try await fill(source)
            let side = { (database: Database) -> Replication.Side in
                database.name == "here" ? .database(database) : .url("\(url)/\(database.name)")
            }
            let result = try await Replication(from: side(source), to: side(target)).run()
            #expect(result.failures == [])
            #expect(result.statistics.documentsWritten == 8)
            #expect(try target.contents() == source.contents())
            #expect(try target.attachments() == source.attachments())
        }
    }

    @Test("sends only what is new of a document that the target knows")
    func stubs() async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        let first = try await source.attach([1, 2], named: "old", contentType: "image/png", to: "d")
        _ = try await databases.replicate("a", "b")
        try await source.attach([3], named: "new", contentType: "image/png", to: "d", replacing: first)
        let watched = WatchedContents()
        let result = try await databases.replicate("a", "b", wrapping: { WatchingPeer($0, watched) })
        #expect(result.failures == [])
        #expect(watched.contents == [["new"]])
        #expect(try target.attachments() == source.attachments())
    }

    @Test("sends no content that a database here has already")
    func held() async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        let bytes = [UInt8](repeating: 7, count: 400_000)
        try await source.attach(bytes, named: "x", contentType: "image/png", to: "one")
        try await target.attach(bytes, named: "y", contentType: "image/gif", to: "two")
        let watched = WatchedContents()
        let result = try await databases.replicate("a", "b", wrapping: { WatchingPeer($0, watched) })
        #expect(result.failures == [])
        #expect(watched.contents == [[]])
        #expect(try target.attachment("x", of: "one")?.bytes() == bytes)
        #expect(try target.attachment("x", of: "one")?.description.contentType == "image/png")
    }

    @Test("sends everything where the target lost what a stub stands for")
    func missingStub() async throws {
        try await withServer { server, url in
            let source = try server.folder.create("a")
            let target = try server.folder.create("b")
            let first = try await source.attach([1, 2], named: "f", contentType: "image/png", to: "d")
            let second = try await source.attach(
                [3],
                named: "g",
                contentType: "image/png",
                to: "d",
                replacing: first
            )
            // The target knows the first revision, but not that it has an attachment.
            let bare = try IncomingDocument(parsing: Array(#"{"_rev":"\#(first)"}"#.utf8))
            _ = try await target.perform(.edits([.replicated(bare, id: "d")]))
            let result = try await Replication(from: .url("\(url)/a"), to: .url("\(url)/b")).run()
            #expect(result.failures == [])
            #expect(try target.document("d")?.revision == second)
            #expect(try target.attachments() == source.attachments())
        }
    }

    @Test("takes content that comes inside a document, and refuses content with another digest")
    func inline() async throws {
        let databases = try Databases()
        let target = try databases.create("b")
        let channel = RevisionChannel()
        let inside = try AttachedRevision(
            json: Array(
                #"{"_rev":"1-a","_attachments":{"f":{"content_type":"text/plain","revpos":1,"data":"aGk="}}}"#
                    .utf8
            )
        )
        #expect(try await LocalPeer(target).take(inside, of: "x", from: channel) == nil)
        #expect(try target.attachment("f", of: "x")?.bytes() == Array("hi".utf8))
        let wrong = try AttachedRevision(
            json: Array(
                #"{"_rev":"1-a","_attachments":{"f":{"follows":true,"length":2,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="}}}"#
                    .utf8
            )
        )
        _ = await channel.send(.content([1, 2]))
        _ = await channel.send(.contentEnd)
        let rejection = try await LocalPeer(target).take(wrong, of: "y", from: channel)
        #expect(rejection?.name == "content_md5_mismatch")
        #expect(try target.document("y") == nil)
    }

    @Test("copies everything in the end, though peers fail in the middle", arguments: UInt64(1)...4)
    func faults(seed: UInt64) async throws {
        let databases = try Databases()
        let (source, target) = (try databases.create("a"), try databases.create("b"))
        try await fill(source, seed)
        var runs: UInt64 = 0
        var isDone = false
        while !isDone, runs < 100 {
            runs += 1
            let attempt = runs << 8 | seed
            let result = try? await databases.replicate(
                "a",
                "b",
                wrapping: { FaultyPeer($0, seed: attempt, odds: 12) }
            )
            isDone = result != nil
        }
        #expect(isDone, "seed \(seed)")
        #expect(try target.contents() == source.contents(), "seed \(seed)")
        #expect(try target.attachments() == source.attachments(), "seed \(seed)")
    }

    @Test("goes on where the connection broke, inside an attachment", arguments: ["image/png", "text/plain"])
    func continues(contentType: String) async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let target = try databases.create("here")
            let source = try server.folder.create("there")
            var random = SeededGenerator(seed: 5)
            let noise = (0..<3_000_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            let first = try await source.attach(noise, named: "f", contentType: contentType, to: "d")
            try await source.attach(
                [1, 2, 3],
                named: "g",
                contentType: contentType,
                to: "d",
                replacing: first
            )
            let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            // What is stored compressed is sent from the beginning again, so cuts without end would never let it through.
            let proxy = try await CuttingProxy.start(
                to: HTTPEndpoint(port: port),
                cutting: .afterAnswer(1_200_000, most: contentType == "text/plain" ? 2 : .max)
            )
            let pull = try Replication(
                from: .url("http://127.0.0.1:\(proxy.endpoint.port)/there"),
                to: .database(target)
            )
            let result = try await pull.run()
            #expect(result.failures == [])
            #expect(result.statistics.documentsRead == 1)
            #expect(try target.attachments() == source.attachments())
            // Whoever began anew each time would never have finished.
            #expect(proxy.cuts > 0)
            try await proxy.stop()
        }
    }
}

extension Database {
    /// Every attachment of every leaf: document, name, type, digest, position and content.
    fileprivate func attachments() throws -> [[String]] {
        try read { snapshot in
            var rows: [[String]] = []
            var cursor = try snapshot.documentCursor()
            var found = try cursor.first()
            while found {
                let id = cursor.id
                if let record = try snapshot.document(id) {
                    let tree = try snapshot.tree(of: record)
                    for leaf in tree.leaves {
                        for attachment in try snapshot.attachments(of: tree.nodes[leaf]) {
                            let decoder = try snapshot.reader(of: attachment)?.decoded()
                            var hash = 0
                            while let part = try decoder?.next() {
                                for byte in part { hash = hash &* 31 &+ Int(byte) }
                            }
                            rows.append([
                                id.text, attachment.nameText, attachment.contentTypeText,
                                attachment.digestText, "\(attachment.revpos)", attachment.encoding.name,
                                "\(attachment.length)", "\(hash)",
                            ])
                        }
                    }
                }
                found = try cursor.next()
            }
            return rows
        }
    }
}
