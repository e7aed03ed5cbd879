import SettleCore
import SettleTestSupport
import Testing

@Suite("Index trees")
struct IndexTreeTests {
    @Test(
        "a tree answers everything as a sorted array does, whatever was inserted, replaced and removed",
        arguments: IndexTreeModel.Keys.allCases,
        [128, 400, IndexTree.nodeBytes]
    )
    func changes(keys: IndexTreeModel.Keys, nodeBytes: Int) throws {
        var model = IndexTreeModel(seed: 1, keys: keys, nodeBytes: nodeBytes)
        for (count, share) in [
            (1, 0), (40, 0), (3, 0.5), (300, 0.2), (1, 1), (150, 0.5), (400, 0.1), (300, 0.9),
        ] {
            try model.change(count, removing: share)
            try model.expectSoundness()
            let range = model.range()
            try model.expectAnswers(for: range)
        }
        try model.expectAnswers(for: IndexRange())
        for _ in 0..<3 {
            let range = model.range()
            try model.expectAnswers(for: range)
        }
    }

    @Test(
        "a tree that loses its rows one by one in any order stays sound and frees every node",
        arguments: [4, 5]
    )
    func emptying(seed: UInt64) throws {
        var model = IndexTreeModel(seed: seed, keys: .numbers, nodeBytes: 200)
        try model.change(600, removing: 0)
        var keys = model.sorted.map(\.key)
        keys.shuffle(using: &model.random)
        while !keys.isEmpty {
            var changes = IndexChanges()
            for key in keys.suffix(7) {
                changes.remove(key: key[...])
                model.rows[key] = nil
            }
            keys.removeLast(min(7, keys.count))
            try model.tree.update(&changes, in: &model.store, reducer: &model.reducer)
            try model.expectSoundness()
        }
        #expect(model.tree.isEmpty)
        #expect(model.tree.height == 0)
        #expect(model.store.nodes.isEmpty)
    }

    @Test("few rows that are left of many take few nodes")
    func shrinking() throws {
        var model = IndexTreeModel(seed: 6, keys: .numbers, nodeBytes: 400)
        for _ in 0..<6 { try model.change(1000, removing: 0) }
        let before = model.store.nodes.count
        var changes = IndexChanges()
        for (index, key) in model.sorted.map(\.key).enumerated() where index % 20 != 0 {
            changes.remove(key: key[...])
            model.rows[key] = nil
        }
        try model.tree.update(&changes, in: &model.store, reducer: &model.reducer)
        try model.expectSoundness()
        #expect(model.store.nodes.count * 8 < before)
    }

    @Test("rows that come in order fill their nodes, and rows that come at random half of them or more")
    func fill() throws {
        var model = IndexTreeModel(seed: 7, keys: .numbers, nodeBytes: 1000)
        let payload = [UInt8](repeating: 5, count: 16)
        var numbers = Array(UInt16(0)..<6000)
        for isShuffled in [false, true] {
            if isShuffled { numbers.shuffle(using: &model.random) }
            try model.tree.removeAll(in: &model.store)
            #expect(model.store.nodes.isEmpty)
            for start in stride(from: 0, to: numbers.count, by: 60) {
                var changes = IndexChanges()
                for number in numbers[start..<start + 60] {
                    changes.insert(key: [UInt8(number >> 8), UInt8(number & 255)], payload: payload[...])
                }
                var reducer = NoReducer()
                try model.tree.update(&changes, in: &model.store, reducer: &reducer)
            }
            let check = try model.tree.check(in: model.store)
            #expect(check.problems == [])
            let used = Double(check.byteCount) / Double(1000 * check.nodes.count)
            #expect(used > (isShuffled ? 0.55 : 0.9))
        }
    }

    @Test("rows that don't change are not written again")
    func unchanged() throws {
        var model = IndexTreeModel(seed: 8, keys: .short, nodeBytes: 400)
        try model.change(500, removing: 0)
        let writes = model.store.writes
        var changes = IndexChanges()
        for row in model.sorted { changes.insert(key: row.key[...], payload: row.payload[...]) }
        changes.remove(key: [1, 2, 3])
        try model.tree.update(&changes, in: &model.store, reducer: &model.reducer)
        #expect(model.store.writes == writes)
        try model.expectSoundness()
    }

    @Test("a change of one row writes the nodes above it and no more")
    func touchedNodes() throws {
        var model = IndexTreeModel(seed: 9, keys: .numbers, nodeBytes: 400)
        for _ in 0..<3 { try model.change(1000, removing: 0) }
        let writes = model.store.writes
        var changes = IndexChanges()
        let key = model.sorted[model.rows.count / 2].key
        changes.insert(key: key[...], payload: [1])
        try model.tree.update(&changes, in: &model.store, reducer: &model.reducer)
        #expect(model.store.writes == writes + model.tree.height)
    }

    @Test("a row of a megabyte, and keys of many pages that differ at their end, are rows like others")
    func large() throws {
        var model = IndexTreeModel(seed: 10, keys: .short, nodeBytes: IndexTree.nodeBytes)
        try model.change(300, removing: 0)
        let large = [UInt8](repeating: 0x42, count: 1 << 20)
        let prefix = [UInt8](repeating: 0x41, count: 1 << 16)
        var changes = IndexChanges()
        changes.insert(key: [0x30], payload: large[...])
        model.rows[[0x30]] = large
        for tail in UInt8(0)..<12 {
            let key = prefix + [tail]
            changes.insert(key: key[...], payload: [tail])
            model.rows[key] = [tail]
        }
        try model.tree.update(&changes, in: &model.store, reducer: &model.reducer)
        try model.expectSoundness()
        let found = try #require(try model.tree.row(of: prefix + [7], in: model.store))
        #expect(Array(found.payload) == [7])
        let before = model.rows.keys.count { $0.lexicographicallyPrecedes(prefix) }
        #expect(try model.tree.rank(of: prefix, in: model.store) == before)
        #expect(try model.tree.count(in: .prefix(prefix), in: model.store) == 12)
        // What twelve keys have in common is kept once per node, not twelve times.
        #expect(try model.tree.check(in: model.store).byteCount < (5 << 16) + (1 << 20))
    }

    @Test("reducers are asked about many nodes at once")
    func batches() throws {
        var model = IndexTreeModel(seed: 11, keys: .numbers, nodeBytes: 300)
        try model.change(2000, removing: 0)
        #expect(model.store.nodes.count > 100)
        // One question per level and function, and one more for every few hundred nodes.
        #expect(model.reducer.calls <= 2 * (model.tree.height + model.store.nodes.count / 256))
    }

    @Test("damaged nodes are errors or other rows, never a trap", arguments: 0..<30 as Range<UInt64>)
    func damage(seed: UInt64) throws {
        var model = IndexTreeModel(seed: seed, keys: .short, nodeBytes: 300)
        try model.change(300, removing: 0)
        let numbers = model.store.nodes.keys.sorted()
        let number = try #require(numbers.randomElement(using: &model.random))
        for _ in 0..<Int.random(in: 1...4, using: &model.random) {
            let place = Int.random(in: 0..<(model.store.nodes[number]?.count ?? 1), using: &model.random)
            model.store.nodes[number]?[place] = UInt8.random(in: 0...255, using: &model.random)
        }
        if seed % 5 == 0 { model.store.nodes[number]?.removeLast(20) }
        let range = model.range()
        let outcome = Result { () throws -> Int in
            var rows = 0
            for descending in [false, true] {
                var cursor = model.tree.cursor(range, descending: descending, skip: 1)
                while try cursor.next(in: model.store) != nil, rows < 10_000 { rows += 1 }
                var groups = IndexGroups(model.tree, range, descending: descending) { min(2, $0.count) }
                let found = try groups.next(limit: 1000, in: model.store).map(\.pieces).filter { !$0.isEmpty }
                rows += try ReductionPieces.reduce(found, function: 1, reducer: &model.reducer).count
            }
            return try rows + model.tree.count(in: range, in: model.store)
                + (model.tree.check(in: model.store).problems.count)
        }
        if case .failure(let error) = outcome { #expect(error is SettleError) }
    }
}

@Suite("Loading index trees")
struct IndexLoaderTests {
    @Test(
        "a tree loaded from sorted rows answers as the array does, and goes on like any other",
        arguments: IndexTreeModel.Keys.allCases,
        [0, 1, 30, 900]
    )
    func loading(keys: IndexTreeModel.Keys, count: Int) throws {
        for nodeBytes in [200, IndexTree.nodeBytes] {
            var model = IndexTreeModel(seed: UInt64(count), keys: keys, nodeBytes: nodeBytes)
            for _ in 0..<count { model.rows[model.key()] = model.payload() }
            var loader = IndexLoader(reducer: model.reducer, nodeBytes: nodeBytes)
            for row in model.sorted {
                try loader.append(key: row.key[...], payload: row.payload[...], to: &model.store)
            }
            model.tree = try loader.finish(in: &model.store)
            try model.expectSoundness()
            let range = model.range()
            try model.expectAnswers(for: range)
            try model.change(100, removing: 0.5)
            try model.expectSoundness()
            try model.expectAnswers(for: range)
        }
    }

    @Test("a loaded tree is packed, and every node is written once")
    func packing() throws {
        var store = MemoryNodeStore()
        var loader = IndexLoader(reducer: NoReducer())
        for number in 0..<50_000 {
            let key: [UInt8] = [UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)]
            try loader.append(key: key[...], payload: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], to: &store)
        }
        let tree = try loader.finish(in: &store)
        let check = try tree.check(in: store)
        #expect(check.problems == [])
        #expect(check.rowCount == 50_000)
        #expect(store.writes == check.nodes.count)
        #expect(Double(check.byteCount) > 0.9 * Double(IndexTree.nodeBytes * check.nodes.count))
    }
}
