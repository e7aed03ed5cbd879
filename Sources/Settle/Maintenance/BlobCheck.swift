// The part of the consistency check that reads every attachment: what the bodies say of blobs, what the rows say, and
// what the bytes are.

import Crypto
import SettleCore
import SettleStorage

/// What the stored bodies say of one blob.
struct BlobUse {
    var count: UInt64 = 0
    private var length: UInt64?
    private var md5: [UInt8] = []
    /// Whether two entries say different things of the same bytes.
    private(set) var isContradictory = false

    /// Takes in what one entry says.
    mutating func note(_ attachment: Attachment) {
        count += 1
        if let length, length != attachment.storedLength || md5 != attachment.md5 { isContradictory = true }
        length = attachment.storedLength
        md5 = attachment.md5
    }

    func agrees(with row: BlobRow) -> Bool { length == row.length && md5 == row.md5 }
}

/// Holds the blobs of a snapshot against the bodies, the files and themselves.
enum BlobCheck {
    static func run(
        _ snapshot: borrowing Snapshot,
        uses: [BlobKey: BlobUse],
        find: (String) -> Void
    ) throws {
        let state = try snapshot.state
        var uses = uses
        var count: UInt64 = 0
        var bytes: UInt64 = 0
        var inline = 0
        var files: Set<UInt64> = []
        var cursor = try snapshot.transaction.cursor(snapshot.tables.blobs)
        while try cursor.next() {
            guard let key = BlobKey(bytes: [UInt8](cursor.key)),
                let row = try? BlobRow(decoding: cursor.value)
            else {
                find("blobs: a row is damaged")
                continue
            }
            let name = "blobs: \(name(key))"
            count += 1
            bytes += row.length
            if row.file == 0 { inline += 1 }
            if row.file >= state.nextFile { find("\(name): file \(row.file) was never given out") }
            if row.file != 0, !files.insert(row.file).inserted {
                find("\(name): file \(row.file) is another's too")
            }
            if let use = uses.removeValue(forKey: key) {
                if use.count != row.uses { find("\(name) has \(row.uses) uses, \(use.count) found") }
                if use.isContradictory || !use.agrees(with: row) { find("\(name) is described in two ways") }
            } else {
                find("\(name) belongs to nothing")
            }
            if let fault = try fault(key, row, snapshot) { find("\(name) \(fault)") }
        }
        for key in uses.keys { find("blobs: \(name(key)) is missing") }
        if count != state.blobCount { find("state: \(state.blobCount) blobs, \(count) found") }
        if bytes != state.blobBytes { find("state: \(state.blobBytes) bytes of blobs, \(bytes) found") }
        let rows = try snapshot.transaction.count(snapshot.tables.blobBytes)
        if rows != inline { find("blob_bytes: \(rows) rows, \(inline) belong to blobs") }
        try leftovers(files, snapshot, find: find)
    }

    /// What is wrong with the bytes of a blob; nil if nothing is.
    private static func fault(_ key: BlobKey, _ row: BlobRow, _ snapshot: borrowing Snapshot) throws
        -> String?
    {
        var sha256 = SHA256()
        var md5 = Insecure.MD5()
        var length: UInt64 = 0
        if row.file == 0 {
            guard let bytes = try snapshot.transaction.bytes(snapshot.tables.blobBytes, key.bytes) else {
                return "has no bytes"
            }
            sha256.update(data: bytes)
            md5.update(data: bytes)
            length = UInt64(bytes.count)
        } else {
            guard
                let file = try BlobFile.open(AttachmentFiles.name(row.file), in: snapshot.open.directory)
            else { return "has lost its file \(row.file)" }
            var part: [UInt8] = []
            repeat {
                part.removeAll(keepingCapacity: true)
                try file.read(from: length, count: 1 << 18, into: &part)
                sha256.update(data: part)
                md5.update(data: part)
                length += UInt64(part.count)
            } while !part.isEmpty
        }
        if length != row.length { return "has \(length) bytes, not \(row.length)" }
        if BlobKey(bytes: sha256.finalize()) != key { return "has bytes with another SHA-256" }
        if Array(md5.finalize()) != row.md5 { return "has bytes with another MD5" }
        return nil
    }

    /// Files that nothing names: those in the list of removed ones, and numbers not given out yet, may be there.
    private static func leftovers(
        _ files: Set<UInt64>,
        _ snapshot: borrowing Snapshot,
        find: (String) -> Void
    ) throws {
        let removed = Set(
            try MetaRows.removedFiles(snapshot.transaction, snapshot.tables).files.map(\.number)
        )
        for number in removed.intersection(files) { find("meta: removed file \(number) is in use") }
        let next = try snapshot.state.nextFile
        for number in try AttachmentFiles.numbers(snapshot.database.directory)
        where number < next && !files.contains(number) && !removed.contains(number) {
            find("attachments: file \(number) belongs to nothing")
        }
    }

    private static func name(_ key: BlobKey) -> String {
        let digits = Array("0123456789abcdef")
        return String(key.bytes.prefix(8).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
