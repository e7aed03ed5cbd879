// `settle jobs`: the replication jobs of a server, and how they stand.

import ArgumentParser
import Foundation
import SettleCore
import SettleReplication

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List a server's replication jobs.",
        discussion: """
            Lists the documents of the server's replicator databases, with the state of the job that each asks for, and \
            the jobs that were started by a request. On a terminal it is a table; otherwise standard output gets a JSON \
            object per job, with the members of CouchDB's `_scheduler/docs`. Documents that a job could not copy are \
            listed below it, or in the member `info.failures`.

            The exit status is 0, or 3 if a job has failed, keeps failing, or could not copy some documents.
            """
    )

    @Argument(
        help: ArgumentHelp("The server, with user and password if it needs them.", valueName: "url")
    )
    var server = "http://127.0.0.1:5984/"

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "List only jobs in these states: initializing, error, pending, running, crashing, completed, failed.",
            valueName: "state"
        )
    )
    var states: [String] = []

    func run() async throws {
        guard let endpoint = RemoteEndpoint(url: server) else {
            throw CommandFailure("\(server) is not a URL")
        }
        let jobs: [JobLine]
        do {
            jobs = try await list(HTTPPeer(endpoint))
        } catch let failure as PeerFailure {
            throw CommandFailure(failure.reason)
        }
        let wanted = states.isEmpty ? jobs : jobs.filter { states.contains($0.state) }
        if StandardOutput.isTerminal {
            try StandardOutput.write(Array(JobLine.table(wanted).utf8))
        } else {
            for job in wanted { try StandardOutput.writeLine(job.value.text) }
        }
        if wanted.contains(where: \.isTrouble) { throw CommandFailure(nil, status: CommandFailure.partial) }
    }

    private func list(_ server: HTTPPeer) async throws -> [JobLine] {
        var jobs: [JobLine] = []
        let databases = try await server.answer(path: "_all_dbs").array ?? []
        for name in databases.compactMap(\.string) where ReplicatorDocument.isReplicator(database: name) {
            let path = "_scheduler/docs/\(PercentEncoding.encoded(name.utf8))"
            jobs += (try await server.answer(path: path)["docs"]?.array ?? []).map { JobLine(value: $0) }
        }
        let listed = try await server.answer(path: "_scheduler/jobs?limit=1000000")["jobs"]?.array ?? []
        return jobs + listed.filter { $0["doc_id"]?.isNull ?? true }.map { JobLine(transient: $0) }
    }
}

/// One job as it is printed.
struct JobLine {
    /// The members of `_scheduler/docs`.
    let value: JSONValue

    init(value: JSONValue) {
        self.value = value
    }

    /// A job that no document asks for: `_scheduler/jobs` says the same in other words.
    init(transient job: JSONValue) {
        let newest = job["history"]?[0]
        let hasCrashed = newest?["type"] == "crashed"
        let state = hasCrashed ? "crashing" : job["pid"]?.isNull == false ? "running" : "pending"
        var members = job.object ?? JSONObject()
        members["history"] = nil
        members["state"] = .string(state)
        if hasCrashed { members["info"] = ["error": newest?["reason"] ?? .null] }
        value = .object(members)
    }

    var state: String { value["state"]?.string ?? "" }

    private var failures: [JSONValue] { value["info"]?["failures"]?.array ?? [] }

    /// Whether somebody should look at the job.
    var isTrouble: Bool {
        ["error", "crashing", "failed"].contains(state)
            || (value["info"]?["doc_write_failures"]?.int ?? 0) > 0
    }

    private var name: String {
        guard let document = value["doc_id"]?.string else { return "(request)" }
        let database = value["database"]?.string ?? "_replicator"
        return database == "_replicator" ? document : "\(database)/\(document)"
    }

    private var details: String {
        if let error = value["info"]?["error"]?.string { return error }
        var parts: [String] = []
        if let written = value["info"]?["docs_written"]?.int {
            parts.append("\(Shown.count(written)) written")
        }
        if let pending = value["info"]?["changes_pending"]?.int, pending > 0 {
            parts.append("\(Shown.count(pending)) pending")
        }
        if let failed = value["info"]?["doc_write_failures"]?.int, failed > 0 {
            parts.append("\(Shown.count(failed)) not copied")
        }
        return parts.joined(separator: ", ")
    }

    /// A table for people: state, name, where from and where to, and what there is to say.
    static func table(_ jobs: [JobLine]) -> String {
        if jobs.isEmpty { return "no replication jobs\n" }
        let rows = jobs.map { job in
            [
                job.state, job.name,
                "\(job.value["source"]?.string ?? "?") → \(job.value["target"]?.string ?? "?")", job.details,
            ]
        }
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = ""
        for (job, row) in zip(jobs, rows) {
            for column in 0..<3 {
                text += row[column] + String(repeating: " ", count: widths[column] - row[column].count + 2)
            }
            text += row[3] + "\n"
            for failure in job.failures {
                let id = failure["id"]?.string ?? ""
                text += "  \(id): \(failure["error"]?.string ?? ""): \(failure["reason"]?.string ?? "")\n"
            }
        }
        return text
    }
}
