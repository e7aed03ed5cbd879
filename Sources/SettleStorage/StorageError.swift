import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What can go wrong below the store: LMDB's codes that a caller can act on, and the system's.
///
/// A missing key is never an error here: look-ups return nil and moves return false.
package enum StorageError: Error, Hashable, Sendable {
    // Something the caller can put right.
    /// MDB_MAP_FULL: abort, `Environment.growMap()`, begin again.
    case mapFull
    /// MDB_MAP_RESIZED, after every attempt to follow another process's growth failed.
    case mapResized
    /// MDB_READERS_FULL: every reader slot belongs to a live transaction.
    case readersFull
    /// MDB_TXN_FULL: more changed pages than one transaction can hold (512 MiB).
    case transactionFull
    /// ENOSPC or EDQUOT. The transaction is lost, the database is not.
    case diskFull
    /// EACCES, EPERM or EROFS; also a write to an environment opened read-only.
    case noPermission
    /// ENOENT.
    case noSuchFile
    /// EMFILE or ENFILE.
    case tooManyOpenFiles
    /// ENOMEM: memory, or room in the address space for the map.
    case outOfMemory

    // Misuse that is worth a clear answer.
    /// MDB_BAD_VALSIZE: a key is empty or longer than 511 bytes.
    case badKeyLength
    /// MDB_KEYEXIST: an appended key does not sort after the table's last key.
    case keyOutOfOrder
    /// This process already has the environment's file open.
    case alreadyOpen
    /// A read transaction of this process stayed half a minute in the way of a change of the map.
    case busy
    /// The environment has been closed.
    case closed
    /// MDB_NOTFOUND while opening: a read-only environment lacks one of the named tables.
    case noSuchTable
    /// MDB_DBS_FULL: more tables than `EnvironmentOptions.maximumTables`.
    case tooManyTables

    // Damage.
    /// MDB_CORRUPTED, or a row of a kind that its table cannot hold.
    case corrupted
    /// MDB_PAGE_NOTFOUND.
    case pageNotFound
    /// MDB_INVALID: the file is not LMDB's.
    case notADatabase
    /// MDB_VERSION_MISMATCH.
    case versionMismatch
    /// MDB_PANIC: an earlier fatal error; close and open again.
    case panic
    /// MDB_BAD_TXN: an earlier error spoilt this transaction; it can only be aborted.
    case badTransaction
    /// EIO.
    case inputOutput

    /// Any other error of the operating system.
    case system(errno: Int32)
    /// Any other code of LMDB.
    case other(Int32)

    /// `code` as LMDB functions return it: negative for its own errors, an errno otherwise.
    package init(code: Int32) {
        self =
            switch code {
            case MDB_MAP_FULL: .mapFull
            case MDB_MAP_RESIZED: .mapResized
            case MDB_READERS_FULL: .readersFull
            case MDB_TXN_FULL: .transactionFull
            case MDB_BAD_VALSIZE: .badKeyLength
            case MDB_KEYEXIST: .keyOutOfOrder
            case MDB_NOTFOUND: .noSuchTable
            case MDB_DBS_FULL: .tooManyTables
            case MDB_CORRUPTED: .corrupted
            case MDB_PAGE_NOTFOUND: .pageNotFound
            case MDB_INVALID: .notADatabase
            case MDB_VERSION_MISMATCH: .versionMismatch
            case MDB_PANIC: .panic
            case MDB_BAD_TXN: .badTransaction
            case ENOSPC, EDQUOT: .diskFull
            case EACCES, EPERM, EROFS: .noPermission
            case ENOENT: .noSuchFile
            case EMFILE, ENFILE: .tooManyOpenFiles
            case ENOMEM: .outOfMemory
            case EIO: .inputOutput
            case 1...: .system(errno: code)
            default: .other(code)
            }
    }

    /// Throws unless `code` is LMDB's success.
    @inline(__always)
    static func check(_ code: Int32) throws(StorageError) {
        guard code != MDB_SUCCESS else { return }
        throw StorageError(code: code)
    }

    /// The error that a system call has just left in `errno`.
    static var lastSystemError: StorageError { StorageError(code: errno) }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .mapFull: "the database has outgrown its memory map"
        case .mapResized: "another process made the database larger than this process could map"
        case .readersFull: "too many transactions read the database at once"
        case .transactionFull: "the transaction changes too many pages"
        case .diskFull: "no space left on the disk"
        case .noPermission: "permission denied"
        case .noSuchFile: "no such file or directory"
        case .tooManyOpenFiles: "too many open files"
        case .outOfMemory: "not enough memory or address space"
        case .badKeyLength: "a key is empty or too long"
        case .keyOutOfOrder: "an appended key does not come after the last one"
        case .alreadyOpen: "the database file is already open in this process"
        case .busy: "a reader does not come to an end"
        case .closed: "the database is closed"
        case .noSuchTable: "the file lacks a table it should have"
        case .tooManyTables: "too many tables"
        case .corrupted: "the database file is damaged"
        case .pageNotFound: "the database file is damaged: a page is missing"
        case .notADatabase: "the file is not a database"
        case .versionMismatch: "the database file was written by another version of LMDB"
        case .panic: "the database had a fatal error and must be opened again"
        case .badTransaction: "an earlier error made the transaction unusable"
        case .inputOutput: "the disk reported an error"
        case .system(let code): unsafe String(cString: strerror(code))
        case .other(let code): unsafe String(cString: mdb_strerror(code))
        }
    }
}
