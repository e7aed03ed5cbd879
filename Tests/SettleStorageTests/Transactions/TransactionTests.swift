import SettleStorage
import SettleTestSupport
import Testing

@Suite("Transactions")
struct TransactionTests {
    let directory: TemporaryDirectory
    let environment: Environment
    let rows: Table

    init() throws {
        directory = TemporaryDirectory(mayBeKept: false)
        environment = try directory.environment(tables: ["rows", "numbers"])
        rows = environment.table("rows")
    }

    private func put(_ key: String, _ value: String) throws {
        let write = try environment.beginWrite()
        try write.put(rows, utf8(key), utf8(value))
        try write.commit()
    }

    @Test("what was committed is read back, and a missing key is nil")
    func commitAndRead() throws {
        try put("apple", "green")
        let read = try environment.beginRead()
        let apple = text(try read.value(rows, utf8("apple")))
        #expect(apple == "green")
        #expect(try read.bytes(rows, utf8("apple")) == utf8("green"))
        #expect(try read.bytes(rows, utf8("pear")) == nil)
        #expect(try read.bytes(rows, []) == nil)
        #expect(try read.count(rows) == 1)
    }

    @Test("a write transaction sees its own changes, and nobody sees them after it was given up")
    func abort() throws {
        try put("apple", "green")
        do {
            let write = try environment.beginWrite()
            try write.put(rows, utf8("apple"), utf8("red"))
            #expect(try write.reading.bytes(rows, utf8("apple")) == utf8("red"))
            #expect(try write.delete(rows, utf8("apple")))
            #expect(try !write.delete(rows, utf8("apple")))
            #expect(try write.reading.bytes(rows, utf8("apple")) == nil)
        }
        #expect(try environment.beginRead().bytes(rows, utf8("apple")) == utf8("green"))
    }

    @Test("a reader's view does not move while others write")
    func snapshot() throws {
        try put("apple", "green")
        let before = try environment.beginRead()
        try put("apple", "red")
        try put("pear", "yellow")
        let after = try environment.beginRead()
        #expect(try before.bytes(rows, utf8("apple")) == utf8("green"))
        #expect(try before.bytes(rows, utf8("pear")) == nil)
        #expect(try after.bytes(rows, utf8("apple")) == utf8("red"))
        #expect(after.id == before.id + 2)
        #expect(environment.lastTransaction == after.id)
    }

    @Test("a number as key is its eight bytes, and sorts as a number")
    func integerKeys() throws {
        let numbers = environment.table("numbers")
        let keys: [UInt64] = [0, 1, 255, 256, 65_536, 1 << 40, .max]
        let write = try environment.beginWrite()
        for key in keys.reversed() { try write.put(numbers, key, utf8("\(key)")) }
        try write.commit()

        let read = try environment.beginRead()
        let number = text(try read.value(numbers, 256 as UInt64))
        #expect(number == "256")
        #expect(try read.bytes(numbers, [0, 0, 0, 0, 0, 0, 1, 0]) == utf8("256"))
        #expect(try read.bytes(numbers, 7 as UInt64) == nil)
        var seen: [UInt64] = []
        var cursor = try read.cursor(numbers)
        while try cursor.next() { seen.append(cursor.integerKey) }
        #expect(seen == keys)
        #expect(try cursor.seek(atLeast: 257 as UInt64))
        #expect(cursor.integerKey == 65_536)
        #expect(try cursor.seek(exactly: 255 as UInt64))
        #expect(try !cursor.seek(exactly: 254 as UInt64))
    }

    @Test("appending in order works, out of order is refused and harms nothing")
    func append() throws {
        let numbers = environment.table("numbers")
        let write = try environment.beginWrite()
        for key in 1...1000 as ClosedRange<UInt64> {
            try write.put(numbers, key, utf8("\(key)"), append: true)
        }
        #expect(throws: StorageError.keyOutOfOrder) {
            try write.put(numbers, 1000 as UInt64, [1], append: true)
        }
        #expect(throws: StorageError.keyOutOfOrder) {
            try write.put(numbers, 500 as UInt64, [1], append: true)
        }
        try write.put(numbers, 1001 as UInt64, [], append: true)
        try write.commit()
        let read = try environment.beginRead()
        #expect(try read.count(numbers) == 1001)
        #expect(try read.bytes(numbers, 500 as UInt64) == utf8("500"))
        #expect(try read.bytes(numbers, 1001 as UInt64) == [])
    }

    @Test("keys of 1 to 511 bytes are taken, others refused", arguments: [0, 1, 511, 512])
    func keyLength(_ length: Int) throws {
        let key = [UInt8](repeating: 7, count: length)
        let write = try environment.beginWrite()
        if (1...511).contains(length) {
            try write.put(rows, key, [1])
            #expect(try write.reading.bytes(rows, key) == [1])
        } else {
            #expect(throws: StorageError.badKeyLength) { try write.put(rows, key, [1]) }
            #expect(try write.reading.bytes(rows, key) == nil)
            #expect(try !write.delete(rows, key))
        }
        try write.put(rows, [1], [2])
        try write.commit()
        #expect(try environment.beginRead().bytes(rows, [1]) == [2])
    }

    @Test("values of any length come back whole", arguments: [0, 1, 2000, 4096, 5_000_000])
    func valueLength(_ length: Int) throws {
        let value = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let write = try environment.beginWrite()
        try write.put(rows, [1], value)
        try write.commit()
        let read = try environment.beginRead()
        let span = try #require(try read.bytes(rows, [1]))
        #expect(span == value)
    }

    @Test("emptying a table leaves the others alone")
    func deleteAll() throws {
        let write = try environment.beginWrite()
        try write.put(rows, [1], [1])
        try write.put(environment.table("numbers"), 1 as UInt64, [1])
        try write.deleteAll(rows)
        try write.commit()
        let read = try environment.beginRead()
        #expect(try read.count(rows) == 0)
        #expect(try read.count(environment.table("numbers")) == 1)
    }

    @Test("spans compare with arrays")
    func spans() {
        let bytes: [UInt8] = [1, 2, 3]
        let equal = [[1, 2, 3], [1, 2], [1, 2, 4], []].map { bytes.span.isEqual(to: $0) }
        #expect(equal == [true, false, false, false])
        let prefixed = [[1, 2], [], [1, 2, 3], [2], [1, 2, 3, 4]].map { bytes.span.hasPrefix($0) }
        #expect(prefixed == [true, true, true, false, false])
        var copy = [UInt8](bytes.span)
        copy.append(bytes.span)
        #expect(copy == [1, 2, 3, 1, 2, 3])
    }
}
