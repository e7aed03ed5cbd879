// The built command, as people run it: what it prints where, and how it exits.

import Foundation
import SettleCore
import SettleTestSupport
import Testing

/// What cannot be done, and the exit status that tells it.
private let impossible: [([String], Int32)] = [
    (["dump", "nothing"], 1),
    (["dump", "http://127.0.0.1:1/x"], 1),
    (["diff", "nothing", "nothing"], 2),
    (["load", "notes", "/no/such/file"], 1),
    (["load", "Bad!", "-"], 1),
    (["info", "/no/such/notes.settle"], 1),
    (["replicate", "http://127.0.0.1:1/x", "y", "--create-target"], 1),
    (["load", "x"], 64),
    (["nonsense"], 64),
    (["serve", "--listen", "0.0.0.0:0"], 1),
    (["serve", "--admin", "nocolon"], 64),
]

@Suite("The settle command")
struct CommandTests {
    private let folder = TemporaryDirectory()

    private func settle(_ arguments: String..., input: String = "") throws -> CommandResult {
        try runSettle(arguments + ["--data", folder.path], input: input)
    }

    private func load(_ name: String, _ documents: String...) throws {
        let result = try settle("load", name, "-", input: documents.joined(separator: "\n"))
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test("what is loaded is dumped, in order of ids and without revisions")
    func loadAndDump() throws {
        try load("notes", #"{"_id":"b","x":1.0}"#, #"{"_id":"a","y":["é",{}]}"#)
        let dump = try settle("dump", "notes")
        #expect(dump.status == 0)
        #expect(dump.output == "{\"_id\":\"a\",\"y\":[\"é\",{}]}\n{\"_id\":\"b\",\"x\":1.0}\n")
        let again = try settle(
            "load",
            "copy",
            "-",
            input: "[\(dump.output.split(separator: "\n").joined(separator: ","))]"
        )
        #expect(again.status == 0, "\(again.errors)")
        #expect(try settle("diff", "notes", "copy").status == 0)
    }

    @Test("what is attached is listed and comes out as it went in")
    func attach() throws {
        try load("notes", #"{"_id":"a","x":1}"#)
        let file = folder.path + "/in.txt"
        try "hello, world\n".write(toFile: file, atomically: true, encoding: .utf8)
        let put = try settle("attach", "put", "notes", "a", "in.txt", file)
        #expect(put.status == 0, "\(put.errors)")
        #expect(put.output.hasPrefix("2-"))
        #expect(try settle("attach", "put", "notes", "new", "raw", "-", input: "raw").output.hasPrefix("1-"))
        let list = try settle("attach", "ls", "notes", "a")
        let row = try JSONValue(parsing: Array(list.output.utf8))
        #expect(row["name"] == "in.txt")
        #expect(row["content_type"] == "text/plain")
        #expect(row["length"] == 13)
        #expect(row["revpos"] == 2)
        #expect(try settle("attach", "get", "notes", "a", "in.txt").output == "hello, world\n")
        let out = folder.path + "/out.bin"
        #expect(try settle("attach", "get", "notes", "new", "raw", out).status == 0)
        #expect(try String(contentsOfFile: out, encoding: .utf8) == "raw")
        let again = try settle("attach", "get", "notes", "new", "raw", out)
        #expect(again.status == 1)
        #expect(again.errors.contains("exists already"))
        let missing = try settle("attach", "get", "notes", "a", "other")
        #expect(missing.errors.contains("document a has no attachment other"))
        #expect(try settle("attach", "ls", "notes", "b").errors.contains("there is no document b"))
    }

    @Test("a load reports each batch and the end as JSON when nobody watches")
    func loadEvents() throws {
        let lines = (0..<25).map { #"{"_id":"d\#($0)"}"# }.joined(separator: "\n")
        let result = try settle("load", "many", "-", "--batch", "10", input: lines)
        let events = try result.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        #expect(events.map { $0["event"]?.string } == ["loaded", "loaded", "loaded", "finished"])
        #expect(events.map { $0["documents"]?.int } == [10, 20, 25, 25])
    }

    @Test("refused documents are named, the others written, and the exit status is 3")
    func refusals() throws {
        try load("notes", #"{"_id":"a"}"#)
        let result = try settle(
            "load",
            "notes",
            "-",
            input: #"{"_id":"a"} {"_id":"_b"} {"_id":"c"} {"_id":"_local/d"}"#
        )
        #expect(result.status == 3)
        #expect(result.errors.contains("settle: a: conflict"))
        #expect(result.errors.contains("settle: document 2: "))
        #expect(result.errors.contains("settle: document 4: "))
        #expect(try settle("dump", "notes").output == "{\"_id\":\"a\"}\n{\"_id\":\"c\"}\n")
    }

    @Test("input that is no JSON ends the load with a place and a count")
    func brokenInput() throws {
        let result = try settle("load", "notes", "-", input: #"{"_id":"a"} oops"#)
        #expect(result.status == 1)
        #expect(result.errors.contains("offset 12"))
        #expect(result.errors.contains("1 documents were written"))
        #expect(try settle("dump", "notes").output == "{\"_id\":\"a\"}\n")
    }

    @Test("revisions survive a dump and a load, deleted ones and conflicts too")
    func revisions() throws {
        let first = "1-00000000000000000000000000000001"
        let lines = [
            #"{"_id":"a","_rev":"\#(first)","n":1}"#,
            #"{"_id":"a","_rev":"1-00000000000000000000000000000002","n":2}"#,
            #"{"_id":"b","_deleted":true,"_revisions":{"start":2,"ids":["ab","cd"]}}"#,
        ]
        let loaded = try settle("load", "one", "-", "--revisions", input: lines.joined(separator: "\n"))
        #expect(loaded.status == 0, "\(loaded.errors)")
        let dump = try settle("dump", "one", "--revisions")
        #expect(dump.output.split(separator: "\n").count == 3)
        #expect(try settle("load", "two", "-", "--revisions", input: dump.output).status == 0)
        #expect(try settle("diff", "one", "two").output == "")
        try load("two", #"{"_id":"c"}"#)
        let diff = try settle("diff", "one", "two")
        #expect(diff.status == 1)
        #expect(diff.output.hasPrefix("> \"c\" 1-"))
        #expect(try settle("diff", "one", "two", "--quiet").output == "")
    }

    @Test("info tells the counts")
    func info() throws {
        try load("notes", #"{"_id":"a"}"#, #"{"_id":"b"}"#)
        let result = try settle("info", "notes")
        let info = try JSONValue(parsing: Array(result.output.utf8))
        #expect(info["name"]?.string == "notes")
        #expect(info["documents"]?.int == 2)
        #expect(info["update_sequence"]?.int == 2)
    }

    @Test("check finds nothing in a sound database, and a file that is none")
    func check() throws {
        try load("notes", #"{"_id":"a"}"#)
        let sound = try settle("check", "notes")
        #expect(sound.status == 0)
        #expect(sound.output == "notes: consistent\n")
        let data = try #require(
            FileManager.default.enumerator(atPath: "\(folder.path)/notes.settle")?.allObjects as? [String]
        )
        for file in data where file.hasSuffix(".mdb") {
            try Data(repeating: 7, count: 8192).write(
                to: URL(filePath: "\(folder.path)/notes.settle/\(file)")
            )
        }
        let broken = try settle("check", "notes")
        #expect(broken.status == 1)
        #expect(broken.output.hasPrefix("notes: "))
        #expect(!broken.output.contains("consistent"))
        try FileManager.default.removeItem(atPath: "\(folder.path)/notes.settle")
    }

    @Test("replication between local databases copies what is missing, and says so")
    func replication() throws {
        try load("a", #"{"_id":"x"}"#, #"{"_id":"y"}"#)
        #expect(try settle("replicate", "a", "b").status == 1)
        let result = try settle("replicate", "a", "b", "--create-target")
        #expect(result.status == 0, "\(result.errors)")
        let last = try #require(result.output.split(separator: "\n").last)
        let event = try JSONValue(parsing: Array(last.utf8))
        #expect(event["event"]?.string == "completed")
        #expect(event["docs_written"]?.int == 2)
        #expect(try settle("diff", "a", "b").status == 0)
        try load("a", #"{"_id":"z"}"#, #"{"_id":"q"}"#)
        #expect(try settle("replicate", "a", "b", "--doc-ids", "z").status == 0)
        #expect(try settle("diff", "a", "b").output.hasPrefix("< \"q\""))
    }

    @Test("a continuous replication goes on with what is written, and ends with a checkpoint when asked")
    func continuousReplication() throws {
        try load("a", #"{"_id":"x"}"#)
        try load("b", #"{"_id":"other"}"#)
        let command = try RunningCommand(["replicate", "a", "b", "--continuous", "--data", folder.path])
        func awaitWritten(_ count: Int) throws -> Bool {
            while case let line = try command.nextLine(), !line.isEmpty {
                if try JSONValue(parsing: Array(line.utf8))["docs_written"]?.int == count { return true }
            }
            return false
        }
        #expect(try awaitWritten(1))
        try load("a", #"{"_id":"y"}"#)
        #expect(try awaitWritten(2))
        command.terminate()
        var last = ""
        while case let line = try command.nextLine(), !line.isEmpty { last = line }
        #expect(command.status() == 0)
        #expect(try JSONValue(parsing: Array(last.utf8))["event"]?.string == "stopped")
        // The next run begins behind the checkpoint: it has nothing to look at.
        let again = try settle("replicate", "a", "b")
        let end = try JSONValue(parsing: Array(try #require(again.output.split(separator: "\n").last).utf8))
        #expect(end["missing_checked"]?.int == 2)
    }

    @Test("sync copies both ways, makes what is not there, and says which way in each event")
    func sync() throws {
        try load("a", #"{"_id":"x"}"#, #"{"_id":"both","by":"a"}"#)
        try load("b", #"{"_id":"y"}"#, #"{"_id":"both","by":"b"}"#)
        let result = try settle("sync", "a", "b")
        #expect(result.status == 0, "\(result.errors)")
        let ends = try result.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
            .filter { $0["event"] == "completed" }
        #expect(Set(ends.compactMap { $0["direction"]?.string }) == ["push", "pull"])
        #expect(ends.allSatisfy { $0["docs_written"] == 2 })
        #expect(try settle("diff", "a", "b").status == 0)
        #expect(try settle("sync", "a", "c").status == 1)
        #expect(try settle("sync", "a", "c", "--create").status == 0)
        #expect(try settle("diff", "b", "c").status == 0)
    }

    @Test(
        "what cannot be done is said in one line that begins with the command's name",
        arguments: impossible
    )
    func failures(arguments: [String], status: Int32) throws {
        let result = try runSettle(arguments + (arguments == ["nonsense"] ? [] : ["--data", folder.path]))
        #expect(result.status == status, "\(result.output)\(result.errors)")
        #expect(result.errors.hasPrefix("settle: "))
        #expect(!result.errors.contains("SettleError"))
    }

    @Test("--version and --help succeed")
    func help() throws {
        #expect(try runSettle(["--version"]).output.hasPrefix("0."))
        let help = try runSettle(["--help"])
        #expect(help.status == 0)
        for command in ["serve", "load", "dump", "replicate", "sync", "diff", "info", "check"] {
            #expect(help.output.contains("  \(command) "))
        }
    }
}
