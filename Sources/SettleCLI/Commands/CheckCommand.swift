// `settle check`: every table of a database against every other.

import ArgumentParser
import Settle
import SettleCore

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look for inconsistencies in databases.",
        discussion: """
            Reads everything and compares every table with the others; nothing is changed, and the databases may be in \
            use. Prints a line for each finding. The exit status is 0 if there is none and 1 if there are some.
            """
    )

    @Argument(help: ArgumentHelp("The databases: names or paths.", valueName: "db"))
    var locations: [Location]

    @OptionGroup var data: DataOptions

    func run() throws {
        var findings = 0
        for location in locations {
            let found: [String]
            do {
                found = try data.open(location).check()
            } catch let error as SettleError {
                found = [error.reason]
            }
            for finding in found { try StandardOutput.writeLine("\(location): \(finding)") }
            if found.isEmpty { try StandardOutput.writeLine("\(location): consistent") }
            findings += found.count
        }
        if findings > 0 { throw CommandFailure(nil) }
    }
}
