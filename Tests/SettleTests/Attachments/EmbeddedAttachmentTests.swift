import SettleCore
import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Attachments for apps")
struct EmbeddedAttachmentTests {
    @Test("Bytes, parts and files can be attached, listed, read and removed")
    func everything() async throws {
        let test = try TestDatabase()
        let notes = test.database
        let text = Array("some words".utf8)
        let first = try await notes.attach(text, named: "words.txt", contentType: "text/plain", to: "a")
        let parts = AsyncStream<[UInt8]> { continuation in
            for start in 0..<50 { continuation.yield(noise(9000, seed: UInt8(start))) }
            continuation.finish()
        }
        let second = try await notes.attach(
            parts,
            named: "n",
            contentType: "image/png",
            to: "a",
            replacing: first
        )
        try FileSystem.replaceFile("\(test.directory.path)/source", with: noise(700_000))
        let third = try await notes.attach(
            fileAt: "\(test.directory.path)/source",
            named: "file",
            contentType: "video/mp4",
            to: "a",
            replacing: second
        )
        #expect(try notes.attachments(of: "a").map(\.name) == ["file", "n", "words.txt"])
        #expect(try notes.attachments(of: "a").map(\.length) == [700_000, 450_000, 10])
        #expect(try notes.attachments(of: "a").map(\.generation) == [3, 2, 1])
        #expect(try notes.attachments(of: "a", revision: first).map(\.contentType) == ["text/plain"])
        #expect(try notes.attachment("words.txt", of: "a")?.bytes() == text)
        var read: [UInt8] = []
        for try await part in try #require(try notes.attachment("file", of: "a")) { read += part }
        #expect(read == noise(700_000))
        #expect(
            try notes.attachment("n", of: "a")?.bytes() == (0..<50).flatMap { noise(9000, seed: UInt8($0)) }
        )

        let fourth = try await notes.removeAttachment("n", from: "a", replacing: third)
        #expect(try notes.attachments(of: "a").map(\.name) == ["file", "words.txt"])
        #expect(try await notes.removeAttachment("n", from: "a", replacing: #require(fourth)) == nil)
        #expect(try notes.attachment("n", of: "a") == nil)
        #expect(try notes.document("a")?.members.isEmpty == true)
        #expect(try notes.check() == [])
    }

    @Test("Content that compresses a thousandfold is still read in small parts")
    func smallParts() async throws {
        let test = try TestDatabase()
        let notes = test.database
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 5_000_000)
        try await notes.attach(text, named: "f", contentType: "text/plain", to: "a")
        var (length, largest) = (0, 0)
        for try await part in try #require(try notes.attachment("f", of: "a")) {
            #expect(part.allSatisfy { $0 == UInt8(ascii: "a") })
            length += part.count
            largest = max(largest, part.count)
        }
        #expect(length == text.count)
        #expect(largest < 400_000)
        #expect(try test.database.check() == [])
    }

    @Test("An ordinary edit keeps the attachments; a deletion has none")
    func keeping() async throws {
        let test = try TestDatabase()
        let notes = test.database
        let first = try await notes.put(["n": 1], at: "a")
        let second = try await notes.attach(
            [1, 2],
            named: "x",
            contentType: "a/b",
            to: "a",
            replacing: first
        )
        let third = try await notes.put(["n": 2], at: "a", replacing: second)
        #expect(try notes.attachments(of: "a").map(\.name) == ["x"])
        #expect(try notes.document("a")?["n"] == 2)
        try await notes.delete("a", third)
        #expect(try test.database.attachments(of: "a") == [])
    }

    @Test("What is refused is refused in words")
    func refusals() async throws {
        let test = try TestDatabase()
        let notes = test.database
        let first = try await notes.put(["n": 1], at: "a")
        await #expect(throws: SettleError(.conflict)) {
            try await notes.attach([1], named: "x", contentType: "a/b", to: "a")
        }
        await #expect(throws: SettleError(.conflict)) {
            try await notes.attach([1], named: "x", contentType: "a/b", to: "missing", replacing: first)
        }
        await #expect(
            throws: SettleError(.badRequest, "Attachment name '_x' starts with prohibited character '_'")
        ) {
            try await notes.attach([1], named: "_x", contentType: "a/b", to: "a", replacing: first)
        }
        await #expect(throws: SettleError(.notFound, "There is no file /nowhere.")) {
            try await notes.attach(
                fileAt: "/nowhere",
                named: "x",
                contentType: "a/b",
                to: "a",
                replacing: first
            )
        }
        #expect(try test.database.attachments(of: "a") == [])
    }
}
