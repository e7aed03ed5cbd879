import SettleStorage
import SettleTestSupport
import Testing

@Suite("Cursors")
struct CursorTests {
    let directory: TemporaryDirectory
    let environment: Environment
    let rows: Table

    init() throws {
        directory = TemporaryDirectory(mayBeKept: false)
        environment = try directory.environment()
        rows = environment.table("rows")
    }

    @Test("a cursor stays at the end it moved past, and comes back to the outermost row")
    func ends() throws {
        let write = try environment.beginWrite()
        for key in 1...3 as ClosedRange<UInt8> { try write.put(rows, [key], [key, key]) }
        var cursor = try write.reading.cursor(rows)
        var seen: [UInt8] = []
        while try cursor.next() { seen.append(cursor.key[0]) }
        #expect(seen == [1, 2, 3])
        #expect(try !cursor.next())
        #expect(try cursor.previous())
        var key = cursor.key[0]
        #expect(key == 3)
        #expect(try cursor.previous() && cursor.previous())
        #expect(try !cursor.previous())
        #expect(try !cursor.previous())
        #expect(try cursor.next())
        key = cursor.key[0]
        #expect(key == 1)
        #expect(try !cursor.seek(atLeast: [4]))
        #expect(try !cursor.next())
        #expect(try !cursor.seek(exactly: [9]))
        #expect(try cursor.next())
        key = cursor.key[0]
        #expect(key == 1)
        #expect(try cursor.seek(atLeast: []) && cursor.first() && cursor.last())
        #expect(try !cursor.seek(exactly: []))
        let isOnRow = cursor.isOnRow
        #expect(!isOnRow)
    }

    @Test("reading a row where there is none stops the process")
    func noRow() async {
        await #expect(processExitsWith: .failure) {
            let environment = try TemporaryDirectory(mayBeKept: false).environment()
            let read = try environment.beginRead()
            let cursor = try read.cursor(environment.table("rows"))
            print(cursor.key.count)
        }
    }

    @Test(
        "a cursor walks as through a sorted array while rows are put and removed around it",
        arguments: 1...8 as ClosedRange<UInt64>
    )
    func likeASortedArray(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let write = try environment.beginWrite()
        // Values of some hundred bytes make many pages, so that the cursor's page splits, merges and moves.
        func value(_ key: UInt64) -> [UInt8] {
            [UInt8](repeating: UInt8(truncatingIfNeeded: key), count: 300)
        }
        var model = Set<UInt64>()
        for _ in 0..<500 {
            let key = UInt64.random(in: 0..<2000, using: &random)
            try write.put(rows, key, value(key))
            model.insert(key)
        }
        var cursor = try write.reading.cursor(rows)
        var place: UInt64? = nil
        for _ in 0..<3000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1, 2:
                let expected = model.filter { key in place.map { key > $0 } ?? true }.min()
                // From outside `next` is the first row: only asked where that is what the model says.
                guard try cursor.next() == (expected != nil) else { throw Unequal(seed: seed) }
                place = expected
            case 3, 4:
                guard let here = place else { continue }
                let expected = model.filter { $0 < here }.max()
                guard try cursor.previous() == (expected != nil) else { throw Unequal(seed: seed) }
                place = expected
            case 5:
                let key = UInt64.random(in: 0..<2000, using: &random)
                let expected = model.filter { $0 >= key }.min()
                guard try cursor.seek(atLeast: key) == (expected != nil) else { throw Unequal(seed: seed) }
                place = expected
            case 6:
                guard cursor.isOnRow, let here = place else { continue }
                try cursor.delete()
                model.remove(here)
            case 7:
                // A row put where one was just removed may be passed over: see `Cursor.delete`.
                guard cursor.isOnRow else { continue }
                let key = UInt64.random(in: 0..<2000, using: &random)
                try write.put(rows, key, value(key))
                model.insert(key)
            case 8:
                guard cursor.isOnRow, let here = place else { continue }
                try cursor.put(value(here))
            default:
                let key = UInt64.random(in: 0..<2000, using: &random)
                guard key != place else { continue }
                #expect(try write.delete(rows, key) == (model.remove(key) != nil))
            }
            if place == nil {
                // Past an end: begin anew inside.
                place = model.min()
                guard try cursor.first() == (place != nil) else { throw Unequal(seed: seed) }
            }
            if cursor.isOnRow {
                guard cursor.integerKey == place, Array(cursor.value) == value(cursor.integerKey) else {
                    throw Unequal(seed: seed)
                }
            }
        }
        #expect(try write.reading.count(rows) == model.count)
    }

    struct Unequal: Error { let seed: UInt64 }
}
