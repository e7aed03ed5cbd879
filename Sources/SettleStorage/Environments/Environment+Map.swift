import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

// The map: LMDB reads the file through one contiguous mapping whose size is also the file's limit.
// It grows in two ways. This process outgrows it: a put or commit throws `.mapFull`, the transaction is
// aborted, `growMap()` doubles the map, and the transaction runs again. Another process outgrew it: our
// next transaction would see pages beyond our map, LMDB says MDB_MAP_RESIZED, and we follow
// (`followMap`) before anyone above hears of it. Either way the mapping moves, so no transaction of
// this process may be alive: that is what `TransactionGate.alone` is for.

extension Environment {
    /// Doubles the room the file may grow to.
    ///
    /// Call it after `.mapFull`, with the write transaction ended. Waits for the readers present; new ones are held back for at most a moment.
    ///
    /// - Throws: `.outOfMemory` if the address space has no room; the environment goes on as it was.
    package func growMap() throws(StorageError) {
        try gate.alone { () throws(StorageError) in
            var information = unsafe MDB_envinfo()
            unsafe mdb_env_info(handle, &information)
            let (doubled, overflow) = unsafe information.me_mapsize.multipliedReportingOverflow(by: 2)
            guard !overflow, Environment.addressSpaceHasRoom(for: doubled) else { throw .outOfMemory }
            try unsafe StorageError.check(mdb_env_set_mapsize(handle, doubled))
        }
    }

    /// Takes over the map size that another process committed.
    private func followMap() throws(StorageError) {
        try gate.alone { () throws(StorageError) in
            // Zero means: as large as the file says.
            try unsafe StorageError.check(mdb_env_set_mapsize(handle, 0))
        }
    }

    /// Whether a mapping of `size` bytes would succeed.
    ///
    /// `mdb_env_set_mapsize` unmaps first and maps then: were the second to fail, the environment would
    /// be left without a map. So the room is sought while there is still something to go back to.
    private static func addressSpaceHasRoom(for size: Int) -> Bool {
        #if canImport(Darwin)
        let flags = MAP_PRIVATE | MAP_ANON
        #else
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        #endif
        guard let room = unsafe mmap(nil, size, PROT_NONE, flags, -1, 0), unsafe room != MAP_FAILED else {
            return false
        }
        unsafe munmap(room, size)
        return true
    }

    /// Runs `body` again after putting right what can be: a map another process made larger, and reader
    /// slots left behind by processes that died.
    func retrying(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        var attempts = 0
        while true {
            attempts += 1
            do throws(StorageError) {
                return try body()
            } catch .mapResized where attempts < 8 {
                try followMap()
            } catch .readersFull where attempts < 2 {
                checkStaleReaders()
            }
        }
    }
}
