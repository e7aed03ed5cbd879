import SettleCore
import SettleTestSupport

@testable import Settle

/// A row as a query shows it.
struct ShownRow: Hashable, CustomStringConvertible {
    var key: String
    var id: String
    var value: String

    var description: String { "\(key) \(id) \(value)" }
}

/// Views made of Swift closures, with a straightforward way to compute what they must hold.
struct TestViews {
    typealias Emit = (_ key: JSONValue, _ value: JSONValue) -> Void

    let source: ViewSource
    private let maps: [(JSONValue, Emit) -> Void]

    /// `tags` (by tag, reduced by `_sum` and `_count`) and `kinds` (by any kind of key), which share nothing.
    init(version: String = "1", includesDesignDocuments: Bool = false) {
        let tags: @Sendable (JSONValue, Emit) -> Void = { document, emit in
            for tag in document["tags"]?.array ?? [] { emit(tag, document["n"] ?? .null) }
        }
        let kinds: @Sendable (JSONValue, Emit) -> Void = { document, emit in
            guard let key = document["key"] else { return }
            emit(key, document["_conflicts"] ?? .null)
        }
        func text(_ text: String) -> [UInt8] { Array("\(text) \(version)".utf8) }
        let group = ViewGroup(
            language: "native",
            views: [
                ViewDefinition(name: Array("tags".utf8), map: text("tags"), reduce: Array("_sum".utf8)),
                ViewDefinition(
                    name: Array("tags_count".utf8),
                    map: text("tags"),
                    reduce: Array("_count".utf8)
                ),
                ViewDefinition(name: Array("kinds".utf8), map: text("kinds"), reduce: Array("_count".utf8)),
            ],
            includesDesignDocuments: includesDesignDocuments
        )
        // The trees are in the order of the views' names: kinds, tags.
        maps = [kinds, tags]
        let closures = [kinds, tags].map { map -> ClosureMapper.Map in
            { text, emit in
                guard let document = try? JSONValue(parsing: text) else { return }
                map(document) { emit(Array($0.text.utf8), Array($1.text.utf8)) }
            }
        }
        source = ViewSource(group: group, title: "test", mapper: ClosureMapper(closures))
    }

    /// What a view must hold, computed from all documents.
    func expected(_ name: String, _ test: TestDatabase) throws -> [ShownRow] {
        let collator = try test.database.collator
        let tree = source.group.view(name)?.tree ?? 0
        var rows: [(key: [UInt8], id: [UInt8], term: [UInt8], shown: ShownRow)] = []
        for id in try test.ids() where !id.hasPrefix("_design/") || source.group.includesDesignDocuments {
            let text = try test.get(DocumentID(id), [.conflicts, .deletedConflicts]) ?? "{}"
            let document = try JSONValue(parsing: Array(text.utf8))
            maps[tree](document) { key, value in
                var collated: [UInt8] = []
                var term: [UInt8] = []
                let keyText = Array(key.text.utf8)
                try? CollationKey.append(keyText, to: &collated, collator: collator)
                try? CollationKey.append(keyText, to: &term, order: .raw, collator: collator)
                try? CollationKey.append(Array(value.text.utf8), to: &term, order: .raw, collator: collator)
                rows.append(
                    (collated, Array(id.utf8), term, ShownRow(key: key.text, id: id, value: value.text))
                )
            }
        }
        rows.sort { left, right in
            if left.key != right.key { return left.key.lexicographicallyPrecedes(right.key) }
            if left.id != right.id { return left.id.lexicographicallyPrecedes(right.id) }
            return left.term.lexicographicallyPrecedes(right.term)
        }
        return rows.map(\.shown)
    }
}

extension View {
    /// The rows of a range, as the index has them now.
    func rows(
        _ range: IndexRange = IndexRange(),
        descending: Bool = false,
        skip: Int = 0,
        acceptsPredecessor: Bool = false
    ) throws -> [ShownRow] {
        try read(acceptsPredecessor: acceptsPredecessor) { snapshot in
            var rows: [ShownRow] = []
            var cursor = snapshot.cursor(range, descending: descending, skip: skip)
            while let row = try snapshot.next(&cursor) {
                let row = ViewRow(row.payload)
                rows.append(
                    ShownRow(
                        key: String(decoding: row.key, as: UTF8.self),
                        id: String(decoding: row.id, as: UTF8.self),
                        value: String(decoding: row.value, as: UTF8.self)
                    )
                )
            }
            return rows
        }
    }

    func reduced(_ range: IndexRange = IndexRange()) throws -> String? {
        try reduction(of: range).map { String(decoding: $0, as: UTF8.self) }
    }
}
