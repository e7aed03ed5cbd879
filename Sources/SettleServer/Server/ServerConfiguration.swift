/// How a server listens, and what it takes.
public struct ServerConfiguration: Sendable {
    /// The version that `/` and the `Server` header show.
    public static let version = "0.1.0"

    /// The name of an administrator and the password.
    public struct Administrator: Sendable {
        /// The name.
        public var name: String
        /// The password, in clear.
        public var password: String

        /// An administrator.
        public init(name: String, password: String) {
            self.name = name
            self.password = password
        }
    }

    /// The folder of the databases.
    public var folder: String
    /// The address to listen on; anything but the loopback needs an administrator.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 takes any that is free.
    public var port = 5984
    /// Who may use the server; nil lets everybody on this machine do everything.
    public var administrator: Administrator?
    /// The largest document, in bytes of its JSON text.
    public var maximumDocumentSize = 8_000_000
    /// The largest attachment, in bytes as it arrives.
    public var maximumAttachmentSize = 1 << 30
    /// The largest request body but for uploads of attachments, in bytes after unzipping.
    public var maximumRequestSize = 1 << 30
    /// The longest request target, in bytes: ids may be long, and percent-encoding makes them longer.
    public var maximumTargetLength = 1 << 20
    /// Event loop threads; more than cores, since reading an uncached page blocks one.
    public var eventLoopThreads: Int
    /// Whether also clients on this machine get packed answers, if they take them.
    package var packsForEverybody = false

    /// A server for a folder, on the loopback.
    public init(folder: String) {
        self.folder = folder
        eventLoopThreads = 0
    }

    /// Whether the address only reaches this machine.
    var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
