import SettleCore
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Content that is left out of a text")
struct SegmentedBytesTests {
    /// A database with a document whose attachments are of all kinds: empty, small and large, compressed or not, in the
    /// database's file or in one of their own.
    private func makeDatabase(_ seed: UInt64, count: Int = 6) throws -> (TestDatabase, [String: [UInt8]]) {
        var random = SeededGenerator(seed: seed)
        let database = try TestDatabase()
        var contents: [String: [UInt8]] = [:]
        var entries: [EditAttachment] = []
        for number in 0..<count {
            let length = [0, 1, 200, 5000, 70_000, 140_000].randomElement(using: &random) ?? 0
            let isText = Bool.random(using: &random)
            let bytes = noise(length, seed: UInt8(truncatingIfNeeded: number)).map {
                isText ? $0 & 15 | 64 : $0
            }
            let name = "a\(number)"
            contents[name] = bytes
            entries.append(try database.new(name, bytes, isText ? "text/plain" : "image/png"))
        }
        try database.put("a", #"{"n":1}"#, attachments: entries)
        return (database, contents)
    }

    private func document(
        of database: TestDatabase,
        _ options: DocumentOptions,
        room: Int
    ) throws -> SegmentedBytes {
        var output = SegmentedBytes(room: room)
        try database.database.read { snapshot in
            guard let record = try snapshot.document("a") else { return }
            _ = try snapshot.append("a", record, revision: nil, options, to: &output)
        }
        return output
    }

    @Test(
        "a document reads the same however much room there is and however it is taken",
        arguments: 0..<3 as Range<UInt64>
    )
    func anyCut(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (database, contents) = try makeDatabase(seed)
        for options in [.attachments, [.attachments, .encodingInfo, .revisions]] as [DocumentOptions] {
            let whole = try document(of: database, options, room: .max)
            #expect(!whole.omitsContent)
            let members = try JSONValue(parsing: whole.bytes)["_attachments"]
            for (name, bytes) in contents {
                #expect(members?[name]?["data"]?.string == Base64.encoded(bytes), "seed \(seed), \(name)")
            }
            for room in [0, 700, 70_000, 300_000] {
                var rest = try document(of: database, options, room: room)
                let length = rest.length
                var taken: [UInt8] = []
                while !rest.isEmpty {
                    try rest.take(Int.random(in: 1...100_000, using: &random), into: &taken)
                }
                #expect(taken == whole.bytes, "seed \(seed), room \(room)")
                #expect(length ?? UInt64(taken.count) == UInt64(taken.count))
            }
        }
    }

    @Test("many attachments are not all kept open, and come nevertheless")
    func many() throws {
        let (database, _) = try makeDatabase(17, count: 50)
        let whole = try document(of: database, .attachments, room: .max)
        var rest = try document(of: database, .attachments, room: 0)
        var taken: [UInt8] = []
        while !rest.isEmpty { try rest.take(1 << 16, into: &taken) }
        #expect(taken == whole.bytes)
    }

    @Test("content that was left out is there although its document is purged")
    func purged() throws {
        let (database, _) = try makeDatabase(3)
        let whole = try document(of: database, .attachments, room: .max)
        var rest = try document(of: database, .attachments, room: 0)
        #expect(rest.omitsContent)
        let revision = try #require(try database.database.read { try $0.document("a")?.winner.revision })
        _ = try database.database.performBlocking(.purge([("a", [revision])]))
        #expect(try database.state.blobCount == 0)
        var taken: [UInt8] = []
        while !rest.isEmpty { try rest.take(50_000, into: &taken) }
        #expect(taken == whole.bytes)
    }

    @Test("a function that transforms a text moves the content that was left out, or drops it")
    func transformed() throws {
        let (database, contents) = try makeDatabase(5)
        let fields = try FieldSelection(["n", "_attachments.a1.data", "_attachments.a0"])
        for room in [0, 1000, .max] {
            var output = SegmentedBytes([0x5B], room: room)
            try database.database.read { snapshot in
                guard let record = try snapshot.document("a") else { return }
                try output.append { text in
                    _ = try snapshot.append("a", record, revision: nil, .attachments, to: &text)
                } transformed: { text in
                    fields.extract(from: try JSONValue(parsing: text)).bytes
                }
            }
            output.bytes.append(0x5D)
            var taken: [UInt8] = []
            while !output.isEmpty { try output.take(10_000, into: &taken) }
            let document = try JSONValue(parsing: taken).array?.first
            #expect(document?.object?.members.map(\.name) == ["n", "_attachments"])
            #expect(document?["_attachments"]?.object?.members.map(\.name) == ["a1", "a0"])
            for name in ["a0", "a1"] {
                let data = document?["_attachments"]?[name]?["data"]?.string
                #expect(data == Base64.encoded(contents[name] ?? []), "room \(room)")
            }
        }
    }
}
