// What indexes cost without a server or a JavaScript engine around them.
//
//     swift run -c release SettleBenchmarks views [documents]
//
// Two trees: three rows per document under `_sum` and `_count`, and one row per document. The last line is the most
// anonymous memory that the process had while the index was built, less what it had before.

import Dispatch
import Settle
import SettleCore
import SettleStorage
import SettleTestSupport
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

enum ViewBenchmark {
    static func main(_ count: Int) throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(at: "\(directory.path)/bench.settle", creating: true)
        for start in stride(from: 0, to: count, by: 1000) {
            let edits = try (start..<min(count, start + 1000)).map {
                try StoreBenchmark.edit(StoreBenchmark.text($0, id: StoreBenchmark.randomID($0)))
            }
            _ = try database.performBlocking(.edits(edits))
        }
        let sum = try database.view(source, "sum")
        let byNumber = try database.view(source, "by_n")
        let watch = MemoryWatch()
        try StoreBenchmark.measure("build, 4 rows a document", count) { try sum.updateBlocking() }
        let (before, most) = watch.end()
        print("anonymous memory while building: \(most - before) KiB over \(before) KiB")
        try StoreBenchmark.measure("get one row", 20_000) {
            for index in 0..<20_000 {
                let key = try byNumber.collationKey(of: Array("\(index * 7919 % count)".utf8))
                try read(
                    byNumber,
                    IndexRange(lower: ViewRowKey.start(key), upper: ViewRowKey.end(key)),
                    rows: 1
                )
            }
        }
        try StoreBenchmark.measure("get 100 rows", 2000) {
            for index in 0..<2000 {
                let first = index * 7919 % (count - 100)
                let lower = try byNumber.collationKey(of: Array("\(first)".utf8))
                let upper = try byNumber.collationKey(of: Array("\(first + 99)".utf8))
                try read(
                    byNumber,
                    IndexRange(lower: ViewRowKey.start(lower), upper: ViewRowKey.end(upper)),
                    rows: 100
                )
            }
        }
        try StoreBenchmark.measure("reduce everything", 2000) {
            for _ in 0..<2000 { _ = try sum.reduction(of: IndexRange()) }
        }
        try StoreBenchmark.measure("group_level=1 over everything", 500) {
            for _ in 0..<500 {
                _ = try sum.groups([IndexRange()], level: 1, descending: false, limit: 1000)
            }
        }
        for round in 0..<5 {
            try change(database, count, round)
            try StoreBenchmark.measure("update, 1000 changed documents", 1000) { try sum.updateBlocking() }
        }
    }

    private static func read(_ view: View, _ range: IndexRange, rows: Int) throws {
        let found = try view.read { snapshot in
            var cursor = snapshot.cursor(range, descending: false)
            var output: [UInt8] = []
            var count = 0
            while let row = try snapshot.next(&cursor) {
                let row = ViewRow(row.payload)
                output.append(contentsOf: row.key)
                output.append(contentsOf: row.id)
                output.append(contentsOf: row.value)
                count += 1
            }
            return count
        }
        precondition(found == rows)
    }

    private static func change(_ database: Database, _ count: Int, _ round: Int) throws {
        let edits = try database.read { snapshot in
            try (0..<1000).map { number in
                let index = number * 7919 % count
                let id = StoreBenchmark.randomID(index)
                let parent = try snapshot.document(DocumentID(id))?.winner.revision
                var text = StoreBenchmark.text(index, id: id)
                text.removeLast()
                text.append(contentsOf: ",\"price\":\(number + 1000 * round + 1000)}".utf8)
                return try DocumentEdit(
                    id: DocumentID(id),
                    kind: .interactive(parent: parent),
                    document: try IncomingDocument(parsing: text)
                )
            }
        }
        _ = try database.performBlocking(.edits(edits))
    }

    /// A design document's views in Swift, reading the members in one pass over the text.
    private static var source: ViewSource {
        func view(_ name: String, _ map: String, _ reduce: String?) -> ViewDefinition {
            ViewDefinition(
                name: Array(name.utf8),
                map: Array(map.utf8),
                reduce: reduce.map { Array($0.utf8) }
            )
        }
        let group = ViewGroup(
            language: "native",
            views: [view("sum", "tags", "_sum"), view("count", "tags", "_count"), view("by_n", "n", nil)]
        )
        let byNumber: ClosureMapper.Map = { text, emit in
            var reader = JSONReader(text)
            guard (try? reader.enterObject()) == true else { return }
            while (try? reader.nextMember()) == true {
                if reader.nameIs("n"), let range = try? reader.skip() {
                    emit(Array(text[range]), Array("null".utf8))
                }
            }
        }
        let tags: ClosureMapper.Map = { text, emit in
            guard let document = try? JSONValue(parsing: text) else { return }
            for tag in document["tags"]?.array ?? [] {
                let key = JSONValue.array([tag, document["n"] ?? .null])
                emit(Array(key.text.utf8), Array((document["price"] ?? .null).text.utf8))
            }
        }
        return ViewSource(group: group, title: "benchmark", mapper: ClosureMapper([byNumber, tags]))
    }
}

/// Looks at the process's anonymous memory every few milliseconds.
private final class MemoryWatch: Sendable {
    private let state: Mutex<(most: Int, isOver: Bool)>
    private let before: Int

    init() {
        let before = Self.anonymousKibibytes()
        self.before = before
        state = Mutex((before, false))
        DispatchQueue(label: "memory").async { [self] in
            while true {
                let now = Self.anonymousKibibytes()
                let isOver = state.withLock { state in
                    state.most = max(state.most, now)
                    return state.isOver
                }
                if isOver { return }
                usleep(5000)
            }
        }
    }

    /// Kibibytes before, and at most.
    func end() -> (before: Int, most: Int) {
        let most = state.withLock { state in
            state.isOver = true
            return state.most
        }
        return (before, most)
    }

    private static func anonymousKibibytes() -> Int {
        guard let bytes = try? FileSystem.readFile("/proc/self/status") else { return 0 }
        let text = String(decoding: bytes, as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            return Int(line.split(separator: "\t").last?.split(separator: " ").first ?? "") ?? 0
        }
        return 0
    }
}
