import SettleStorage
import Testing

@Suite("Gzip streams")
struct GzipStreamTests {
    private func run(_ direction: GzipStream.Direction, _ bytes: [UInt8], pieces: Int = .max) throws
        -> [UInt8]
    {
        let stream = try GzipStream(direction)
        var output: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            try stream.append(rest.prefix(pieces), to: &output)
            rest = rest.dropFirst(pieces)
        }
        try stream.finish(to: &output)
        return output
    }

    private func text(_ count: Int) -> [UInt8] {
        (0..<count).map { index -> UInt8 in
            let word: Int = index * index / 7 + index / 1000
            return UInt8(97 + word % 23)
        }
    }

    @Test(
        "What comes out does not depend on how it was cut, and comes back",
        arguments: [0, 1, 5, 70_000, 400_000]
    )
    func pieces(count: Int) throws {
        let whole = try run(.compress, text(count))
        for pieces in [1 + count / 300, 4096, 100_001] {
            #expect(try run(.compress, text(count), pieces: pieces) == whole)
            #expect(try run(.decompress, whole, pieces: pieces) == text(count))
        }
    }

    @Test("The bytes are those that CouchDB stores")
    func couchDB() throws {
        let expected: [UInt8] = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5,
            0, 0, 0,
        ]
        #expect(try run(.compress, Array("hello".utf8)) == expected)
    }

    @Test("Several members are one content, and what follows them is ignored")
    func members() throws {
        let joined = try run(.compress, Array("one".utf8)) + run(.compress, Array("two".utf8))
        for pieces in [1, 7, 1000] {
            #expect(try run(.decompress, joined + [0, 0], pieces: pieces) == Array("onetwo".utf8))
        }
    }

    @Test("Bytes that are damaged, cut short or no gzip are refused")
    func damaged() throws {
        var bytes = try run(.compress, text(1000))
        #expect(throws: StorageError.corrupted) { try run(.decompress, Array(bytes.dropLast())) }
        #expect(throws: StorageError.corrupted) { try run(.decompress, Array("plain".utf8)) }
        bytes[bytes.count - 6] ^= 1
        #expect(throws: StorageError.corrupted) { try run(.decompress, bytes) }
    }
}
