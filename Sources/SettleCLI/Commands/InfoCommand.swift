// `settle info`: what a database holds, in numbers.

import ArgumentParser
import Foundation
import Settle
import SettleCore

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show what a database holds.",
        discussion: "A table on a terminal, otherwise one JSON object."
    )

    @Argument(help: ArgumentHelp("The database: a name or a path.", valueName: "db"))
    var location: Location

    @OptionGroup var data: DataOptions

    func run() throws {
        let info = try data.open(location).read { try $0.info }
        let created = Date(timeIntervalSince1970: Double(info.created) / 1e6)
        let rows: [(name: String, value: JSONValue, shown: String)] = [
            ("name", .string(info.name), info.name),
            ("documents", Self.number(info.documentCount), Shown.count(info.documentCount)),
            ("deleted", Self.number(info.deletedCount), Shown.count(info.deletedCount)),
            ("update_sequence", Self.number(info.updateSequence), Shown.count(info.updateSequence)),
            ("purge_sequence", Self.number(info.purgeSequence), Shown.count(info.purgeSequence)),
            ("revisions_limit", Self.number(info.revisionsLimit), Shown.count(info.revisionsLimit)),
            ("file_size", Self.number(info.fileSize), Shown.bytes(info.fileSize)),
            ("active_size", Self.number(info.activeSize), Shown.bytes(info.activeSize)),
            ("created", .string(created.ISO8601Format()), created.ISO8601Format()),
            ("uuid", .string(info.uuid), info.uuid),
        ]
        guard StandardOutput.isTerminal else {
            try StandardOutput.writeLine(JSONValue.object(JSONObject(rows.map { ($0.name, $0.value) })).text)
            return
        }
        let width = rows.map(\.name.count).max() ?? 0
        for row in rows {
            let name = row.name.replacing("_", with: " ")
            try StandardOutput.writeLine(
                "\(name)\(String(repeating: " ", count: width - name.count))  \(row.shown)"
            )
        }
    }

    private static func number(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(value)) }
}
