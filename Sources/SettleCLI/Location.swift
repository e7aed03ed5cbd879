// Where a database is, as people write it on a command line:
//
//     http://admin:secret@host:5984/notes     a URL: a database on some server
//     ./copies/notes.settle                   a path: contains a slash or ends in `.settle`
//     notes                                   a name: a database in the data directory

import ArgumentParser
import Foundation
import Settle
import SettleCore
import SettleReplication

/// A database somewhere, not opened yet.
enum Location: Equatable, Sendable {
    case url(String)
    case path(String)
    case name(String)

    init(_ text: String) {
        let lowercased = text.lowercased()
        if lowercased.hasPrefix("http://") || lowercased.hasPrefix("https://") {
            self = .url(text)
        } else if text.contains("/") || text.hasSuffix(".settle") {
            self = .path(text)
        } else {
            self = .name(text)
        }
    }
}

extension Location: ExpressibleByArgument {
    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        self.init(argument)
    }
}

extension Location: CustomStringConvertible {
    /// As people wrote it, without a password.
    var description: String {
        switch self {
        case .path(let text), .name(let text):
            return text
        case .url(let text):
            return RemoteEndpoint(url: text)?.shownURL ?? text
        }
    }
}

/// Where databases that are given by name live.
struct DataOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The directory of the databases given by name (default: $SETTLE_DATA, else the current directory).",
            valueName: "directory"
        )
    )
    var data: String?

    var directory: String {
        data ?? ProcessInfo.processInfo.environment["SETTLE_DATA"] ?? "."
    }

    /// Opens a database on disk; a URL is refused, a database that isn't there is an error unless it is to be made.
    ///
    /// The engine runs the functions of its design documents.
    func open(
        _ location: Location,
        creating: Bool = false,
        engine: (any FunctionEngine)? = nil
    ) throws -> Database {
        var options = StoreOptions()
        options.functionEngine = engine
        switch location {
        case .url:
            throw CommandFailure("\(location) is a URL; this command works on databases on disk")
        case .path(let path):
            guard creating || FileManager.default.fileExists(atPath: path) else {
                throw CommandFailure("there is no database at \(path)")
            }
            return try Database.open(at: path, creating: creating, options: options)
        case .name(let name):
            guard creating || FileManager.default.fileExists(atPath: directory) else {
                throw CommandFailure("there is no directory \(directory)")
            }
            let folder = try DatabaseFolder(path: directory, options: options)
            if let database = try folder.open(name) { return database }
            guard creating else { throw CommandFailure("there is no database \(name) in \(directory)") }
            return try folder.create(name)
        }
    }
}

extension DataOptions {
    /// One side of a replication.
    func side(_ location: Location, creating: Bool = false) throws -> Replication.Side {
        if case .url(let url) = location { return .url(url) }
        return .database(try open(location, creating: creating))
    }

    /// A database that is read as a replicator reads it.
    func peer(_ location: Location) throws -> any Peer {
        guard case .url(let url) = location else { return LocalPeer(try open(location)) }
        guard let endpoint = RemoteEndpoint(url: url) else { throw CommandFailure("\(url) is not a URL") }
        return HTTPPeer(endpoint)
    }
}
