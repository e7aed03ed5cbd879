// The store against a model: the same random operations on a database and on plain revision trees must agree after
// every step, and the consistency checker must find nothing.

import SettleCore
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Random operations")
struct RandomOperationsTests {
    @Test("The store agrees with plain trees after any operations", arguments: 1...12 as ClosedRange<UInt64>)
    func agreesWithModel(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let test = try TestDatabase()
        var model: [DocumentID: RevisionTree] = [:]
        var limit = 1000
        for step in 0..<120 {
            let id = DocumentID("doc\(Int.random(in: 0..<6, using: &generator))")
            switch Int.random(in: 0..<20, using: &generator) {
            case 0..<9:
                try interactive(id, step, test, &model, limit, &generator)
            case 9..<16:
                try replicated(id, step, test, &model, limit, &generator)
            case 16, 17:
                let tree = model[id] ?? RevisionTree()
                let victims = tree.leaves.prefix(1).map { tree.nodes[$0].revision }
                _ = try test.database.performBlocking(.purge([(id, victims)]))
                // What remains of a purged document is written anew, and so cut to the present limit.
                if model[id]?.removeLeaves(victims).removed.isEmpty == false {
                    _ = model[id]?.stem(to: limit)
                }
                if model[id]?.isEmpty == true { model[id] = nil }
            case 18:
                limit = Int.random(in: 2...30, using: &generator)
                _ = try test.database.performBlocking(.revisionsLimit(limit))
            default:
                try await test.database.compact()
            }
            try compare(model, test, "seed \(seed), step \(step)")
        }
        #expect(try test.database.check() == [], "seed \(seed)")
    }

    private func interactive(
        _ id: DocumentID,
        _ step: Int,
        _ test: TestDatabase,
        _ model: inout [DocumentID: RevisionTree],
        _ limit: Int,
        _ generator: inout SeededGenerator
    ) throws {
        let tree = model[id] ?? RevisionTree()
        let leaf = tree.isDeleted ? nil : tree.leaves.randomElement(using: &generator)
        let deletes = leaf != nil && Int.random(in: 0..<4, using: &generator) == 0
        let json = deletes ? #"{"_deleted":true}"# : #"{"step":\#(step)}"#
        let outcome = try test.put(id, json, parent: leaf.map { tree.nodes[$0].revision })
        let revision = try #require(outcome.revision, "step \(step)")
        let parent = leaf ?? tree.winner
        let path = [revision] + (parent.map { tree.path(from: $0) } ?? []).map { tree.nodes[$0].revision }
        merge(path, deletes, into: &model[id, default: RevisionTree()], limit)
    }

    private func replicated(
        _ id: DocumentID,
        _ step: Int,
        _ test: TestDatabase,
        _ model: inout [DocumentID: RevisionTree],
        _ limit: Int,
        _ generator: inout SeededGenerator
    ) throws {
        let tree = model[id] ?? RevisionTree()
        var path: [String] = []
        var generation: UInt64 = 0
        if let start = tree.nodes.indices.randomElement(using: &generator), Bool.random(using: &generator) {
            path = tree.path(from: start).map { tree.nodes[$0].revision.text }
            generation = tree.nodes[start].revision.generation
        }
        for _ in 0..<Int.random(in: 1...20, using: &generator) {
            generation += 1
            path.insert("\(generation)-\(step)x\(generation)", at: 0)
        }
        let deletes = Int.random(in: 0..<5, using: &generator) == 0
        _ = try test.replicate(id, path, deletes ? #"{"_deleted":true}"# : #"{"step":\#(step)}"#)
        let revisions = path.compactMap { RevisionID($0) }
        merge(revisions, deletes, into: &model[id, default: RevisionTree()], limit)
    }

    private func merge(_ path: [RevisionID], _ deletes: Bool, into tree: inout RevisionTree, _ limit: Int) {
        let outcome = tree.merge(path: path, RevisionContent(isDeleted: deletes, body: 1))
        if outcome.hasChanged { _ = tree.stem(to: limit) }
    }

    /// What matters of a tree: each revision with its parent, and whether it is deleted.
    private func shape(_ tree: RevisionTree) -> Set<String> {
        Set(
            tree.nodes.map { node in
                let parent = node.parent < 0 ? "-" : tree.nodes[node.parent].revision.text
                return "\(node.revision) < \(parent)\(node.isDeleted ? " deleted" : "")"
            }
        )
    }

    private func compare(_ model: [DocumentID: RevisionTree], _ test: TestDatabase, _ comment: Comment) throws
    {
        try test.database.read { snapshot in
            var count = 0
            var cursor = try snapshot.documentCursor()
            while try cursor.next() {
                count += 1
                let tree = try #require(model[cursor.id], comment)
                let record = try #require(try snapshot.document(cursor.id), comment)
                let stored = shape(try snapshot.tree(of: record))
                let expected = shape(tree)
                #expect(stored.subtracting(expected).sorted() == [], comment)
                #expect(expected.subtracting(stored).sorted() == [], comment)
                #expect(record.winner.revision == tree.winner.map { tree.nodes[$0].revision }, comment)
            }
            #expect(count == model.count, comment)
        }
    }
}
