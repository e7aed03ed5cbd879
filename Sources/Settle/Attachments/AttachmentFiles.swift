// Where attachments that are too large for the database's file live.
//
//     notes.settle/attachments/17            a file that a row of `blobs` names
//     notes.settle/attachments/draft-5d1e…   an upload under way, locked by the process that writes it
//
// In what order things happen is what keeps them safe:
//
//     writing     draft written and synced · linked under its number · directory synced · commit
//     removing    commit without the row, with the number in `removed files` · unlinked when no reader can need it
//                 (`FileCollector`) · directory synced · commit without the number in the list
//
// Files belong to the database, not to a generation of it: both sides of a compaction name the same ones.
//
// Killed between any two steps, nothing refers to a file that isn't there, and what is left over is known: a file whose
// number was never committed, a removed one, which stands in the list, a draft that has lost its lock. The first
// transaction of the next process that writes clears it away.

import SettleCore
import SettleStorage

/// The files beside a database that hold attachments.
enum AttachmentFiles {
    static func directory(_ database: String) -> String { "\(database)/attachments" }

    static func path(_ database: String, _ number: UInt64) -> String { "\(database)/\(name(number))" }

    /// A file's name in the database's directory.
    static func name(_ number: UInt64) -> String { "attachments/\(number)" }

    /// Makes the directory if there is none yet; the commit that adds its first file makes it durable.
    static func prepare(_ database: String) throws(StorageError) {
        let directory = directory(database)
        if !FileSystem.exists(directory) { try FileSystem.createDirectory(directory) }
    }

    /// Removes what killed uploads have left.
    static func sweepDrafts(_ database: String) throws(StorageError) {
        guard FileSystem.exists(directory(database)) else { return }
        try BlobFile.sweepDrafts(in: directory(database))
    }

    /// Removes what killed processes have left: drafts, and files whose numbers, from `next` on, were never committed.
    ///
    /// Only inside a write transaction, for others link files before they commit.
    static func sweepLeftovers(_ database: String, from next: UInt64) throws(StorageError) {
        guard FileSystem.exists(directory(database)) else { return }
        try sweepDrafts(database)
        for number in try numbers(database) where number >= next {
            try FileSystem.remove(path(database, number))
        }
    }

    /// The numbers of the files that there are.
    static func numbers(_ database: String) throws(StorageError) -> [UInt64] {
        guard FileSystem.exists(directory(database)) else { return [] }
        return try FileSystem.list(directory(database)).compactMap { UInt64($0) }
    }
}
