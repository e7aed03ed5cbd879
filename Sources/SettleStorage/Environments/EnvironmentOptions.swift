/// How an environment is opened.
package struct EnvironmentOptions: Sendable {
    /// When the system is told to put a commit on the disk.
    package enum Durability: Sendable {
        /// A commit returns once it would survive a power cut.
        case always
        /// A power cut may undo the last commits; the file stays consistent (MDB_NOMETASYNC).
        case noMetaSync
        /// A power cut may damage the file; `Environment.sync()` writes it out (MDB_NOSYNC).
        case never
    }

    /// Address space reserved for the file, in bytes: also the size it may grow to before `growMap()`.
    package var mapSize: Int
    /// Slots for simultaneous read transactions of all processes.
    ///
    /// The first process to open the file decides.
    package var maximumReaders: Int
    /// How many named tables the environment may hold.
    ///
    /// Every transaction pays a few words for each.
    package var maximumTables: Int
    package var durability: Durability
    /// No table is created and `beginWrite` throws `.noPermission`.
    package var isReadOnly: Bool
    /// A file that isn't there is not created: opening throws `.noSuchFile`.
    package var mustExist = false

    #if os(iOS)
    package static let defaultMapSize = 1 << 30
    #else
    package static let defaultMapSize = 64 << 30
    #endif

    package init(
        mapSize: Int = EnvironmentOptions.defaultMapSize,
        maximumReaders: Int = 1024,
        maximumTables: Int = 16,
        durability: Durability = .always,
        isReadOnly: Bool = false
    ) {
        self.mapSize = mapSize
        self.maximumReaders = maximumReaders
        self.maximumTables = maximumTables
        self.durability = durability
        self.isReadOnly = isReadOnly
    }
}
