// Attachments against a model: whatever happens to documents that gain, lose, share and change attachments, every leaf's
// read back as they were written, and the checker, which counts all references again and hashes all bytes, finds nothing.

import SettleCore
import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Random operations on attachments")
struct AttachmentOperationsTests {
    /// What a revision has: names, in order, and the number of each one's content.
    typealias Entries = [(name: String, content: Int)]

    /// What lies in the database at most.
    private static let limit = 1000

    /// Few contents, so that documents share them; some go into files, some are compressed.
    private static let contents: [(type: String, bytes: [UInt8])] = [
        ("application/octet-stream", []),
        ("application/octet-stream", noise(10, seed: 1)),
        ("text/plain", Array(repeating: UInt8(ascii: "a"), count: 5000)),
        ("text/plain", []),
        ("image/png", noise(900, seed: 2)),
        ("application/octet-stream", noise(limit, seed: 3)),
        ("application/octet-stream", noise(limit + 1, seed: 4)),
        ("text/plain", noise(limit + 1000, seed: 5)),
        ("image/png", noise(20_000, seed: 6)),
    ]

    /// A store and what it must hold.
    private struct World {
        let test: TestDatabase
        var generator: SeededGenerator
        var entries: [DocumentID: [RevisionID: Entries]] = [:]

        mutating func random(below limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }
    }

    @Test("Every leaf's attachments read back after any operations", arguments: 1...10 as ClosedRange<UInt64>)
    func holds(seed: UInt64) async throws {
        var options = StoreOptions(syncsCommits: false)
        options.inlineAttachmentLimit = Self.limit
        var world = World(test: try TestDatabase(options: options), generator: SeededGenerator(seed: seed))
        for step in 0..<100 {
            let id = DocumentID("doc\(world.random(below: 5))")
            switch world.random(below: 24) {
            case 0..<10: try interactive(id, step, &world)
            case 10..<16: try replicated(id, step, &world)
            case 16..<19: try purge(id, &world)
            case 19: _ = try world.test.database.performBlocking(.forgetSuperseded(steps: 3))
            case 20:
                _ = try world.test.database.performBlocking(
                    .revisionsLimit(Int.random(in: 2...20, using: &world.generator))
                )
            case 21: try abandon(&world)
            case 22: world.test.database.closeForNow()
            default: try await world.test.database.compact()
            }
            try compare(world, "seed \(seed), step \(step)")
        }
        for id in world.entries.keys {
            while let record = try world.test.database.read({ try $0.document(id) }) {
                let leaves = record.head.leaves.map { record.head.nodes[$0].revision }
                _ = try world.test.database.performBlocking(.purge([(id, leaves)]))
            }
        }
        try await world.test.database.compact()
        try world.test.put("last", #"{"n":1}"#)
        #expect(try world.test.database.check() == [], "seed \(seed)")
        #expect(try world.test.state.blobCount == 0, "seed \(seed)")
        #expect(try await world.test.files(0) == [], "seed \(seed)")
        #expect(
            try FileSystem.list(world.test.database.directory).contains("attachments") == false
                || FileSystem.list(AttachmentFiles.directory(world.test.database.directory)) == []
        )
    }

    /// New content for some names, and what becomes of the old names.
    private func entries(
        after known: Entries,
        revpos: UInt64?,
        _ world: inout World
    ) throws -> (edits: [EditAttachment], entries: Entries) {
        var edits: [EditAttachment] = []
        var entries: Entries = []
        func add(_ name: String) throws {
            let number = world.random(below: Self.contents.count)
            let content = Self.contents[number]
            let staged = try world.test.stage(
                content.bytes,
                content.type,
                pieces: 1 + world.random(below: 6000)
            )
            edits.append(
                .staged(name: Array(name.utf8), contentType: Array(content.type.utf8), revpos: revpos, staged)
            )
            entries.append((name, number))
        }
        for old in known {
            switch world.random(below: 5) {
            case 0: break
            case 1: try add(old.name)
            default:
                edits.append(.stub(old.name))
                entries.append(old)
            }
        }
        for name in ["x", "y", "z"]
        where !known.contains(where: { $0.name == name }) && world.random(below: 4) == 0 {
            try add(name)
        }
        return (edits, entries)
    }

    private func interactive(_ id: DocumentID, _ step: Int, _ world: inout World) throws {
        let record = try world.test.database.read { try $0.document(id) }
        let leaf = record.flatMap { record in
            record.isDeleted ? nil : record.head.leaves.randomElement(using: &world.generator)
        }
        let parent = leaf.flatMap { record?.head.nodes[$0].revision }
        let known = parent.flatMap { world.entries[id]?[$0] } ?? []
        let deletes = parent != nil && world.random(below: 6) == 0
        let json =
            deletes ? #"{"_deleted":true}"# : world.random(below: 3) == 0 ? "{}" : #"{"step":\#(step)}"#
        if !deletes, world.random(below: 4) == 0 {
            let outcome = try world.test.put(id, json, parent: parent, attachments: [.others()])
            world.entries[id, default: [:]][try #require(outcome.revision, "step \(step)")] = known
            return
        }
        let (edits, entries) = try entries(after: known, revpos: nil, &world)
        let outcome = try world.test.put(id, json, parent: parent, attachments: edits)
        world.entries[id, default: [:]][try #require(outcome.revision, "step \(step)")] = entries
    }

    private func replicated(_ id: DocumentID, _ step: Int, _ world: inout World) throws {
        var path: [RevisionID] = []
        var known: Entries = []
        if let record = try world.test.database.read({ try $0.document(id) }),
            Bool.random(using: &world.generator)
        {
            try world.test.database.read { snapshot in
                let tree = try snapshot.tree(of: record)
                guard let start = tree.nodes.indices.randomElement(using: &world.generator) else { return }
                let line = tree.path(from: start)
                path = line.map { tree.nodes[$0].revision }
                if let stored = try line.first(where: { try snapshot.isAvailable(tree.nodes[$0]) }) {
                    known = world.entries[id]?[tree.nodes[stored].revision] ?? []
                }
            }
        }
        let generation = path.first?.generation ?? 0
        let (edits, entries) = try entries(after: known, revpos: generation + 1, &world)
        for step in 1...UInt64(1 + world.random(below: 12)) {
            path.insert(
                RevisionID(generation + step, RevisionDigest(high: world.generator.next(), low: step)),
                at: 0
            )
        }
        let revision = path[0]
        let json = world.random(below: 5) == 0 ? #"{"_deleted":true}"# : #"{"step":\#(step)}"#
        let outcome = try world.test.replicate(id, path.map(\.text), json, attachments: edits)
        #expect(outcome.error == nil, "step \(step)")
        world.entries[id, default: [:]][revision] = entries
    }

    private func purge(_ id: DocumentID, _ world: inout World) throws {
        guard let record = try world.test.database.read({ try $0.document(id) }) else { return }
        let leaf = record.head.nodes[record.head.leaves.randomElement(using: &world.generator) ?? 0].revision
        _ = try world.test.database.performBlocking(.purge([(id, [leaf])]))
    }

    /// An upload that its client gives up, one that a refused edit has, and one whose process is killed.
    private func abandon(_ world: inout World) throws {
        let upload = try AttachmentUpload(in: world.test.database, contentType: [])
        try upload.append(noise(1500, seed: 77)[...])
        let refused = try world.test.new("x", noise(1600, seed: 78))
        let outcome = try world.test.put("doc0", parent: RevisionID("9-none"), attachments: [refused])
        #expect(outcome.error?.kind == .conflict)
        let directory = AttachmentFiles.directory(world.test.database.directory)
        try FileSystem.replaceFile("\(directory)/draft-\(world.generator.next())", with: [1])
    }

    private func compare(_ world: World, _ comment: Comment) throws {
        #expect(try world.test.database.check() == [], comment)
        try world.test.database.read { snapshot in
            var cursor = try snapshot.documentCursor()
            while try cursor.next() {
                let record = try #require(try snapshot.document(cursor.id), comment)
                for leaf in record.head.leaves {
                    let node = record.head.nodes[leaf]
                    // A purge bares ancestors, whose bodies may have been forgotten.
                    guard try snapshot.isAvailable(node) else { continue }
                    let expected = try #require(world.entries[cursor.id]?[node.revision], comment)
                    let found = try snapshot.attachments(of: node)
                    #expect(found.map(\.nameText) == expected.map(\.name), comment)
                    for (attachment, entry) in zip(found, expected) {
                        let content = Self.contents[entry.content]
                        #expect(attachment.contentTypeText == content.type, comment)
                        var bytes: [UInt8] = []
                        let decoder = try #require(try snapshot.reader(of: attachment), comment).decoded()
                        while let part = try decoder.next() { bytes += part }
                        #expect(bytes == content.bytes, comment)
                    }
                }
            }
        }
    }
}
