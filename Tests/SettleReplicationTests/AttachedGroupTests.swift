import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

@Suite("Small attachments, many at a time")
struct AttachedGroupTests {
    /// Documents with attachments that can go into `_bulk_docs` and some that can't, and how many bytes they have.
    private func fill(_ database: Database, count: Int = 40) async throws -> Int {
        var random = SeededGenerator(seed: 3)
        var bytes = 0
        for number in 0..<count {
            let noise = (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            let text = Array(String(repeating: "text \(number) ", count: number * 100).utf8)
            let id = DocumentID("d\(number)")
            let first = try await database.attach(noise, named: "ü\"n", contentType: "image/png", to: id)
            if number % 2 == 0 {
                try await database.attach(
                    text,
                    named: "t",
                    contentType: "text/plain",
                    to: id,
                    replacing: first
                )
            }
            bytes += noise.count
        }
        return bytes
    }

    /// A proxy in front of a server, and the URL of a database behind it.
    private func proxy(_ url: String, _ name: String) async throws -> (CuttingProxy, url: String) {
        let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
        let proxy = try await CuttingProxy.start(to: HTTPEndpoint(port: port))
        return (proxy, "http://127.0.0.1:\(proxy.endpoint.port)/\(name)")
    }

    @Test(
        "arrive whole, whatever the other side understands",
        arguments: ["pull", "push"],
        ["everything", "no SHA-256", "no multipart", "no groups"]
    )
    func arrive(direction: String, understood: String) async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let here = try databases.create("here")
            let there = try server.folder.create("there")
            let (proxy, remote) = try await proxy(url, "there")
            switch understood {
            case "no SHA-256":
                proxy.mishear("att_sha256=true", as: "att_sha999=true")
                proxy.mishear("_attachments_diff", as: "_nothing_of_this_")
            case "no multipart": proxy.mishear("multipart/mixed", as: "text/html , */*")
            case "no groups":
                proxy.mishear(
                    "_bulk_get?latest=true&revs=true&attachments=true",
                    as: "_bulk_got?latest=true&revs=true&attachments=true"
                )
            default: break
            }
            let (source, target) = direction == "pull" ? (there, here) : (here, there)
            _ = try await fill(source)
            let sides: [Replication.Side] = [.url(remote), .database(here)]
            let result = try await Replication(
                from: sides[direction == "pull" ? 0 : 1],
                to: sides[direction == "pull" ? 1 : 0]
            ).run()
            #expect(result.failures == [])
            #expect(result.statistics.documentsRead == 40)
            #expect(result.statistics.documentsWritten == 40)
            #expect(try target.contents() == source.contents())
            #expect(try target.contents().count == 40)
            #expect(
                try target.attachment("t", of: "d38")?.bytes() == source.attachment("t", of: "d38")?.bytes()
            )
            try await proxy.stop()
        }
    }

    @Test("do not travel where their content is held, nor do large ones", arguments: ["pull", "push"])
    func held(direction: String) async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let here = try databases.create("here")
            let there = try server.folder.create("there")
            let (proxy, remote) = try await proxy(url, "there")
            let (source, target) = direction == "pull" ? (there, here) : (here, there)
            var bytes = try await fill(source, count: 20)
            let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
            let first = try await source.attach(large, named: "l", contentType: "image/png", to: "large")
            try await source.attach([1], named: "s", contentType: "image/png", to: "large", replacing: first)
            bytes += large.count
            let sides: [Replication.Side] = [.url(remote), .database(here)]
            let copy = { () async throws in
                try await Replication(
                    from: sides[direction == "pull" ? 0 : 1],
                    to: sides[direction == "pull" ? 1 : 0]
                ) { $0.usesCheckpoints = false }.run()
            }
            _ = try await copy()
            #expect(proxy.bytes > bytes)
            // The same content, in other documents under other names.
            for id in try source.contents().keys {
                let id = DocumentID(id)
                for attachment in try source.attachments(of: id) {
                    guard let content = try source.attachment(attachment.name, of: id)?.bytes() else {
                        continue
                    }
                    try await source.attach(
                        content,
                        named: "other \(attachment.name)",
                        contentType: attachment.contentType,
                        to: DocumentID("other \(id)"),
                        replacing: try source.document(DocumentID("other \(id)"))?.revision
                    )
                }
            }
            let before = proxy.bytes
            let result = try await copy()
            #expect(result.failures == [])
            #expect(result.statistics.documentsWritten == 21)
            // Requests, ids, names, digests.
            #expect(proxy.bytes - before < 60_000, "\(proxy.bytes - before) of \(bytes) bytes")
            #expect(try target.contents() == source.contents())
            #expect(try target.attachment("other l", of: "other large")?.bytes() == large)
            try await proxy.stop()
        }
    }

    @Test("are sent after all where the target does not hold what it was believed to")
    func lost() async throws {
        try await withServer { server, url in
            let databases = try Databases()
            let source = try databases.create("here")
            let target = try server.folder.create("there")
            for number in 0..<3 {
                try await source.attach(
                    [UInt8(number)],
                    named: "f",
                    contentType: "image/png",
                    to: DocumentID("d\(number)")
                )
            }
            let end = try #require(RemoteEndpoint(url: "\(url)/there"))
            let options = ReplicationOptions(source: .local(name: "here"), target: .remote(end))
            let replication = Replication(
                options,
                source: LocalPeer(source),
                target: BoastfulPeer(HTTPPeer(end)),
                serverUUID: "u"
            )
            let result = try await replication.run()
            #expect(result.failures == [])
            #expect(result.statistics.documentsRead == 3)
            #expect(result.statistics.documentsWritten == 3)
            #expect(try target.contents() == source.contents())
            #expect(try target.attachment("f", of: "d2")?.bytes() == [2])
        }
    }

    @Test("a source that lies about a digest or a length gets nothing of what is held")
    func lies() async throws {
        let databases = try Databases()
        let target = try databases.create("b")
        try await target.attach([7, 7], named: "f", contentType: "image/png", to: "secret")
        let held = try #require(try target.attachments(of: "secret", at: nil)?.first)
        for (digest, length) in [("md5-AAAAAAAAAAAAAAAAAAAAAA==", 2), (held.digestText, 3)] {
            let text =
                #"{"_id":"x","_rev":"1-a","_attachments":{"f":{"stub":true,"revpos":1,"length":\#(length),"#
                + #""digest":"\#(digest)","sha256":"\#(held.blob.text)"}}}"#
            let revision = try AttachedRevision(json: Array(text.utf8))
            let reference = try #require(revision.attachments.first?.reference)
            #expect(try await LocalPeer(target).holds([reference]).isEmpty)
            let question = AttachedQuestion(
                WantedRevision(id: "x", revision: try #require(revision.revision))
            )
            let rejections = try await LocalPeer(target).writeAttached([
                AttachedDocument(question, revision, contents: [])
            ])
            #expect(rejections.map(\.name) == ["missing_stub"])
        }
        #expect(try target.document("x") == nil)
    }

    @Test("content that is not what its digest says is refused, and only that")
    func wrongContent() async throws {
        let databases = try Databases()
        let target = try databases.create("b")
        let documents = try ["1B2M2Y8AsgTpgAmY7PhCfg==", "AAAAAAAAAAAAAAAAAAAAAA=="].enumerated().map {
            index,
            md5 in
            let text =
                #"{"_id":"d\#(index)","_rev":"1-a","_attachments":{"f":{"follows":true,"length":0,"digest":"md5-\#(md5)"}}}"#
            let revision = try AttachedRevision(json: Array(text.utf8))
            let wanted = WantedRevision(
                id: DocumentID("d\(index)"),
                revision: try #require(revision.revision)
            )
            return AttachedDocument(AttachedQuestion(wanted), revision, contents: [[]])
        }
        let rejections = try await LocalPeer(target).writeAttached(documents)
        #expect(rejections.map(\.name) == ["content_md5_mismatch"])
        #expect(try target.contents().keys.sorted() == ["d0"])
    }
}

/// A peer that says it holds everything.
private struct BoastfulPeer: ForwardingPeer {
    let peer: any Peer

    init(_ peer: any Peer) { self.peer = peer }

    func holds(_ attachments: [SettleCore.Attachment]) async throws(PeerFailure) -> Set<BlobKey> {
        Set(attachments.map(\.blob))
    }
}
