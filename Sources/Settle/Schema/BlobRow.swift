// What is known of the bytes of attachments, apart from the bytes.
//
//     uses, length, MD5, file number (0: the bytes are in `blob_bytes`)
//
// `uses` counts the entries of stored bodies that name the blob. It is a function of `bodies` and of nothing else, so
// it can be kept wherever bodies are written and deleted, and `check()` can count it again. At zero the blob goes.

import SettleCore
import SettleStorage

/// A row of `blobs`.
struct BlobRow {
    /// How many entries of stored bodies name the blob.
    var uses: UInt64
    /// How many bytes it has.
    var length: UInt64
    /// Their MD5.
    var md5: [UInt8]
    /// The number of the file that has them; 0 if `blob_bytes` has.
    var file: UInt64

    init(uses: UInt64, length: UInt64, md5: [UInt8], file: UInt64) {
        self.uses = uses
        self.length = length
        self.md5 = md5
        self.file = file
    }

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        uses = try bytes.varint(&offset)
        length = try bytes.varint(&offset)
        md5 = try bytes.take(16, &offset)
        file = try bytes.varint(&offset)
        guard offset == bytes.count else { throw .corrupted }
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        appendVarint(uses, to: &bytes)
        appendVarint(length, to: &bytes)
        bytes.append(contentsOf: md5)
        appendVarint(file, to: &bytes)
        return bytes
    }
}

extension ReadTransaction {
    /// What is known of a blob; nil if it is not there.
    borrowing func blob(_ key: BlobKey, _ tables: Tables) throws -> BlobRow? {
        guard let row = try value(tables.blobs, key.bytes) else { return nil }
        return try BlobRow(decoding: row)
    }
}

extension WriteTransaction {
    /// Counts one more use of a blob; false if it is not there and has to be added.
    borrowing func useBlob(_ key: BlobKey, _ tables: Tables) throws -> Bool {
        guard var row = try reading.blob(key, tables) else { return false }
        row.uses += 1
        try put(tables.blobs, key.bytes, row.encoded)
        return true
    }

    /// Counts one use less; returns the row if that was the last, and the blob is gone.
    borrowing func disuseBlob(_ key: BlobKey, _ tables: Tables) throws -> BlobRow? {
        guard var row = try reading.blob(key, tables), row.uses > 0 else { throw StorageError.corrupted }
        row.uses -= 1
        guard row.uses == 0 else {
            try put(tables.blobs, key.bytes, row.encoded)
            return nil
        }
        try delete(tables.blobs, key.bytes)
        if row.file == 0 { try delete(tables.blobBytes, key.bytes) }
        return row
    }
}

/// Files that no blob has any more, and since which commit: the value of a row in `meta`.
///
/// A reader that began before that commit may still open them.
struct RemovedFiles {
    var files: [(number: UInt64, since: UInt64)] = []

    init() {}

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        while offset < bytes.count {
            files.append((try bytes.varint(&offset), try bytes.varint(&offset)))
        }
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for file in files {
            appendVarint(file.number, to: &bytes)
            appendVarint(file.since, to: &bytes)
        }
        return bytes
    }
}
