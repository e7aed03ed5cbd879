import Foundation
import SettleStorage
import SettleTestSupport
import Synchronization
import Testing

@Suite("Environments")
struct EnvironmentTests {
    let directory = TemporaryDirectory(mayBeKept: false)

    @Test("what one environment wrote the next one reads")
    func reopen() throws {
        do {
            let environment = try directory.environment(tables: ["rows", "other"])
            let write = try environment.beginWrite()
            try write.put(environment.table("rows"), utf8("a"), utf8("1"))
            try write.commit()
            try environment.sync()
            environment.close()
        }
        let environment = try directory.environment(tables: ["rows", "newer", "other"])
        #expect(try environment.beginRead().bytes(environment.table("rows"), utf8("a")) == utf8("1"))
        #expect(try environment.beginRead().count(environment.table("newer")) == 0)
    }

    @Test("a file is opened once per process, whatever its path is called, and again after it was closed")
    func openOnce() throws {
        let environment = try directory.environment()
        #expect(throws: StorageError.alreadyOpen) { _ = try directory.environment() }
        #expect(throws: StorageError.alreadyOpen) { _ = try directory.environment("./data") }
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("link"),
            withDestinationPath: directory.file("data")
        )
        #expect(throws: StorageError.alreadyOpen) { _ = try directory.environment("link") }
        #expect(throws: StorageError.alreadyOpen) { _ = try directory.environment() }
        _ = try environment.beginRead()
        environment.close()
        #expect(try directory.environment("link").beginRead().id == 1)
    }

    @Test("a closed environment refuses transactions; closing again does nothing")
    func closed() throws {
        let environment = try directory.environment()
        _ = try environment.beginRead()
        environment.close()
        environment.close()
        #expect(throws: StorageError.closed) { _ = try environment.beginRead() }
        #expect(throws: StorageError.closed) { _ = try environment.beginWrite() }
        #expect(throws: StorageError.closed) { try environment.growMap() }
        #expect(throws: StorageError.closed) { try environment.sync() }
        #expect(environment.lastTransaction == 0)
        #expect(environment.mapSize == 0)
        #expect(environment.checkStaleReaders() == 0)
    }

    @Test("closing waits for the transactions that are there", .timeLimit(.minutes(1)))
    func closeWaits() throws {
        let environment = try directory.environment()
        let rows = environment.table("rows")
        let write = try environment.beginWrite()
        try write.put(rows, utf8("a"), utf8("1"))
        let closing: BackgroundTask
        do {
            let read = try environment.beginRead()
            closing = BackgroundTask { environment.close() }
            while (try? environment.beginRead().id) != nil { Thread.sleep(forTimeInterval: 0.001) }
            #expect(!closing.isFinished)
            #expect(try read.bytes(rows, utf8("a")) == nil)
        }
        #expect(!closing.isFinished)
        try write.commit()
        closing.wait()
        let again = try directory.environment()
        #expect(try again.beginRead().bytes(again.table("rows"), utf8("a")) == utf8("1"))
    }

    @Test("what cannot be opened says why, and can be opened once that is put right")
    func cannotOpen() throws {
        #expect(throws: StorageError.noSuchFile) { _ = try directory.environment("missing/data") }
        try FileSystem.replaceFile(directory.file("data"), with: [UInt8](repeating: 65, count: 10_000))
        #expect(throws: StorageError.notADatabase) { _ = try directory.environment() }
        try FileSystem.remove(directory.file("data"))
        #expect(throws: StorageError.tooManyTables) {
            let options = EnvironmentOptions(maximumTables: 1)
            _ = try Environment(path: directory.file("data"), tables: ["a", "b"], options: options)
        }
        _ = try directory.environment()
    }

    @Test("a read-only environment reads, and refuses to write or to create")
    func readOnly() throws {
        let options = EnvironmentOptions(isReadOnly: true)
        #expect(throws: StorageError.noSuchFile) {
            _ = try Environment(path: directory.file("data"), tables: ["rows"], options: options)
        }
        #expect(!FileSystem.exists(directory.file("data")))
        try directory.environment().close()
        #expect(throws: StorageError.noSuchTable) {
            _ = try Environment(path: directory.file("data"), tables: ["rows", "other"], options: options)
        }
        let environment = try Environment(path: directory.file("data"), tables: ["rows"], options: options)
        #expect(try environment.beginRead().count(environment.table("rows")) == 0)
        #expect(throws: StorageError.noPermission) { _ = try environment.beginWrite() }
    }

    @Test(
        "a copy holds what was committed; a compacting one leaves free pages out",
        arguments: [false, true]
    )
    func copy(compacting: Bool) throws {
        let environment = try directory.environment()
        let rows = environment.table("rows")
        var write = try environment.beginWrite()
        for key in 0..<200 { try write.put(rows, utf8("\(key)"), [UInt8](repeating: 1, count: 4000)) }
        try write.commit()
        write = try environment.beginWrite()
        for key in 10..<200 { try write.delete(rows, utf8("\(key)")) }
        try write.commit()

        try environment.copy(to: directory.file("copy"), compacting: compacting)
        let copy = try directory.environment("copy")
        let read = try copy.beginRead()
        #expect(try read.count(copy.table("rows")) == 10)
        #expect(try read.bytes(copy.table("rows"), utf8("7"))?.count == 4000)
        #expect((copy.usedBytes < environment.usedBytes / 4) == compacting)
        #expect(throws: StorageError.system(errno: EEXIST)) {
            try environment.copy(to: directory.file("copy"), compacting: compacting)
        }
    }

    @Test(
        "a full disk refuses the transaction and loses nothing",
        .enabled(if: SmallDisk.isPossible, "Only root can mount a small disk, and only on Linux.")
    )
    func fullDisk() throws {
        let disk = try SmallDisk(bytes: 1 << 20)
        let path = disk.path + "/data"
        let environment = try Environment(path: path, tables: ["rows"])
        let rows = environment.table("rows")
        var written = 0
        #expect(throws: StorageError.diskFull) {
            while true {
                let write = try environment.beginWrite()
                try write.put(rows, UInt64(written), [UInt8](repeating: 1, count: 20_000))
                try write.commit()
                written += 1
            }
        }
        #expect(written > 10)
        #expect(try environment.beginRead().count(rows) == written)
        #expect(throws: StorageError.diskFull) {
            let write = try environment.beginWrite()
            try write.put(rows, UInt64(written), [UInt8](repeating: 1, count: 20_000))
            try write.commit()
        }
        environment.close()
        let again = try Environment(path: path, tables: ["rows"])
        #expect(try again.beginRead().count(again.table("rows")) == written)
        #expect(try again.beginRead().bytes(again.table("rows"), UInt64(written - 1))?.count == 20_000)
    }

    @Test("readers on many threads always see whole transactions while a writer writes")
    func manyReaders() throws {
        let environment = try directory.environment()
        let rows = environment.table("rows")
        let rounds = 300 as UInt64
        func writeBoth(_ number: UInt64) throws {
            let write = try environment.beginWrite()
            try write.put(rows, utf8("left"), utf8("\(number)"))
            try write.put(rows, utf8("right"), utf8("\(number)"))
            try write.commit()
        }
        try writeBoth(0)
        let readers = (0..<8).map { _ in
            BackgroundTask {
                do {
                    var lastSeen: UInt64 = 0
                    while lastSeen < rounds {
                        let read = try environment.beginRead()
                        let left = try read.bytes(rows, utf8("left"))
                        let right = try read.bytes(rows, utf8("right"))
                        let number = UInt64(String(decoding: left ?? [], as: UTF8.self)) ?? 0
                        guard left == right, number >= lastSeen else {
                            Issue.record("torn or older: \(left ?? []) \(right ?? []) after \(lastSeen)")
                            return
                        }
                        lastSeen = number
                    }
                } catch {
                    Issue.record(error)
                }
            }
        }
        for round in 1...rounds { try writeBoth(round) }
        for reader in readers { reader.wait() }
        #expect(environment.checkStaleReaders() == 0)
    }

    @Test("writers on many threads take turns")
    func manyWriters() throws {
        let environment = try directory.environment()
        let rows = environment.table("rows")
        let writers = (0..<4).map { _ in
            BackgroundTask {
                do {
                    for _ in 0..<50 {
                        let write = try environment.beginWrite()
                        let old = try write.reading.bytes(rows, utf8("count"))
                        let count = old.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
                        try write.put(rows, utf8("count"), utf8("\(count + 1)"))
                        try write.commit()
                    }
                } catch {
                    Issue.record(error)
                }
            }
        }
        for writer in writers { writer.wait() }
        #expect(try environment.beginRead().bytes(rows, utf8("count")) == utf8("200"))
    }

    @Test("a write transaction that ends on another thread stops the process")
    func wrongThread() async {
        await #expect(processExitsWith: .failure) {
            let environment = try TemporaryDirectory(mayBeKept: false).environment()
            let hand = Hand(try environment.beginWrite())
            BackgroundTask { hand.drop() }.wait()
        }
    }
}

/// Carries a write transaction to where it must not go.
private final class Hand: @unchecked Sendable {
    private var held: WriteTransaction?

    init(_ transaction: consuming WriteTransaction) { held = consume transaction }

    func drop() { held = nil }
}

@Suite("Removing environments")
struct RemovingTests {
    private let directory = TemporaryDirectory(mayBeKept: false)

    @Test("a file that must exist is not made")
    func mustExist() throws {
        var options = EnvironmentOptions(mapSize: 1 << 20, durability: .never)
        options.mustExist = true
        #expect(throws: StorageError.noSuchFile) {
            try Environment(path: directory.file("none"), tables: ["rows"], options: options)
        }
        #expect(try !FileSystem.list(directory.path).contains { $0.hasPrefix("none") })
    }

    // LMDB made a new file then, and shared the old one's lock file with those who had that open: its first commit took
    // their last one back, and what they wrote next went into a file without a name.
    @Test("an opening that waited for the file's removal finds no file")
    func removedWhileOpening() throws {
        try directory.environment("old").close()
        let removing = try FileLock(path: directory.file("old"))
        #expect(try removing.tryLock())
        var options = EnvironmentOptions(mapSize: 1 << 20, durability: .never)
        options.mustExist = true
        let path = directory.file("old")
        let failure = Mutex<StorageError?>(nil)
        let opening = BackgroundTask { [options] in
            do throws(StorageError) {
                _ = try Environment(path: path, tables: ["rows"], options: options)
            } catch {
                failure.withLock { $0 = error }
            }
        }
        // Long enough to come as far as it gets; if it is later, there is nothing left to open.
        Thread.sleep(forTimeInterval: 0.02)
        try FileSystem.remove(path)
        removing.unlock()
        opening.wait()
        #expect(failure.withLock { $0 } == .noSuchFile)
    }

    @Test("who has a removed file open goes on with it, and a new one in its place is another")
    func removed() throws {
        let old = try directory.environment("one")
        try put(old, [1])
        try Environment.remove("one", in: Directory(directory.path))
        #expect(try FileSystem.list(directory.path).filter { $0.hasPrefix("one") } == [])
        let new = try directory.environment("one")
        try put(new, [2])
        try put(old, [3])
        #expect(try old.beginRead().count(old.table("rows")) == 2)
        #expect(try new.beginRead().count(new.table("rows")) == 1)
        try Environment.remove("missing", in: Directory(directory.path))
    }

    private func put(_ environment: Environment, _ key: [UInt8]) throws {
        let transaction = try environment.beginWrite()
        try transaction.put(environment.table("rows"), key, [1])
        try transaction.commit()
    }
}
