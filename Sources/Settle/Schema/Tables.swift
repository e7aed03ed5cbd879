// Every table of a database, its key and its value. FileFormat.md explains the bytes; this is the index.
//
//     table       key                                  value
//     docs        document id (any length)             DocumentRecord
//     history     document number, chunk (8 + 4 B)     HistoryChunk: up to 64 older ancestors
//     changes     update sequence (8 B)                ChangeRow: winner and id
//     bodies      body number (8 B, appended)          BodyRow: codec byte, attachments, canonical JSON text
//     superseded  update sequence (8 B, appended)      the body numbers that this update pushed off the leaves
//     counts      'c' + block | 'd' + separator        live rows in a block of `changes` | of `docs`
//     purges      purge sequence (8 B)                 PurgeRecord
//     blobs       SHA-256 of the stored bytes (32 B)   BlobRow: uses, length, MD5, file number
//     blob_bytes  the same                             the bytes, where they are not in a file
//     local       local id without `_local/`           revision counter, canonical JSON text
//     meta        name                                 MetaRow: state, identity, security, limits, life cycle
//
// The subtle thing: numbers (documents, bodies, sequences) are never reused, so a number read in one snapshot can't
// mean something else in a later one.

import SettleStorage

/// The handles of one open environment's tables.
package struct Tables: Sendable {
    /// In the order LMDB opens them; the file format's list.
    static let names = [
        "docs", "history", "changes", "bodies", "superseded", "counts", "purges", "local", "meta", "blobs",
        "blob_bytes",
    ]

    let documents: TextTable
    let history: Table
    let changes: Table
    let bodies: Table
    let superseded: Table
    let counts: Table
    let purges: Table
    let local: TextTable
    let meta: Table
    let blobs: Table
    let blobBytes: Table

    init(_ environment: Environment) {
        documents = TextTable(environment.table("docs"))
        history = environment.table("history")
        changes = environment.table("changes")
        bodies = environment.table("bodies")
        superseded = environment.table("superseded")
        counts = environment.table("counts")
        purges = environment.table("purges")
        local = TextTable(environment.table("local"))
        meta = environment.table("meta")
        blobs = environment.table("blobs")
        blobBytes = environment.table("blob_bytes")
    }
}

/// Body numbers with a meaning of their own.
enum BodyNumber {
    /// The revision is known only as an ancestor.
    static let missing: UInt64 = 0
    /// The body is `{}`, which most tombstones are: it has no row.
    static let empty: UInt64 = 1
    /// The first number that names a row.
    static let first: UInt64 = 2
}
