// Reading stored bytes where they lie, without copying them: varints, digests, text.
//
// Every function takes the span and an offset that it moves on, checks that the bytes are there, and throws
// `.corrupted` if not: what is read comes from a file.

import SettleCore
import SettleStorage

extension Span where Element == UInt8 {
    /// Reads one byte.
    func byte(_ offset: inout Int) throws(StorageError) -> UInt8 {
        guard offset < count else { throw .corrupted }
        defer { offset += 1 }
        return self[offset]
    }

    /// Reads a varint.
    func varint(_ offset: inout Int) throws(StorageError) -> UInt64 {
        guard let number = readVarint(self, at: &offset) else { throw .corrupted }
        return number
    }

    /// Reads that many bytes.
    func take(_ length: Int, _ offset: inout Int) throws(StorageError) -> [UInt8] {
        guard length <= count - offset else { throw .corrupted }
        defer { offset += length }
        return [UInt8](extracting(offset..<offset + length))
    }

    /// Reads a varint length and that many bytes.
    func text(_ offset: inout Int) throws(StorageError) -> [UInt8] {
        let length = try varint(&offset)
        guard length <= UInt64(count - offset) else { throw .corrupted }
        return try take(Int(length), &offset)
    }

    /// Reads a digest: 16 bytes, or a length and that many bytes where `isText`.
    func digest(_ offset: inout Int, isText: Bool) throws(StorageError) -> RevisionDigest {
        guard isText else {
            guard offset + 16 <= count else { throw .corrupted }
            defer { offset += 16 }
            return RevisionDigest(high: bigEndian(at: offset), low: bigEndian(at: offset + 8))
        }
        let length = try varint(&offset)
        guard length <= UInt64(count - offset) else { throw .corrupted }
        defer { offset += Int(length) }
        return RevisionDigest(bytes: [UInt8](extracting(offset..<offset + Int(length))))
    }
}

extension Array where Element == UInt8 {
    /// Appends the bytes that `Span.digest` reads; `isText` is told apart by the caller's flags.
    mutating func appendDigest(_ digest: RevisionDigest) {
        guard let text = digest.other else {
            appendBigEndian(digest.high)
            appendBigEndian(digest.low)
            return
        }
        appendVarint(UInt64(text.count), to: &self)
        append(contentsOf: text)
    }
}
