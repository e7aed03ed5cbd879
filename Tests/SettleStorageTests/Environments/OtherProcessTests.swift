import SettleStorage
import SettleTestSupport
import Testing

@Suite("Other processes")
struct OtherProcessTests {
    let directory: TemporaryDirectory
    let environment: Environment
    let rows: Table

    init() throws {
        directory = TemporaryDirectory(mayBeKept: false)
        environment = try Environment(
            path: directory.file("data"),
            tables: ["rows"],
            options: EnvironmentOptions(mapSize: 1 << 30, maximumReaders: 4, durability: .never)
        )
        rows = environment.table("rows")
    }

    @Test("another process's commit is noticed and read")
    func noticed() throws {
        let before = environment.lastTransaction
        #expect(try SecondProcess(directory, "put", environment.path, "colour", "green").wait() == 0)
        #expect(environment.lastTransaction == before + 1)
        #expect(try environment.beginRead().bytes(rows, utf8("colour")) == utf8("green"))
    }

    @Test("the reader slots of a killed process are found and freed")
    func staleReaders() throws {
        let reader = try SecondProcess(directory, "read", environment.path, "2")
        #expect(environment.checkStaleReaders() == 0)
        reader.kill()
        #expect(environment.checkStaleReaders() == 2)
        #expect(environment.checkStaleReaders() == 0)
    }

    @Test("the oldest reader is one of a living process")
    func oldestReader() throws {
        #expect(try environment.oldestReader() == nil)
        let reader = try SecondProcess(directory, "read", environment.path, "1")
        let seen = environment.lastTransaction
        let write = try environment.beginWrite()
        try write.put(rows, [1], [1])
        try write.commit()
        let read = try environment.beginRead()
        #expect(try environment.oldestReader() == seen)
        reader.kill()
        #expect(try environment.oldestReader() == read.id)
        #expect(read.id == seen + 1)
    }

    @Test("a full reader table is an error while its readers live, and none once they are dead")
    func readersFull() throws {
        let reader = try SecondProcess(directory, "read", environment.path, "4")
        #expect(throws: StorageError.readersFull) { _ = try environment.beginRead() }
        reader.kill()
        let read = try environment.beginRead()
        #expect(try read.count(rows) == 0)
    }

    @Test("a writer killed in the middle leaves nothing behind and nobody waiting")
    func killedWriter() throws {
        let write = try environment.beginWrite()
        try write.put(rows, [1], [1])
        try write.commit()
        try SecondProcess(directory, "write", environment.path).kill()
        let next = try environment.beginWrite()
        #expect(try next.reading.bytes(rows, [1]) == [1])
        try next.put(rows, [2], [2])
        try next.commit()
        #expect(try environment.beginRead().count(rows) == 2)
    }

    @Test("a file can be opened while other processes open and close it all the time")
    func openingAmongOthers() throws {
        try directory.environment("shared").close()
        let others = try (0..<2).map { _ in try SecondProcess(directory, "reopen", directory.file("shared")) }
        for number in 0..<200 as Range<UInt64> {
            let shared = try directory.environment("shared")
            let write = try shared.beginWrite()
            try write.put(shared.table("rows"), number, [1])
            try write.commit()
            #expect(try shared.beginRead().count(shared.table("rows")) == Int(number) + 1)
            shared.close()
        }
        for other in others { other.kill() }
    }

    @Test("this process's transactions in many threads need one slot each, and give them back")
    func ownSlots() throws {
        let one = try environment.beginRead()
        let two = try environment.beginRead()
        let three = try environment.beginRead()
        do {
            let four = try environment.beginRead()
            #expect(throws: StorageError.readersFull) { _ = try environment.beginRead() }
            #expect(four.id == one.id)
        }
        #expect(try environment.beginRead().id == two.id)
        #expect(three.id == one.id)
    }
}
