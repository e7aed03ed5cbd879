public import SettleCore

/// How a store is opened and kept.
public struct StoreOptions: Sendable {
    /// Bytes that one document's JSON text may have; CouchDB's `max_document_size`.
    public var maximumDocumentSize: Int
    /// How many databases of a folder keep their files open at once.
    public var maximumOpenDatabases: Int
    /// Address space reserved for a database's file; it grows when full.
    ///
    /// Costs no memory.
    public var mapSize: Int
    /// Whether a commit waits for the disk.
    ///
    /// Without it an acknowledged write can be lost to a power cut: for tests that show that it matters, and
    /// for data that can be made again.
    public var syncsCommits: Bool
    /// Runs the functions of design documents.
    ///
    /// Without it, what needs them answers a clear error: `notImplemented`.
    public var functions: DesignFunctions? {
        get { functionEngine.map { DesignFunctions($0) } }
        set { functionEngine = newValue?.engine }
    }
    /// Attachments with more stored bytes than this get a file of their own; FileFormat.md has the measurements.
    package var inlineAttachmentLimit = 128 << 10
    package var functionEngine: (any FunctionEngine)?
    /// Seconds after a write that the indexes in use are brought up to date; nil: not before somebody asks.
    package var indexUpkeepDelay: Double?
    /// What indexes are said to be sorted by, in place of the collation library's version.
    package var collatorVersion: String?

    /// The usual options, with what is given instead.
    public init(
        maximumDocumentSize: Int = 8_000_000,
        maximumOpenDatabases: Int = 256,
        mapSize: Int = StoreOptions.usualMapSize,
        syncsCommits: Bool = true
    ) {
        self.maximumDocumentSize = maximumDocumentSize
        self.maximumOpenDatabases = maximumOpenDatabases
        self.mapSize = mapSize
        self.syncsCommits = syncsCommits
    }

    /// 64 GiB, but 1 GiB where address space is scarce.
    public static var usualMapSize: Int {
        #if os(iOS)
        1 << 30
        #else
        1 << 36
        #endif
    }

    /// Bodies that no leaf has any more stay readable up to a quarter of the live bytes, and always up to 1 MiB.
    func supersededBytesKept(beside liveBytes: UInt64) -> UInt64 {
        max(1 << 20, liveBytes / 4)
    }
}
