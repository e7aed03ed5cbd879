import Foundation
import SettleStorage
import SettleTestSupport
import Testing

@Suite("The map")
struct MapTests {
    let directory: TemporaryDirectory
    let environment: Environment
    let rows: Table

    init() throws {
        directory = TemporaryDirectory(mayBeKept: false)
        environment = try directory.environment(mapSize: 1 << 20)
        rows = environment.table("rows")
    }

    /// Puts rows of 16 KiB until the map is full; how many found room.
    private func fill() throws -> Int {
        let value = [UInt8](repeating: 1, count: 16_384)
        for number in 0..<100_000 as Range<UInt64> {
            let write = try environment.beginWrite()
            do throws(StorageError) {
                try write.put(rows, number, value)
                try write.commit()
            } catch .mapFull {
                return Int(number)
            }
        }
        return 100_000
    }

    @Test("a full map refuses the transaction, loses nothing, and takes it after it grew")
    func grow() throws {
        let before = try fill()
        #expect((20..<64).contains(before))
        #expect(try environment.beginRead().count(rows) == before)
        #expect(environment.usedBytes <= environment.mapSize)
        try environment.growMap()
        #expect(environment.mapSize == 2 << 20)
        let after = try fill()
        #expect(after > before + 40)
        #expect(try environment.beginRead().count(rows) == after)
        #expect(try environment.beginRead().bytes(rows, 0 as UInt64)?.count == 16_384)
    }

    @Test("an impossible growth is refused and the environment goes on")
    func growTooFar() throws {
        let huge = try Environment(
            path: directory.file("huge"),
            tables: ["rows"],
            options: EnvironmentOptions(mapSize: 1 << 46, durability: .never)
        )
        #expect(throws: StorageError.outOfMemory) { while true { try huge.growMap() } }
        let write = try huge.beginWrite()
        try write.put(huge.table("rows"), [1], [2])
        try write.commit()
        #expect(try huge.beginRead().bytes(huge.table("rows"), [1]) == [2])
    }

    @Test(
        "growth waits for the readers that are there, and lets in those that wait too long",
        .timeLimit(.minutes(1))
    )
    func growWithReaders() throws {
        _ = try fill()
        let environment = environment
        let growth: BackgroundTask
        do {
            let read = try environment.beginRead()
            let span = try #require(try read.bytes(rows, 3 as UInt64))
            growth = BackgroundTask {
                do { try environment.growMap() } catch { Issue.record(error) }
            }
            // These begin while growth waits for `read`: would they wait for growth, nothing would go on.
            for _ in 0..<5 {
                let nested = try environment.beginRead()
                #expect(try nested.bytes(rows, 3 as UInt64) == span)
            }
            #expect(!growth.isFinished)
            #expect(environment.mapSize == 1 << 20)
            #expect(try read.bytes(rows, 3 as UInt64) == span)
        }
        growth.wait()
        #expect(environment.mapSize == 2 << 20)
    }

    @Test("growth among readers on many threads disturbs none of them")
    func growAmongReaders() throws {
        let before = try fill()
        let environment = environment
        let rows = rows
        let readers = (0..<6).map { _ in
            BackgroundTask {
                do {
                    for _ in 0..<400 {
                        let read = try environment.beginRead()
                        var seen = 0
                        var cursor = try read.cursor(rows)
                        while try cursor.next() { seen += cursor.value.count }
                        if seen < before * 16_384 { Issue.record("rows are missing: \(seen)") }
                    }
                } catch {
                    Issue.record(error)
                }
            }
        }
        for _ in 0..<8 { try environment.growMap() }
        for reader in readers { reader.wait() }
        #expect(environment.mapSize == 256 << 20)
    }

    @Test("readers and writers follow a map that another process made larger")
    func resizedElsewhere() throws {
        _ = try environment.beginRead()
        let second = try SecondProcess(directory, "fill", environment.path, "\(256 << 20)", "20", "1000000")
        #expect(second.wait() == 0)
        #expect(try environment.beginRead().bytes(rows, utf8("filled-19"))?.count == 1_000_000)
        #expect(environment.mapSize == 256 << 20)

        let third = try SecondProcess(directory, "fill", environment.path, "\(1 << 30)", "300", "1000000")
        #expect(third.wait() == 0)
        let write = try environment.beginWrite()
        try write.put(rows, [1], [2])
        try write.commit()
        #expect(try environment.beginRead().count(rows) == 301)
    }

    @Test("a file larger than the map it is opened with can be read, and written after growth")
    func openedSmall() throws {
        let second = try SecondProcess(
            directory,
            "fill",
            directory.file("other"),
            "\(256 << 20)",
            "20",
            "1000000"
        )
        #expect(second.wait() == 0)
        let other = try directory.environment("other", mapSize: 1 << 20)
        let rows = other.table("rows")
        #expect(try other.beginRead().bytes(rows, utf8("filled-19"))?.count == 1_000_000)
        let value = [UInt8](repeating: 1, count: 10_000_000)
        #expect(throws: StorageError.mapFull) {
            let write = try other.beginWrite()
            try write.put(rows, [1], value)
        }
        try other.growMap()
        let write = try other.beginWrite()
        try write.put(rows, [1], value)
        try write.commit()
        #expect(try other.beginRead().count(rows) == 21)
    }
}
