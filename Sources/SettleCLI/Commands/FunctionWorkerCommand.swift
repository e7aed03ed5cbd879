#if JavaScript
// `settle function-worker`: what `settle serve` starts to run design documents' functions. Of no use to people.

import ArgumentParser
import SettleJavaScript

struct FunctionWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "function-worker",
        abstract: "Run design documents' functions for a server.",
        shouldDisplay: false
    )

    func run() throws {
        FunctionWorker.run()
    }
}
#endif
