import SettleStorage
import SettleTestSupport
import Testing

@Suite("Keys of any length")
struct TextTableTests {
    let directory: TemporaryDirectory
    let environment: Environment
    let texts: TextTable

    init() throws {
        directory = TemporaryDirectory(mayBeKept: false)
        environment = try directory.environment(tables: ["texts"])
        texts = TextTable(environment.table("texts"))
    }

    /// Keys of 1 to 2,000 bytes that share long beginnings, so that most meet at the borders of layers.
    private static func randomKey(_ random: inout SeededGenerator) -> [UInt8] {
        let borders = [1, 479, 480, 481, 511, 512, 959, 960, 961, 1439, 1440, 1441, 2000]
        let length =
            Bool.random(using: &random)
            ? borders.randomElement(using: &random) ?? 1 : Int.random(in: 1...2000, using: &random)
        // Few letters in few places: many keys are beginnings of others, or differ only far behind.
        var key = [UInt8](repeating: UInt8(ascii: "m"), count: length)
        for place in [0, 100, 478, 479, 480, 481, 700, 959, 960, 961, 1440, length - 1] where place < length {
            if Int.random(in: 0..<3, using: &random) == 0 {
                key[place] = [0, 0x6C, 0x6E, 0xF4].randomElement(using: &random) ?? 0
            }
        }
        if key[0] == 0xFF { key[0] = 0 }
        return key
    }

    private static func precedes(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.lexicographicallyPrecedes(other)
    }

    /// The place of the first key that is not before `key`.
    private static func lowerBound(of key: [UInt8], in sorted: [[UInt8]]) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if precedes(sorted[middle], key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func allKeys(_ read: borrowing ReadTransaction, _ texts: TextTable) throws -> [[UInt8]] {
        var keys: [[UInt8]] = []
        var cursor = try read.cursor(texts)
        while try cursor.next() { keys.append(Array(cursor.key)) }
        return keys
    }

    @Test("random keys behave like a sorted array of them", arguments: 1...6 as ClosedRange<UInt64>)
    func likeASortedArray(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var model: [[UInt8]: [UInt8]] = [:]
        // In the order they were put: a dictionary's own order differs from run to run.
        var everPut: [[UInt8]] = []
        let write = try environment.beginWrite()
        for round in 0..<400 {
            let key = Self.randomKey(&random)
            if round > 150, Int.random(in: 0..<3, using: &random) == 0 {
                let victim =
                    Bool.random(using: &random) ? key : everPut.randomElement(using: &random) ?? key
                #expect(try write.delete(texts, victim) == (model.removeValue(forKey: victim) != nil))
            } else {
                let value = utf8("\(round)")
                try write.put(texts, key, value)
                model[key] = value
                everPut.append(key)
            }
        }
        let sorted = model.keys.sorted(by: Self.precedes)
        #expect(try Self.allKeys(write.reading, texts) == sorted)
        try write.commit()

        let read = try environment.beginRead()
        #expect(try Self.allKeys(read, texts) == sorted)
        var cursor = try read.cursor(texts)
        var backwards: [[UInt8]] = []
        while try cursor.previous() {
            backwards.append(Array(cursor.key))
            #expect(model[Array(cursor.key)] == Array(cursor.value))
        }
        #expect(backwards == sorted.reversed())

        for round in 0..<400 {
            let key = round % 2 == 0 ? Self.randomKey(&random) : sorted.randomElement(using: &random) ?? [1]
            #expect(try read.bytes(texts, key) == model[key])
            #expect(try read.contains(texts, key) == (model[key] != nil))
            let place = Self.lowerBound(of: key, in: sorted)
            let isThere = place < sorted.count && sorted[place] == key

            #expect(try cursor.seek(atLeast: key) == (place < sorted.count))
            if place < sorted.count { #expect(Array(cursor.key) == sorted[place]) }
            // Two steps each way from where the seek arrived.
            if place < sorted.count {
                #expect(try cursor.next() == (place + 1 < sorted.count))
                if place + 1 < sorted.count { #expect(Array(cursor.key) == sorted[place + 1]) }
                #expect(try cursor.previous())
                #expect(try cursor.previous() == (place > 0))
                if place > 0 { #expect(Array(cursor.key) == sorted[place - 1]) }
            }
            let before = isThere ? place : place - 1
            #expect(try cursor.seek(atMost: key) == (before >= 0))
            if before >= 0 { #expect(Array(cursor.key) == sorted[before]) }
            #expect(try cursor.seek(exactly: key) == isThere)
        }
    }

    @Test("the layers of long keys go away with the last of them")
    func layersGoAway() throws {
        let table = environment.table("texts")
        let long = [UInt8](repeating: 0x61, count: 1500)
        let other = Array(long[..<700])
        let write = try environment.beginWrite()
        try write.put(texts, long, [1])
        try write.put(texts, other, [2])
        // One pointer in layer 0, a pointer and `other`'s row in the next, a pointer, and `long`'s row.
        #expect(try write.reading.count(table) == 5)
        #expect(try write.delete(texts, long))
        #expect(try write.reading.count(table) == 2)
        #expect(try write.reading.bytes(texts, other) == [2])
        #expect(try write.delete(texts, other))
        #expect(try write.reading.count(table) == 0)
        #expect(try !write.delete(texts, other))
    }

    @Test("a value put over another replaces it at every length", arguments: [1, 480, 481, 960, 961, 5000])
    func putOver(_ length: Int) throws {
        let key = [UInt8](repeating: 0x61, count: length)
        let write = try environment.beginWrite()
        try write.put(texts, key, [1])
        let rows = try write.reading.count(environment.table("texts"))
        try write.put(texts, key, [2])
        #expect(try write.reading.count(environment.table("texts")) == rows)
        #expect(try write.reading.bytes(texts, key) == [2])
    }

    @Test(
        "the empty key and keys that begin with FF are refused and never found",
        arguments: [[], [0xFF], [0xFF, 0x61]]
    )
    func refusedKeys(_ key: [UInt8]) throws {
        let write = try environment.beginWrite()
        try write.put(texts, [UInt8](repeating: 0x61, count: 600), [1])
        #expect(throws: StorageError.badKeyLength) { try write.put(texts, key, [1]) }
        #expect(try write.reading.bytes(texts, key) == nil)
        #expect(try !write.delete(texts, key))
        var cursor = try write.reading.cursor(texts)
        #expect(try cursor.seek(atLeast: key) == key.isEmpty)
        #expect(try cursor.seek(atMost: key) == !key.isEmpty)
    }

    @Test("an empty table has no first, last or sought key")
    func empty() throws {
        let read = try environment.beginRead()
        var cursor = try read.cursor(texts)
        #expect(try !cursor.first())
        #expect(try !cursor.last())
        #expect(try !cursor.next())
        #expect(try !cursor.previous())
        #expect(try !cursor.seek(atLeast: utf8("a")))
        #expect(try !cursor.seek(atMost: utf8("a")))
    }
}
