// `settle serve`: the databases of a directory over CouchDB's HTTP API.

import ArgumentParser
import Foundation
import Logging
import Settle
import SettleCore
import SettleServer

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the databases of a directory over HTTP.",
        discussion: """
            Speaks CouchDB's HTTP API. Without an administrator everybody who can reach the server may do everything, \
            so it then listens on the loopback only. The administrator may also be named by $SETTLE_ADMIN, which other \
            users of the machine cannot see in the list of processes.

            The first SIGINT or SIGTERM lets requests in work finish; a second one ends the server at once. Both lose \
            nothing that was acknowledged.
            """
    )

    @Option(
        help: ArgumentHelp(
            "The address to listen on; port 0 takes any that is free.",
            valueName: "host:port"
        )
    )
    var listen = ListeningAddress(host: "127.0.0.1", port: 5984)

    @Option(help: ArgumentHelp("The server's administrator.", valueName: "name:password"))
    var admin: Administrator?

    @Option(
        help: ArgumentHelp(
            "Memory that a process may use which runs design documents' functions, in MiB.",
            valueName: "size"
        )
    )
    var functionMemory = 512

    @OptionGroup var data: DataOptions

    func validate() throws {
        guard (64...1 << 20).contains(functionMemory) else {
            throw ValidationError("--function-memory takes a number of MiB, 64 at least")
        }
    }

    func run() async throws {
        DatabaseFolder.prepareProcess()
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let environment = ProcessInfo.processInfo.environment
        var configuration = ServerConfiguration(folder: data.directory)
        configuration.host = listen.host
        configuration.port = listen.port
        configuration.administrator = try (admin ?? Administrator.fromEnvironment(environment))?.account
        var options = StoreOptions(environment)
        options.functionEngine = FunctionEngines.workers(memoryLimit: functionMemory << 20)
        options.indexUpkeepDelay = 2
        let folder = try DatabaseFolder(path: data.directory, options: options)
        let server = try SettleServer(configuration: configuration, folder: folder)
        let endings = Signals()
        let port = try await server.start()
        try StandardOutput.writeLine("settle serves \(folder.path) on \(listen.url(port: port))")
        if configuration.administrator == nil {
            StandardError.say("no administrator: everybody on this machine may do everything (see --admin)")
        }
        await endings.first()
        await server.shutdown()
    }
}

/// Where a server listens.
struct ListeningAddress: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, `[::1]:port`, or a host alone, for port 5984.
    init?(argument: String) {
        var host = argument
        var port = 5984
        if !argument.hasSuffix("]"), let colon = argument.lastIndex(of: ":") {
            guard let number = Int(argument[argument.index(after: colon)...]), (0...65_535).contains(number)
            else {
                return nil
            }
            port = number
            host = String(argument[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The URL of the server that listens here, on the port that it got.
    func url(port: Int) -> String { "http://\(ListeningAddress(host: host, port: port))/" }
}

/// A name and a password, with a colon between them.
struct Administrator: ExpressibleByArgument, Equatable {
    let name: String
    let password: String

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        name = String(parts[0])
        password = String(parts[1])
    }

    var account: ServerConfiguration.Administrator { .init(name: name, password: password) }

    /// The administrator that `SETTLE_ADMIN` names.
    static func fromEnvironment(_ environment: [String: String]) throws -> Administrator? {
        guard let text = environment["SETTLE_ADMIN"], !text.isEmpty else { return nil }
        guard let administrator = Administrator(argument: text) else {
            throw CommandFailure("SETTLE_ADMIN is not of the form name:password")
        }
        return administrator
    }
}

extension StoreOptions {
    /// The usual options, but with `SETTLE_UNSAFE_NOSYNC=1` without waiting for the disk.
    ///
    /// The power-loss test must fail then, or it tests nothing.
    fileprivate init(_ environment: [String: String]) {
        self.init(syncsCommits: environment["SETTLE_UNSAFE_NOSYNC"] != "1")
    }
}
