// What a database knows about itself: a handful of named rows in `meta`.
//
// `state` changes with every commit and is one fixed-size row, so that a commit writes one page for it; the others
// change rarely. `life` is read first in every transaction: an environment file is never replaced or deleted silently,
// the last transaction in it says what became of it.

import SettleCore
import SettleStorage

/// The counters that move with every commit.
package struct DatabaseState: Hashable, Sendable {
    /// The newest update sequence given out; 0 in an empty database.
    package var sequence: UInt64 = 0
    /// The number that the next stored body gets.
    package var nextBody: UInt64 = BodyNumber.first
    /// The number that the next new document gets.
    package var nextDocument: UInt64 = 1
    /// Documents whose winner is not deleted.
    package var documentCount: UInt64 = 0
    /// Documents whose winner is a tombstone.
    package var deletedCount: UInt64 = 0
    /// Bytes of the bodies of all leaves.
    package var liveBytes: UInt64 = 0
    /// Bytes of the bodies that are kept though no leaf has them any more.
    package var supersededBytes: UInt64 = 0
    /// The newest purge sequence.
    package var purgeSequence: UInt64 = 0
    /// The number that the next file of an attachment gets.
    package var nextFile: UInt64 = 1
    /// How many blobs there are; while it is 0, no body has attachments.
    package var blobCount: UInt64 = 0
    /// Bytes of all blobs, each counted once.
    package var blobBytes: UInt64 = 0
    /// Counts changes of what decides whether documents may be written: design documents and the security object.
    package var rulesVersion: UInt64 = 0
}

extension DatabaseState {
    private static let length = 96
    /// Before there was a version of the rules.
    private static let earlierLength = 88

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        for number in [
            sequence, nextBody, nextDocument, documentCount, deletedCount, liveBytes, supersededBytes,
            purgeSequence, nextFile, blobCount, blobBytes, rulesVersion,
        ] {
            bytes.appendBigEndian(number)
        }
        return bytes
    }

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        guard bytes.count == Self.length || bytes.count == Self.earlierLength else { throw .corrupted }
        sequence = bytes.bigEndian(at: 0)
        nextBody = bytes.bigEndian(at: 8)
        nextDocument = bytes.bigEndian(at: 16)
        documentCount = bytes.bigEndian(at: 24)
        deletedCount = bytes.bigEndian(at: 32)
        liveBytes = bytes.bigEndian(at: 40)
        supersededBytes = bytes.bigEndian(at: 48)
        purgeSequence = bytes.bigEndian(at: 56)
        nextFile = bytes.bigEndian(at: 64)
        blobCount = bytes.bigEndian(at: 72)
        blobBytes = bytes.bigEndian(at: 80)
        rulesVersion = bytes.count == Self.length ? bytes.bigEndian(at: 88) : 0
    }
}

/// Who a database is: set when it is created, and again when it is restored from a copy.
package struct DatabaseIdentity: Hashable, Sendable {
    /// 16 random bytes in hexadecimal.
    package var uuid: String
    /// Marks the sequences of this life of the database, `N-<8 hex digits>` on the wire.
    package var incarnation: UInt32
    /// When it was created, in microseconds since 1970.
    package var created: UInt64
}

extension DatabaseIdentity {
    static func new() -> DatabaseIdentity {
        var generator = SystemRandomNumberGenerator()
        let digest = RevisionDigest(high: generator.next(), low: generator.next())
        var uuid: [UInt8] = []
        digest.append(to: &uuid)
        return DatabaseIdentity(
            uuid: String(decoding: uuid, as: UTF8.self),
            incarnation: UInt32.random(in: 1...UInt32.max),
            created: Clock.microseconds()
        )
    }

    var encoded: [UInt8] {
        var bytes = Array(uuid.utf8)
        bytes.appendBigEndian(UInt64(incarnation))
        bytes.appendBigEndian(created)
        return bytes
    }

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        guard bytes.count == 48 else { throw .corrupted }
        uuid = String(decoding: [UInt8](bytes.extracting(0..<32)), as: UTF8.self)
        incarnation = UInt32(truncatingIfNeeded: bytes.bigEndian(at: 32))
        created = bytes.bigEndian(at: 40)
    }
}

/// What became of an environment file.
enum EnvironmentLife: Equatable {
    /// It is the database.
    case live
    /// A compacted copy with this generation took its place.
    case retired(next: UInt64)
    /// The database was deleted.
    case deleted

    var encoded: [UInt8] {
        switch self {
        case .live: return [0]
        case .retired(let next):
            var bytes: [UInt8] = [1]
            bytes.appendBigEndian(next)
            return bytes
        case .deleted: return [2]
        }
    }

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        guard bytes.count > 0 else { throw .corrupted }
        switch bytes[0] {
        case 0: self = .live
        case 1 where bytes.count == 9: self = .retired(next: bytes.bigEndian(at: 1))
        case 2: self = .deleted
        default: throw .corrupted
        }
    }
}

/// The names of the rows in `meta`.
enum MetaKey {
    static let format = Array("format".utf8)
    static let identity = Array("identity".utf8)
    static let life = Array("life".utf8)
    static let state = Array("state".utf8)
    static let security = Array("security".utf8)
    static let revisionsLimit = Array("revisions limit".utf8)
    static let purgedInfosLimit = Array("purged infos limit".utf8)
    static let removedFiles = Array("removed files".utf8)
}

/// The version of the file format that this code writes, and the only one it reads.
let fileFormatVersion: UInt64 = 1

extension Array where Element == UInt8 {
    /// Appends eight bytes, most significant first, so that byte order is number order.
    mutating func appendBigEndian(_ number: UInt64) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

extension Span where Element == UInt8 {
    /// Reads eight bytes, most significant first; the caller has checked that they are there.
    func bigEndian(at offset: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in offset..<offset + 8 {
            number = number << 8 | UInt64(self[index])
        }
        return number
    }
}
