import SettleStorage
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

@Suite("Storage errors")
struct StorageErrorTests {
    @Test(
        "the system's and LMDB's codes become errors that a caller can act on",
        arguments: [
            (ENOSPC, StorageError.diskFull), (EDQUOT, .diskFull), (EACCES, .noPermission),
            (EROFS, .noPermission),
            (ENOENT, .noSuchFile), (EMFILE, .tooManyOpenFiles), (ENOMEM, .outOfMemory), (EIO, .inputOutput),
            (EBUSY, .system(errno: EBUSY)), (-30792, .mapFull), (-30796, .corrupted), (-30793, .notADatabase),
            (-30794, .versionMismatch), (-30787, .other(-30787)),
        ]
    )
    func codes(_ code: Int32, _ error: StorageError) {
        #expect(StorageError(code: code) == error)
        #expect(!error.description.isEmpty)
    }

    @Test("an error without a case of its own is described by whoever raised it")
    func descriptions() {
        #expect(StorageError.system(errno: EBUSY).description == "Device or resource busy")
        #expect(StorageError.other(-30787).description.hasPrefix("MDB_CURSOR_FULL"))
    }
}
