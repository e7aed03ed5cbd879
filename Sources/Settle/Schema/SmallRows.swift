// The rows that are a few numbers and a text.

import SettleCore
import SettleStorage

/// A row of `superseded`: bodies that one update pushed off the leaves.
struct SupersededRow {
    var bodies: [(number: UInt64, size: UInt64)] = []

    init() {}

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        while offset < bytes.count {
            bodies.append((try bytes.varint(&offset), try bytes.varint(&offset)))
        }
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for body in bodies {
            appendVarint(body.number, to: &bytes)
            appendVarint(body.size, to: &bytes)
        }
        return bytes
    }
}

/// A row of `local`: a counter for a revision, and the text.
struct LocalRow {
    var revision: UInt64
    var body: [UInt8]

    /// The id without `_local/`, which all of them share.
    static func key(_ id: DocumentID) -> [UInt8] { Array(id.bytes.dropFirst(7)) }

    init(revision: UInt64, body: [UInt8]) {
        self.revision = revision
        self.body = body
    }

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        revision = try bytes.varint(&offset)
        body = [UInt8](bytes.extracting(offset..<bytes.count))
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        appendVarint(revision, to: &bytes)
        bytes.append(contentsOf: body)
        return bytes
    }
}

/// Reading the rows of `meta`.
enum MetaRows {
    static func state(_ transaction: borrowing ReadTransaction, _ tables: Tables) throws -> DatabaseState {
        guard let value = try transaction.value(tables.meta, MetaKey.state) else { return DatabaseState() }
        return try DatabaseState(decoding: value)
    }

    static func identity(_ transaction: borrowing ReadTransaction, _ tables: Tables) throws
        -> DatabaseIdentity
    {
        guard let value = try transaction.value(tables.meta, MetaKey.identity) else {
            throw StorageError.corrupted
        }
        return try DatabaseIdentity(decoding: value)
    }

    static func life(_ transaction: borrowing ReadTransaction, _ tables: Tables) throws -> EnvironmentLife {
        guard let value = try transaction.value(tables.meta, MetaKey.life) else {
            throw StorageError.corrupted
        }
        return try EnvironmentLife(decoding: value)
    }

    static func revisionsLimit(_ transaction: borrowing ReadTransaction, _ tables: Tables) throws -> UInt64 {
        try number(transaction, tables, MetaKey.revisionsLimit) ?? 1000
    }

    static func purgedInfosLimit(_ transaction: borrowing ReadTransaction, _ tables: Tables) throws -> UInt64
    {
        try number(transaction, tables, MetaKey.purgedInfosLimit) ?? 1000
    }

    static func removedFiles(_ transaction: borrowing ReadTransaction, _ tables: Tables) throws
        -> RemovedFiles
    {
        guard let value = try transaction.value(tables.meta, MetaKey.removedFiles) else {
            return RemovedFiles()
        }
        return try RemovedFiles(decoding: value)
    }

    static func number(
        _ transaction: borrowing ReadTransaction,
        _ tables: Tables,
        _ key: [UInt8]
    ) throws -> UInt64? {
        guard let value = try transaction.value(tables.meta, key) else { return nil }
        var offset = 0
        return try value.varint(&offset)
    }
}
