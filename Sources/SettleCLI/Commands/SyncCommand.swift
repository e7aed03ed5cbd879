// `settle sync`: replicates both ways, so that both databases have what either had.

import ArgumentParser
import Settle
import SettleCore
import SettleReplication

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Copy documents both ways between two databases.",
        discussion: """
            Two replications side by side: from the first database to the second (push) and back (pull). Afterwards \
            both have every revision that either had; where both had changed a document, it has a conflict, and both \
            show the same winner.

            Progress, exit status and signals are those of settle-replicate(1); the JSON objects have a member \
            `direction`. A continuous one goes on through restarts of the other side, sleep and changes of network.
            """
    )

    @Argument(help: ArgumentHelp("One database: a name, a path or a URL.", valueName: "database"))
    var first: Location

    @Argument(help: ArgumentHelp("The other one.", valueName: "other"))
    var second: Location

    @Flag(help: "Create whichever database is not there.")
    var create = false

    @OptionGroup var replicating: ReplicationArguments

    @OptionGroup var data: DataOptions

    func run() async throws {
        let signals = Signals()
        let sides = [try data.side(first, creating: create), try data.side(second, creating: create)]
        // Before either begins: each copy's target is the other one's source.
        if create {
            for location in [first, second] { try await createRemote(location) }
        }
        // What leaves a copy leaves the first side, which is the one that is here.
        let push = try Replication(from: sides[0], to: sides[1]) { options in
            replicating.configure(&options)
            options.retracts = false
        }
        let pull = try Replication(from: sides[1], to: sides[0]) { replicating.configure(&$0) }
        var report = ReplicationReport([
            ReportedReplication(push, .push), ReportedReplication(pull, .pull),
        ])
        try await report.run(until: signals)
    }

    private func createRemote(_ location: Location) async throws {
        guard case .url = location else { return }
        do {
            try await data.peer(location).create([])
        } catch let failure as PeerFailure {
            throw CommandFailure(failure.reason)
        }
    }
}
