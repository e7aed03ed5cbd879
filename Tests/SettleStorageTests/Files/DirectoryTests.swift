import SettleStorage
import SettleTestSupport
import Testing

@Suite("Directories")
struct DirectoryTests {
    private let place: TemporaryDirectory

    init() throws {
        place = TemporaryDirectory(mayBeKept: false)
        try FileSystem.createDirectory(place.file("a"))
        try FileSystem.replaceFile(place.file("a/file"), with: [1])
    }

    @Test("a directory that is not there is an error")
    func missing() {
        #expect(throws: StorageError.noSuchFile) { try Directory(place.file("b")) }
    }

    @Test(
        "what is asked of an open directory concerns that one, wherever it was moved and whatever has its path"
    )
    func replaced() throws {
        let directory = try Directory(place.file("a"))
        try FileSystem.rename(place.file("a"), to: place.file("moved"))
        try FileSystem.createDirectory(place.file("a"))
        for name in ["file", "other"] { try FileSystem.replaceFile(place.file("a/\(name)"), with: [2]) }
        #expect(try directory.names() == ["file"])
        var bytes: [UInt8] = []
        try BlobFile.open("file", in: directory)?.read(from: 0, count: 10, into: &bytes)
        #expect(bytes == [1])
        #expect(try BlobFile.open("other", in: directory) == nil)
        #expect(try directory.remove("file"))
        #expect(try !directory.remove("other"))
        #expect(try directory.names() == [])
        #expect(try FileSystem.list(place.file("a")) == ["file", "other"])
    }

    @Test("a lock file that is named in a directory is the one in it")
    func lock() throws {
        let directory = try Directory(place.file("a"))
        let inside = try FileLock("lock", in: directory)
        #expect(try inside.tryLock())
        #expect(try !FileLock(path: place.file("a/lock")).tryLock())
        #expect(inside.isInPlace(place.file("a/lock")))
    }

    @Test("an environment is known by its file, not by its path")
    func environments() throws {
        let environment = try place.environment("a/data")
        let directory = try Directory(place.file("a"))
        #expect(directory.holds(environment, as: "data"))
        #expect(!directory.holds(environment, as: "file"))
        #expect(!directory.holds(environment, as: "missing"))
        try FileSystem.rename(place.file("a"), to: place.file("moved"))
        try FileSystem.createDirectory(place.file("a"))
        try FileSystem.replaceFile(place.file("a/data"), with: [2])
        #expect(directory.holds(environment, as: "data"))
        #expect(try !Directory(place.file("a")).holds(environment, as: "data"))
    }
}
