// Where attachments lie, and when they go.

import SettleCore
import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Stored attachments")
struct AttachmentStorageTests {
    private static let limit = 5000
    private let large = noise(limit + 1)

    private func database(mayBeKept: Bool = true) throws -> TestDatabase {
        var options = StoreOptions(syncsCommits: false)
        options.inlineAttachmentLimit = Self.limit
        return try TestDatabase(options: options, mayBeKept: mayBeKept)
    }

    @Test(
        "Small content lies in the database, large content in a file, and both read back",
        arguments: [1, 1000, .max]
    )
    func places(pieces: Int) async throws {
        let test = try database()
        let sizes = [0, 1, 4096, Self.limit, Self.limit + 1, 30_000]
        for size in sizes {
            let content = noise(size)
            let staged = try test.stage(content, pieces: pieces)
            #expect(staged.storedLength == UInt64(size))
            let entry = EditAttachment.staged(name: [97], contentType: Array("x/y".utf8), staged)
            try test.put(DocumentID("d\(size)"), attachments: [entry])
            #expect(
                try test.database.attachment("a", of: DocumentID("d\(size)"))?.bytes() == content,
                "\(size)"
            )
        }
        #expect(try await test.files(2).count == 2)
        #expect(try test.database.check() == [])
    }

    @Test("Any part of the stored bytes can be read")
    func parts() throws {
        let test = try database()
        for (id, content) in [("large", large), ("small", Array("0123456789".utf8))] {
            try test.put(DocumentID(id), attachments: [test.new("f", content)])
            let attachment = try #require(try test.database.attachments(of: DocumentID(id), at: nil)?.first)
            let reader = try #require(try test.database.attachmentReader(attachment))
            for (offset, count) in [(0, 4), (3, 5), (content.count - 2, 100), (content.count + 5, 3)] {
                var part: [UInt8] = []
                try reader.read(from: UInt64(offset), count: count, into: &part)
                #expect(part == Array(content.dropFirst(offset).prefix(count)), "\(id) from \(offset)")
            }
        }
    }

    @Test("The same bytes are stored once, until the last document has lost them")
    func sharing() async throws {
        let test = try database()
        let first = try #require(
            try test.put("a", attachments: [test.new("f", large), test.new("g", large)]).revision
        )
        let other = try #require(try test.put("b", attachments: [test.new("h", large, "image/png")]).revision)
        #expect(try await test.files(1) == [1])
        #expect(try test.state.blobCount == 1)
        try test.put("a", parent: first, attachments: [])
        try await test.database.compact()
        #expect(try await test.files(1) == [1])
        #expect(try test.database.attachment("h", of: "b")?.bytes() == large)
        try test.put("b", parent: other, attachments: [])
        #expect(try await test.files(1) == [1], "the old revision can still be read")
        try await test.database.compact()
        #expect(try await test.files(0) == [])
        #expect(try test.state.blobCount == 0)
        #expect(try test.database.check() == [])
    }

    @Test("A purge removes what only the purged revisions had")
    func purge() async throws {
        let test = try database()
        let keeper = try test.new("k", noise(4000, seed: 7))
        let first = try #require(try test.put("a", attachments: [test.new("f", large), keeper]).revision)
        let second = try #require(try test.put("a", parent: first, attachments: [.stub("k")]).revision)
        try test.put("b", attachments: [keeper])
        _ = try test.database.performBlocking(.purge([("a", [second])]))
        #expect(try await test.files(0) == [])
        #expect(try test.state.blobCount == 1)
        #expect(try test.database.attachment("k", of: "b")?.bytes() == noise(4000, seed: 7))
        #expect(try test.database.check() == [])
    }

    @Test("Bytes that only old revisions have are forgotten like old bodies")
    func retention() throws {
        let test = try database()
        var revision: RevisionID?
        for index in 0..<80 {
            revision = try test.put(
                "a",
                parent: revision,
                attachments: [test.new("f", noise(60_000, seed: UInt8(index)))]
            ).revision
        }
        #expect(try test.state.supersededBytes <= 1 << 20)
        #expect(try AttachmentFiles.numbers(test.database.directory).count <= 40)
        // An edit that keeps the attachment supersedes a few bytes only.
        let before = try test.state.supersededBytes
        for index in 0..<5 {
            revision = try test.put("a", #"{"n":\#(index)}"#, parent: revision, attachments: [.others()])
                .revision
        }
        #expect(try test.state.supersededBytes < before + 2000)
        #expect(try test.database.check() == [])
    }

    @Test("A reader keeps a removed file readable, and the file goes later")
    func readers() async throws {
        let test = try database()
        let first = try #require(try test.put("a", attachments: [test.new("f", large)]).revision)
        let content = try #require(try test.database.attachment("f", of: "a"))
        try test.database.read { snapshot in
            _ = try test.database.performBlocking(.purge([("a", [first])]))
            #expect(try snapshot.open.oldestView() == snapshot.transaction.id)
            test.database.collector.collect([1], of: snapshot.open, since: snapshot.transaction.id + 1)
            #expect(
                try snapshot.attachments(of: "a", at: nil).flatMap { try snapshot.reader(of: $0[0]) } != nil
            )
        }
        #expect(try content.bytes() == large)
        #expect(try await test.files(0) == [])
        #expect(try content.bytes() == large)
        #expect(try test.database.check() == [])
    }

    @Test(
        "A reader finds what its snapshot names, however often the database is compacted and purged meanwhile"
    )
    func retiredReaders() async throws {
        let test = try database()
        let first = try #require(try test.put("a", attachments: [test.new("f", large)]).revision)
        try test.put("b", attachments: [test.new("f", noise(Self.limit + 9))])
        do {
            let open = try test.database.environment()
            let snapshot = Snapshot(try open.environment.beginRead(), open, test.database)
            try await test.database.compact()
            _ = try test.database.performBlocking(.purge([("a", [first])]))
            try await test.database.compact()
            try test.put("c", "{}")
            let now = try test.database.environment()
            #expect(now.generation == 3)
            #expect(try now.oldestView() == 0)
            let removed = try #require(try snapshot.attachments(of: "a", at: nil)?.first)
            let reader = try #require(try snapshot.reader(of: removed))
            var bytes: [UInt8] = []
            try reader.read(from: 0, count: large.count, into: &bytes)
            #expect(bytes == large)
            #expect(try test.database.check() == [])
        }
        #expect(try await test.files(1) == [2])
        #expect(try await test.generations([3]) == [3])
        #expect(try test.database.check() == [])
    }

    @Test(
        "What a killed process had still to remove goes with the next process's first write, or after its readers"
    )
    func inherited() async throws {
        let test = try database()
        let first = try #require(try test.put("a", attachments: [test.new("f", large)]).revision)
        try test.database.read { snapshot in
            _ = try test.database.performBlocking(.purge([("a", [first])]))
            let list = try test.database.read { try MetaRows.removedFiles($0.transaction, $0.tables) }
            #expect(list.files.map(\.number) == [1])
            #expect(list.files.map(\.since) == [snapshot.transaction.id + 1])
        }
        #expect(try await test.files(0) == [])
        // As if it had been killed before that.
        let path = AttachmentFiles.path(test.database.directory, 1)
        try FileSystem.replaceFile(path, with: large)
        try await test.database.compact()
        let list = try test.database.read { try MetaRows.removedFiles($0.transaction, $0.tables) }
        #expect(list.files.map(\.since) == [1])
        try test.put("b", "{}")
        #expect(!FileSystem.exists(path))
        #expect(try test.database.check() == [])
    }

    @Test("Who reads a deleted database never gets the content of another one in its place")
    func deletedReaders() async throws {
        let test = try database(mayBeKept: false)
        try test.put("a", attachments: [test.new("f", large)])
        let open = try test.database.environment()
        let snapshot = Snapshot(try open.environment.beginRead(), open, test.database)
        let attachment = try #require(try snapshot.attachments(of: "a", at: nil)?.first)
        try await test.database.delete()
        let anew = try Database.open(
            at: test.database.directory,
            creating: true,
            options: test.database.options
        )
        try await anew.attach(noise(Self.limit + 1, seed: 9), named: "f", contentType: "x/y", to: "a")
        #expect(throws: Database.doesNotExist) { try snapshot.reader(of: attachment) }
        // Nor does it take the other's files for its own.
        test.database.collector.collect([1], of: open, since: 0)
        test.database.collector.collect(open)
        try await Task.sleep(for: .milliseconds(50))
        #expect(try anew.attachment("f", of: "a")?.bytes() == noise(Self.limit + 1, seed: 9))
        #expect(try anew.check() == [])
    }

    @Test("The first write of a process clears away what killed ones left")
    func leftovers() async throws {
        let test = try database()
        try test.put("a", attachments: [test.new("f", large)])
        let directory = AttachmentFiles.directory(test.database.directory)
        try FileSystem.replaceFile("\(directory)/draft-dead", with: [1, 2, 3])
        try FileSystem.replaceFile("\(directory)/2", with: [1, 2, 3])
        let again = Database(
            name: "again",
            directory: test.database.directory,
            options: test.database.options
        )
        test.database.closeForNow()
        let put = try DocumentEdit(
            id: "b",
            kind: .interactive(parent: nil),
            document: try IncomingDocument(parsing: Array("{}".utf8))
        )
        _ = try again.performBlocking(.edits([put]))
        again.closeForNow()
        #expect(try FileSystem.list(directory) == ["1"])
        #expect(try test.database.check() == [])
    }

    @Test("What is written, purged and stemmed while a compaction runs is in the new file")
    func compaction() async throws {
        let test = try database()
        let contents = (0..<12).map { noise($0 % 2 == 0 ? 3000 : 7000, seed: UInt8($0 + 1)) }
        _ = try test.database.performBlocking(.revisionsLimit(3))
        for index in 0..<2000 { try test.put(DocumentID("old\(index)"), #"{"n":\#(index)}"#) }
        let database = test.database
        async let compactions: Void = {
            for _ in 0..<6 { try await database.compact() }
        }()
        var latest: [DocumentID: (RevisionID, Int)] = [:]
        for step in 0..<500 {
            let id = DocumentID("doc\(step % 7)")
            let number = (step * 5 + step / 11) % contents.count
            let entry = try test.new("f", contents[number])
            let revision = try #require(
                try test.put(id, parent: latest[id]?.0, attachments: [entry]).revision
            )
            latest[id] = (revision, number)
            if step % 23 == 0 {
                while let record = try database.read({ try $0.document(id) }) {
                    _ = try database.performBlocking(.purge([(id, [record.winner.revision])]))
                }
                latest[id] = nil
            }
            if step % 31 == 0 { _ = try database.performBlocking(.forgetSuperseded(steps: 4)) }
        }
        try await compactions
        for (id, (_, number)) in latest {
            #expect(try database.attachment("f", of: id)?.bytes() == contents[number], "\(id)")
        }
        #expect(try test.database.check() == [])
    }

    // The copy counted the body that brought the content back as a use of the file that was gone.
    @Test("Content that is forgotten and comes back in another document while a compaction copies is there")
    func comesBack() async throws {
        let test = try database()
        let first = try #require(try test.put("a", attachments: [test.new("f", large)]).revision)
        try test.put("a", parent: first, attachments: [])
        let draft = try CompactionDraft(copying: try test.database.environment())
        _ = try test.database.performBlocking(.forgetSuperseded(steps: 10))
        try test.put("b", attachments: [test.new("f", large)])
        try test.database.finish(draft)
        #expect(try test.database.environment().generation == 2)
        #expect(try test.database.attachment("f", of: "b")?.bytes() == large)
        #expect(try await test.files(1) == [2])
        #expect(try test.database.check() == [])
    }

    @Test("Uploads that come to nothing leave nothing behind")
    func abandoned() async throws {
        let test = try database()
        let directory = AttachmentFiles.directory(test.database.directory)
        do {
            let upload = try AttachmentUpload(in: test.database, contentType: [])
            try upload.append(large[...])
            #expect(try FileSystem.list(directory).count == 1)
            try await test.database.compact()
            #expect(try FileSystem.list(directory).count == 1, "a draft whose writer lives stays")
            upload.discard()
        }
        #expect(try FileSystem.list(directory) == [])
        do { _ = try test.stage(large) }
        #expect(try FileSystem.list(directory) == [])
        // A draft nobody has locked: its writer was killed.
        try FileSystem.replaceFile("\(directory)/draft-dead", with: [1, 2, 3])
        try await test.database.compact()
        #expect(try FileSystem.list(directory) == [])
    }

    @Test("A refused edit stores nothing, and its content may be used again")
    func refused() async throws {
        let test = try database()
        try test.put("a", #"{"n":1}"#)
        let entry = try test.new("f", large)
        #expect(try test.put("a", attachments: [entry]).error?.kind == .conflict)
        #expect(try await test.files(0) == [])
        #expect(try test.put("b", attachments: [entry]).error == nil)
        #expect(try test.put("c", attachments: [entry]).error == nil)
        #expect(try await test.files(1) == [1])
        #expect(try test.database.check() == [])
    }

    @Test("The checker sees missing, wrong and superfluous files")
    func checker() throws {
        let test = try database(mayBeKept: false)
        try test.put("a", attachments: [test.new("f", large), test.new("g", noise(20_000, seed: 9))])
        let directory = AttachmentFiles.directory(test.database.directory)
        try FileSystem.remove("\(directory)/1")
        try FileSystem.replaceFile("\(directory)/2", with: noise(20_000, seed: 8))
        let findings = try test.database.check()
        #expect(findings.contains { $0.contains("has lost its file 1") })
        #expect(findings.contains { $0.contains("another SHA-256") })
        #expect(findings.count == 2)
    }
}
