// The command line: `settle serve`, `settle load`, … Each command has a file of its own in `Commands`.
//
// A command throws `CommandFailure` to end with a status and a sentence, or lets a `SettleError` through. What a
// person reads in between goes to standard error, what a program reads goes to standard output.

import ArgumentParser
import Foundation
import SettleCore
import SettleServer

@main
struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "A document database whose copies converge.",
        discussion: """
            Settle keeps JSON documents, serves them over CouchDB's HTTP API and replicates with any CouchDB, PouchDB \
            or Settle.

            Where a command takes a location, it is a URL (http://host:5984/notes), a path (./notes.settle) or the \
            name of a database in the data directory: --data, else $SETTLE_DATA, else the current directory.
            """,
        version: ServerConfiguration.version,
        subcommands: subcommands
    )

    private static var subcommands: [any ParsableCommand.Type] {
        let commands: [any ParsableCommand.Type] = [
            ServeCommand.self, LoadCommand.self, DumpCommand.self, ReplicateCommand.self, SyncCommand.self,
            JobsCommand.self, DiffCommand.self, InfoCommand.self, QueryCommand.self, AttachCommand.self,
            CheckCommand.self,
        ]
        #if JavaScript
        return commands + [FunctionWorkerCommand.self]
        #else
        return commands
        #endif
    }

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    /// Says what went wrong and leaves with the status that tells it.
    private static func end(with error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure:
            if let reason = failure.reason { StandardError.say(reason) }
            Foundation.exit(failure.status)
        case let error as SettleError:
            StandardError.say(error.reason)
            Foundation.exit(CommandFailure.failed)
        default:
            let status = exitCode(for: error)
            guard !status.isSuccess, !(error is ExitCode) else { exit(withError: error) }
            let message = fullMessage(for: error)
            StandardError.say(String(message.trimmingPrefix("Error: ")))
            Foundation.exit(status.rawValue)
        }
    }
}

/// The end of a command that did not do all it should.
struct CommandFailure: Error {
    /// It did not work.
    static let failed: Int32 = 1
    /// The command worked, but some documents could not be written.
    static let partial: Int32 = 3

    let status: Int32
    /// What to say, if it has not been said.
    let reason: String?

    init(_ reason: String?, status: Int32 = failed) {
        self.reason = reason
        self.status = status
    }
}
