// What `settle replicate` and `settle sync` can be told about a copy.

import ArgumentParser
import SettleCore

/// The options of a replication on a command line.
struct ReplicationArguments: ParsableArguments {
    @Flag(help: "Wait for further changes at the end, until a signal.")
    var continuous = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Copy only the documents with these ids.", valueName: "id")
    )
    var docIds: [String] = []

    /// Changes a replication's options as the arguments say.
    func configure(_ options: inout ReplicationOptions) {
        options.isContinuous = continuous
        if !docIds.isEmpty { options.selection = .documents(docIds.map { DocumentID($0) }) }
    }
}
