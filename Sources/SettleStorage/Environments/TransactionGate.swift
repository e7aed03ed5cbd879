/// Who may be inside an environment, and the store of read transactions waiting to be used again.
///
/// LMDB asks its caller to see to three things itself:
/// - `mdb_env_set_mapsize` and `mdb_env_close` run while this process has no transaction at all;
/// - one thread of the process at a time waits for the writer's lock (so that a wait for another
///   process's writer cannot be mistaken for a transaction of ours);
/// - a read transaction that was reset keeps its reader slot and is cheapest to renew.
///
/// Readers pay for one short lock on the way in and one on the way out. Work that needs the
/// environment to itself first takes the writer's place, then holds new readers back until the
/// present ones have left. **It holds a reader back for at most `patience`**: a thread that reads one
/// database while it begins to read another would otherwise be able to close a circle of waits. Such
/// a reader slips in, the work goes on waiting, and the circle opens.
///
/// `@unchecked Sendable`: every stored property that changes is read and written under `monitor`.
@safe
final class TransactionGate: @unchecked Sendable {
    private enum Phase {
        case open, closing, closed
    }

    private let monitor = Monitor()
    private var phase = Phase.open
    private var readers = 0
    private var hasWriter = false
    /// The environment is wanted by work that needs it alone; implies `hasWriter`.
    private var isDraining = false
    /// Read transactions that were reset: `mdb_txn_renew` makes them live again.
    private var idle: [OpaquePointer] = unsafe []

    /// How long a reader may be held back, in nanoseconds.
    private static let patience: UInt64 = 50_000_000
    /// How long to wait for readers to leave, in nanoseconds: by then they must be a mistake.
    private static let limit: UInt64 = 30_000_000_000
    /// More reset transactions than this are given up, and their reader slots with them.
    private static let idleLimit = 32

    init() {
        unsafe idle.reserveCapacity(TransactionGate.idleLimit)
    }

    // MARK: Readers

    /// Counts a reader in; returns a reset transaction to renew, or nil: begin a new one.
    func enterReader() throws(StorageError) -> OpaquePointer? {
        monitor.lock()
        defer { monitor.unlock() }
        if isDraining { waitWhileDraining() }
        guard phase == .open else { throw .closed }
        readers += 1
        return unsafe idle.popLast()
    }

    /// Counts a reader out and keeps its reset transaction.
    ///
    /// - Returns: The transaction, if there are enough in store: the caller aborts it *before*
    ///   `leaveReader()`, which it then still has to call.
    func leaveReader(keeping transaction: OpaquePointer) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        guard unsafe idle.count < TransactionGate.idleLimit else { return false }
        unsafe idle.append(transaction)
        countReaderOut()
        return true
    }

    /// Counts a reader out that has no transaction to keep.
    func leaveReader() {
        monitor.lock()
        countReaderOut()
        monitor.unlock()
    }

    private func countReaderOut() {
        readers -= 1
        if readers == 0, isDraining || phase != .open { monitor.wakeAll() }
    }

    private func waitWhileDraining() {
        let deadline = Monitor.now + TransactionGate.patience
        while isDraining, phase == .open, Monitor.now < deadline { monitor.wait(until: deadline) }
    }

    // MARK: The writer

    /// Waits until no other thread of this process writes, or waits to write.
    func enterWriter() throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try takeWriterPlace()
    }

    func leaveWriter() {
        monitor.lock()
        hasWriter = false
        monitor.wakeAll()
        monitor.unlock()
    }

    private func takeWriterPlace() throws(StorageError) {
        while hasWriter, phase == .open { monitor.wait() }
        guard phase == .open else { throw .closed }
        hasWriter = true
    }

    // MARK: Alone

    /// Runs `body` while this process has no transaction in the environment.
    ///
    /// A thread must have ended its own before; should it not, the wait is given up after `limit`.
    func alone(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        monitor.lock()
        defer { monitor.unlock() }
        try takeWriterPlace()
        isDraining = true
        defer {
            isDraining = false
            hasWriter = false
            monitor.wakeAll()
        }
        let deadline = Monitor.now + TransactionGate.limit
        while readers > 0 {
            guard Monitor.now < deadline else { throw .busy }
            monitor.wait(until: deadline)
        }
        try body()
    }

    /// Runs `body`, which is short, with the environment certain to stay open and mapped where it is.
    ///
    /// Returns nil once the environment is closed.
    func ifOpen<Result>(_ body: () -> Result) -> Result? {
        monitor.lock()
        defer { monitor.unlock() }
        guard phase != .closed else { return nil }
        return body()
    }

    /// Refuses new transactions, waits for the present ones, hands `body` the idle ones, once.
    func close(_ body: ([OpaquePointer]) -> Void) {
        monitor.lock()
        defer { monitor.unlock() }
        guard phase == .open else {
            while phase != .closed { monitor.wait() }
            return
        }
        phase = .closing
        monitor.wakeAll()
        while readers > 0 || hasWriter { monitor.wait() }
        unsafe body(idle)
        unsafe idle = unsafe []
        phase = .closed
        monitor.wakeAll()
    }
}
