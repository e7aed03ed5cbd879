// `settle replicate`: copies what one database has and another lacks.

import ArgumentParser
import Settle
import SettleCore
import SettleReplication

struct ReplicateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate",
        abstract: "Copy documents from one database to another.",
        discussion: """
            Copies every revision that the target lacks, in CouchDB's protocol, and notes in both databases how far it \
            has come, so that the next run goes on from there. Both ways is two replications.

            A line on a terminal shows documents, rate, pending changes and failures; otherwise standard output gets a \
            JSON object per event. The exit status is 0 if everything was copied, 3 if some documents could not be \
            written, and 1 if the replication could not go on. A continuous one runs until SIGINT or SIGTERM, and \
            notes how far it came before it ends.
            """
    )

    @Argument(help: ArgumentHelp("Where to copy from: a name, a path or a URL.", valueName: "source"))
    var source: Location

    @Argument(help: ArgumentHelp("Where to copy to.", valueName: "target"))
    var target: Location

    @Flag(help: "Create the target if there is none.")
    var createTarget = false

    @OptionGroup var replicating: ReplicationArguments

    @OptionGroup var data: DataOptions

    func run() async throws {
        let signals = Signals()
        let replication = try Replication(
            from: try data.side(source),
            to: try data.side(target, creating: createTarget)
        ) { options in
            replicating.configure(&options)
            options.createsTarget = createTarget
        }
        var report = ReplicationReport([ReportedReplication(replication)])
        try await report.run(until: signals)
    }
}
