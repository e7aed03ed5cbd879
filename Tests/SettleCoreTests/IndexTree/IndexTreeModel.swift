import SettleCore
import SettleTestSupport
import Testing

/// A tree and the sorted array that it must equal.
struct IndexTreeModel {
    /// What sort keys look like.
    enum Keys: CaseIterable {
        /// A few bytes out of three: many keys are prefixes of others.
        case short
        /// Alike for hundreds of bytes.
        case longPrefix
        /// Big-endian numbers.
        case numbers
        /// From nothing to several nodes.
        case anyLength
    }

    var tree: IndexTree
    var store = MemoryNodeStore()
    var reducer = TracingReducer()
    var rows: [[UInt8]: [UInt8]] = [:]
    var random: SeededGenerator
    let keys: Keys

    init(seed: UInt64, keys: Keys, nodeBytes: Int) {
        random = SeededGenerator(seed: seed)
        tree = IndexTree(nodeBytes: nodeBytes)
        self.keys = keys
    }

    mutating func key() -> [UInt8] {
        let few: [UInt8] = [0, 7, 0xFF]
        func tail(_ length: Int, _ random: inout SeededGenerator) -> [UInt8] {
            (0..<length).map { _ in few[Int.random(in: 0..<3, using: &random)] }
        }
        switch keys {
        case .short: return tail(Int.random(in: 0...7, using: &random), &random)
        case .longPrefix:
            let prefix = [UInt8](repeating: 9, count: Int.random(in: 0...1, using: &random) * 300 + 100)
            return prefix + tail(Int.random(in: 0...7, using: &random), &random)
        case .numbers:
            let number = UInt16.random(in: 0..<3000, using: &random)
            return [UInt8(number >> 8), UInt8(number & 255)]
        case .anyLength:
            let length = [0, 1, 5, 40, 700][Int.random(in: 0..<5, using: &random)]
            return tail(Int.random(in: 0...length, using: &random), &random)
        }
    }

    mutating func payload() -> [UInt8] {
        let length = [0, 1, 3, 20, 20, 20, 300][Int.random(in: 0..<7, using: &random)]
        return (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// A batch of insertions, replacements and removals, some of the same key.
    mutating func change(_ count: Int, removing share: Double) throws {
        var changes = IndexChanges()
        let present = Array(rows.keys).sorted { $0.lexicographicallyPrecedes($1) }
        for _ in 0..<count {
            if Double.random(in: 0..<1, using: &random) < share {
                let key = present.randomElement(using: &random) ?? key()
                changes.remove(key: key[...])
                rows[key] = nil
            } else {
                let key = key()
                let payload = payload()
                changes.insert(key: key[...], payload: payload[...])
                rows[key] = payload
            }
        }
        try tree.update(&changes, in: &store, reducer: &reducer)
        #expect(changes.isEmpty)
    }

    var sorted: [(key: [UInt8], payload: [UInt8])] {
        rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }

    mutating func range() -> IndexRange {
        let bounds = [key(), key()].sorted { $0.lexicographicallyPrecedes($1) }
        return IndexRange(
            lower: Int.random(in: 0..<5, using: &random) == 0 ? [] : bounds[0],
            upper: Int.random(in: 0..<5, using: &random) == 0 ? nil : bounds[1]
        )
    }

    // MARK: Laws

    /// The tree is well formed, and the store holds its nodes and nothing else.
    func expectSoundness() throws {
        let check = try tree.check(in: store)
        #expect(check.problems == [])
        #expect(check.rowCount == rows.count)
        #expect(tree.rowCount == rows.count)
        #expect(check.nodes == Set(store.nodes.keys))
        #expect(store.faults == 0)
        #expect(try IndexTree(encoded: tree.encoded).encoded == tree.encoded)
    }

    /// Everything that can be asked about a range has the array's answer.
    mutating func expectAnswers(for range: IndexRange) throws {
        let all = sorted
        let inside = all.filter { row in
            !row.key.lexicographicallyPrecedes(range.lower)
                && (range.upper.map { row.key.lexicographicallyPrecedes($0) } ?? true)
        }
        for descending in [false, true] {
            let expected = descending ? inside.reversed() : inside
            for skip in [0, 1, Int.random(in: 0...inside.count + 1, using: &random)] {
                var cursor = tree.cursor(range, descending: descending, skip: skip)
                var found: [(key: [UInt8], payload: [UInt8])] = []
                while let row = try cursor.next(in: store) { found.append((row.key, Array(row.payload))) }
                #expect(try cursor.next(in: store) == nil)
                #expect(found.elementsEqual(expected.dropFirst(skip), by: ==))
            }
            try expectGroups(of: Array(expected), in: range, descending: descending)
        }
        #expect(try tree.count(in: range, in: store) == inside.count)
        let rank = all.prefix { $0.key.lexicographicallyPrecedes(range.lower) }.count
        #expect(try tree.rank(of: range.lower, in: store) == rank)
        let row = try tree.row(of: range.lower, in: store)
        #expect(row.map { Array($0.payload) } == rows[range.lower])
        let pieces = try tree.pieces(of: range, in: store)
        #expect(pieces.isEmpty == inside.isEmpty)
        guard !inside.isEmpty else { return }
        for function in 0..<2 {
            let reduced = try ReductionPieces.reduce([pieces], function: function, reducer: &reducer)
            #expect(reduced == [Self.reduction(inside, function)])
        }
    }

    private static func reduction(_ rows: [(key: [UInt8], payload: [UInt8])], _ function: Int) -> [UInt8] {
        function == 0 ? Array(String(rows.count).utf8) : rows.flatMap { $0.payload.prefix(2) }
    }

    /// Groups of every level, whole and in pages.
    private mutating func expectGroups(
        of rows: [(key: [UInt8], payload: [UInt8])],
        in range: IndexRange,
        descending: Bool
    ) throws {
        for level in [1, 3, 101, 10_000] {
            var expected: [[(key: [UInt8], payload: [UInt8])]] = []
            for row in rows {
                if let first = expected.last?.first, row.key.starts(with: first.key.prefix(level)) {
                    expected[expected.count - 1].append(row)
                } else {
                    expected.append([row])
                }
            }
            var rest: IndexRange? = range
            var found: [IndexGroup] = []
            while let range = rest {
                var groups = IndexGroups(tree, range, descending: descending) { key in
                    min(level, key.count)
                }
                found += try groups.next(limit: Int.random(in: 1...200, using: &random), in: store)
                rest = groups.rest
            }
            #expect(found.map(\.row.key) == expected.map { $0[0].key })
            for function in 0..<2 {
                let reduced = try ReductionPieces.reduce(
                    found.map(\.pieces),
                    function: function,
                    reducer: &reducer
                )
                let wanted = expected.map { Self.reduction(descending ? $0.reversed() : $0, function) }
                #expect(reduced == wanted)
            }
        }
    }
}
