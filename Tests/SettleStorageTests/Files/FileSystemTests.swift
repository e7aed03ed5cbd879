import Foundation
import SettleStorage
import SettleTestSupport
import Testing

@Suite("Files")
struct FileSystemTests {
    let directory = TemporaryDirectory(mayBeKept: false)

    @Test("a small file is replaced as a whole and read back", arguments: [0, 1, 100_000])
    func replace(_ length: Int) throws {
        let path = directory.file("small")
        #expect(try FileSystem.readFile(path) == nil)
        #expect(try FileSystem.size(path) == nil)
        try FileSystem.replaceFile(path, with: utf8("before"))
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        try FileSystem.replaceFile(path, with: bytes)
        #expect(try FileSystem.readFile(path) == bytes)
        #expect(try FileSystem.size(path) == length)
        #expect(try FileSystem.list(directory.path) == ["small"])
    }

    #if os(Linux)
    @Test("a full disk says so and leaves the old file")
    func diskFull() throws {
        let path = directory.file("small")
        try FileSystem.replaceFile(path, with: utf8("before"))
        // The draft's name leads to the device that is always full.
        try FileManager.default.createSymbolicLink(atPath: path + ".new", withDestinationPath: "/dev/full")
        #expect(throws: StorageError.diskFull) { try FileSystem.replaceFile(path, with: utf8("after")) }
        #expect(try FileSystem.readFile(path) == utf8("before"))
        #expect(try FileSystem.list(directory.path) == ["small"])
    }
    #endif

    @Test("names are listed in the order of their bytes")
    func list() throws {
        for name in ["b", "a", "B", "é", "a.settle"] {
            try FileSystem.replaceFile(directory.file(name), with: [])
        }
        try FileSystem.createDirectory(directory.file("c"))
        #expect(try FileSystem.list(directory.path) == ["B", "a", "a.settle", "b", "c", "é"])
        #expect(throws: StorageError.noSuchFile) { try FileSystem.list(directory.file("missing")) }
    }

    @Test("a tree is removed whole, and links in it are not followed")
    func removeTree() throws {
        let kept = directory.file("kept")
        try FileSystem.replaceFile(kept, with: [1])
        let tree = directory.file("tree")
        for path in [tree, tree + "/inner", tree + "/inner/most"] { try FileSystem.createDirectory(path) }
        try FileSystem.replaceFile(tree + "/inner/file", with: [1])
        try FileManager.default.createSymbolicLink(
            atPath: tree + "/link",
            withDestinationPath: directory.path
        )
        #expect(try FileSystem.removeTree(tree))
        #expect(try !FileSystem.removeTree(tree))
        #expect(!FileSystem.exists(tree))
        #expect(try FileSystem.readFile(kept) == [1])
        #expect(try FileSystem.removeTree(kept))
        #expect(try !FileSystem.remove(kept))
    }

    @Test("a directory is made once, and not where a file is")
    func createDirectory() throws {
        let path = directory.file("made")
        try FileSystem.createDirectory(path)
        try FileSystem.createDirectory(path)
        #expect(FileSystem.isDirectory(path))
        try FileSystem.replaceFile(directory.file("file"), with: [])
        #expect(!FileSystem.isDirectory(directory.file("file")))
        #expect(throws: StorageError.system(errno: EEXIST)) {
            try FileSystem.createDirectory(directory.file("file"))
        }
        #expect(throws: StorageError.noSuchFile) {
            try FileSystem.createDirectory(directory.file("no/where"))
        }
    }

    @Test("a rename replaces what had the name; files and directories can be synced")
    func rename() throws {
        try FileSystem.replaceFile(directory.file("one"), with: [1])
        try FileSystem.replaceFile(directory.file("two"), with: [2])
        try FileSystem.rename(directory.file("one"), to: directory.file("two"))
        try FileSystem.syncFile(directory.file("two"))
        try FileSystem.syncDirectory(directory.path)
        #expect(try FileSystem.readFile(directory.file("two")) == [1])
        #expect(throws: StorageError.noSuchFile) {
            try FileSystem.rename(directory.file("one"), to: directory.file("two"))
        }
        #expect(throws: StorageError.noSuchFile) { try FileSystem.syncFile(directory.file("one")) }
        #expect(try FileSystem.availableBytes(directory.path) > 0)
    }
}

@Suite("File locks")
struct FileLockTests {
    let directory = TemporaryDirectory(mayBeKept: false)

    @Test("one holder at a time, in one process too")
    func exclusive() throws {
        let one = try FileLock(path: directory.file("lock"))
        let two = try FileLock(path: directory.file("lock"))
        #expect(try one.tryLock())
        #expect(try one.tryLock())
        #expect(try !two.tryLock())
        one.unlock()
        #expect(try two.tryLock())
        #expect(try !one.tryLock())
    }

    @Test("a lock goes with its object")
    func released() throws {
        do {
            let one = try FileLock(path: directory.file("lock"))
            #expect(try one.tryLock())
        }
        #expect(try FileLock(path: directory.file("lock")).tryLock())
    }

    @Test("another process's lock is respected until that process is killed")
    func otherProcess() throws {
        let holder = try SecondProcess(directory, "lock", directory.file("lock"))
        let lock = try FileLock(path: directory.file("lock"))
        #expect(try !lock.tryLock())
        holder.kill()
        #expect(try lock.tryLock())
    }
}
