// The law of indexes: after any history, what a view holds equals what is computed from the documents as they are.

import SettleCore
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Incremental truth")
struct IncrementalTruthTests {
    @Test(
        "After any step every view and reduction equals one computed from scratch",
        arguments: 1...10 as ClosedRange<UInt64>
    )
    func holds(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let test = try TestDatabase()
        let views = TestViews()
        for step in 0..<100 {
            for _ in 0..<Int.random(in: 0...4, using: &generator) { try await change(test, step, &generator) }
            if Int.random(in: 0..<4, using: &generator) > 0 {
                try compare(test, views, "seed \(seed), step \(step)")
            }
        }
        #expect(try test.database.check() == [], "seed \(seed)")
    }

    private func change(_ test: TestDatabase, _ step: Int, _ generator: inout SeededGenerator) async throws {
        let id = DocumentID(["a", "b", "c", "d\u{0}", "d", "é"].randomElement(using: &generator) ?? "a")
        let tree = try test.database.read { snapshot in
            try snapshot.document(id).map { try snapshot.tree(of: $0) }
        }
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<10:
            let leaf = tree.flatMap { tree in
                tree.isDeleted
                    ? nil : tree.leaves.randomElement(using: &generator).map { tree.nodes[$0].revision }
            }
            let json =
                leaf != nil && Int.random(in: 0..<4, using: &generator) == 0
                ? #"{"_deleted":true}"# : body(&generator)
            try test.put(id, json, parent: leaf)
        case 10..<16:
            // A conflict, or a line that overtakes the winner, or a deletion that resolves one.
            var path: [String] = []
            if let tree, let start = tree.nodes.indices.randomElement(using: &generator) {
                path = tree.path(from: start).map { tree.nodes[$0].revision.text }
            }
            path.insert("\(path.count + 1)-\(UInt64.random(in: .min ... .max, using: &generator))x", at: 0)
            let deletes = Int.random(in: 0..<4, using: &generator) == 0
            try test.replicate(id, path, deletes ? #"{"_deleted":true}"# : body(&generator))
        case 16, 17:
            guard let tree, let leaf = tree.leaves.randomElement(using: &generator) else { return }
            _ = try await test.database.perform(.purge([(id, [tree.nodes[leaf].revision])]))
        case 18:
            _ = try await test.database.perform(.purgedInfosLimit(Int.random(in: 1...3, using: &generator)))
        default:
            try await test.database.compact()
        }
    }

    private func body(_ generator: inout SeededGenerator) -> String {
        let keys = [
            "null", "true", "1", "1.0", "-2.5", "\"a\"", "\"A\"", "\"b\"", "[]", "[1]", "[1,2]", "[1,\"z\"]",
            "{}",
            "{\"a\":1}",
        ]
        let tags = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            ["\"x\"", "\"y\"", "[\"x\",1]", "[\"x\",2]", "7"].randomElement(using: &generator) ?? "0"
        }
        let key = keys.randomElement(using: &generator).map { #","key":\#($0)"# } ?? ""
        let hasKey = Int.random(in: 0..<3, using: &generator) > 0
        return
            #"{"n":\#(Int.random(in: 0...3, using: &generator)),"tags":[\#(tags.joined(separator: ","))]\#(hasKey ? key : "")}"#
    }

    private func compare(_ test: TestDatabase, _ views: TestViews, _ comment: Comment) throws {
        for name in ["tags", "kinds"] {
            let view = try test.database.view(views.source, name)
            try view.updateBlocking()
            let expected = try views.expected(name, test)
            #expect(try view.rows() == expected, comment)
            #expect(try view.rows(descending: true) == expected.reversed(), comment)
            #expect(try view.read { $0.totalRows } == expected.count, comment)
        }
        let tags = try views.expected("tags", test)
        let sum = try test.database.view(views.source, "tags")
        let count = try test.database.view(views.source, "tags_count")
        #expect(
            try sum.reduced() == (tags.isEmpty ? nil : "\(tags.reduce(0) { $0 + (Int($1.value) ?? 0) })"),
            comment
        )
        #expect(try count.reduced() == (tags.isEmpty ? nil : "\(tags.count)"), comment)
        for level in [1, nil] as [Int?] {
            var groups: [ReducedGroup] = []
            for row in tags {
                let key = GroupKey.text(Array(row.key.utf8)[...], level: level ?? .max)
                let before = groups.last.flatMap {
                    $0.key == key ? Int(String(decoding: $0.value, as: UTF8.self)) : nil
                }
                if before != nil { groups.removeLast() }
                groups.append(ReducedGroup(key: key, value: Array("\((before ?? 0) + 1)".utf8)))
            }
            let page = try count.groups([IndexRange()], level: level, descending: false, limit: 100)
            #expect(page.groups == groups, comment)
            let backwards = try count.groups([IndexRange()], level: level, descending: true, limit: 100)
            #expect(backwards.groups == groups.reversed(), comment)
        }
    }
}
