import SettleCore
import SettleStorage

/// A write transaction of an index, as its trees see it: nodes by number.
struct IndexWriter: ~Copyable {
    let transaction: WriteTransaction
    let index: IndexEnvironment
    var header: IndexHeader
    /// What the storage said when it refused; trees only know `SettleError`.
    private(set) var failure: StorageError?
    /// Bytes of the nodes that were put.
    private(set) var written = 0

    init(_ index: IndexEnvironment, _ header: IndexHeader) throws(StorageError) {
        transaction = try index.environment.beginWrite()
        self.index = index
        self.header = header
    }

    /// Writes the header and commits.
    consuming func commit() throws(StorageError) {
        try transaction.put(index.meta, IndexHeader.key, header.encoded)
        try transaction.commit()
    }

    private mutating func storing(_ body: (borrowing WriteTransaction) throws(StorageError) -> Void)
        throws(SettleError)
    {
        do throws(StorageError) {
            try body(transaction)
        } catch {
            failure = error
            throw SettleError(error)
        }
    }
}

extension IndexWriter: NodeStore {
    func node(_ number: UInt64) throws(SettleError) -> [UInt8] {
        try transaction.reading.indexNode(number, index)
    }

    mutating func allocate() throws(SettleError) -> UInt64 {
        defer { header.nextNode += 1 }
        return header.nextNode
    }

    mutating func put(_ node: [UInt8], at number: UInt64) throws(SettleError) {
        written += node.count
        let table = index.nodes
        try storing { (transaction) throws(StorageError) in try transaction.put(table, number, node) }
    }

    mutating func free(_ number: UInt64) throws(SettleError) {
        let table = index.nodes
        try storing { (transaction) throws(StorageError) in _ = try transaction.delete(table, number) }
    }
}

extension ReadTransaction {
    func indexNode(_ number: UInt64, _ index: IndexEnvironment) throws(SettleError) -> [UInt8] {
        let node: [UInt8]?
        do throws(StorageError) {
            node = try bytes(index.nodes, number)
        } catch {
            throw SettleError(error)
        }
        guard let node else { throw SettleError(.internalError, "The index has no node \(number).") }
        return node
    }
}
