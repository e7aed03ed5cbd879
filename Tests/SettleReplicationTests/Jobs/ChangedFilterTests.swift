import Settle
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleReplication

/// An engine whose filters let documents through that have the code of the filter as their type.
private final class TypeFilters: FunctionEngine {
    func answer(_ request: [UInt8], of program: FunctionProgram, limits: FunctionLimits) throws(SettleError)
        -> [UInt8]
    {
        guard let question = try? JSONValue(parsing: request), let name = question[1]?.string,
            let design = try? JSONValue(parsing: program.text), question[0] == "filter"
        else { return Array("true".utf8) }
        let code = design["filters"]?[name]?.string.map { JSONValue.string($0.filter { !$0.isWhitespace }) }
        return JSONValue.array((question[2]?.array ?? []).map { .bool($0["type"] == code) }).bytes
    }

    func answerInBackground(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) async throws(SettleError) -> [UInt8] {
        try answer(request, of: program, limits: limits)
    }
}

@Suite("A continuous replication whose filter function changes")
struct ChangedFilterTests {
    private let directory = TemporaryDirectory()
    private let folder: DatabaseFolder
    private let source: Database
    private let target: Database

    init() throws {
        var options = StoreOptions(syncsCommits: false)
        options.functionEngine = TypeFilters()
        folder = try DatabaseFolder(path: directory.path, options: options)
        source = try folder.create("a")
        target = try folder.create("b")
    }

    /// Writes documents of two types and a filter for one of them; answers with the design document's revision.
    private func fill() async throws -> RevisionID {
        for number in 0..<10 { try await source.put("apple\(number)", ["type": "fruit"]) }
        for number in 0..<6 { try await source.put("saw\(number)", ["type": "tool"]) }
        return try await source.put("_design/f", ["filters": ["mine": "fruit"]])
    }

    @Test("is another job with another name, which begins from the start")
    func job() async throws {
        let design = try await fill()
        let clock = ManualClock()
        let jobs = ReplicationJobs(folder: folder, serverUUID: "u", clock: clock)
        let replicator = try folder.create("_replicator")
        try await replicator.put(
            "job",
            ["source": "a", "target": "b", "filter": "f/mine", "continuous": true]
        )
        jobs.start()
        try await until("fruit is copied") { try target.ids().count == 10 }
        func listed() throws -> JSONValue? { try jobs.document("job", of: "_replicator") }
        try await until("noted") { try listed()?["info"]?["docs_written"] == 10 }
        let before = try #require(try listed()?["id"]?.string)

        // The same code is the same job, however often it is looked at.
        let second = try await source.put(
            "_design/f",
            ["filters": ["mine": " fruit\n"], "note": 1],
            parent: design
        )
        clock.advance(by: 70_000)
        try await source.put("pear", ["type": "fruit"])
        try await until("a new document is copied") { try target.document("pear") != nil }
        #expect(try listed()?["id"]?.string == before)

        try await source.put("_design/f", ["filters": ["mine": "tool"]], parent: second)
        try await until("tools are copied") {
            clock.advance(by: 5_000)
            return try target.ids().isSuperset(of: (0..<6).map { "saw\($0)" })
        }
        let after = try #require(try listed()?["id"]?.string)
        #expect(before != after)
        #expect(jobs.jobList().map { $0["id"]?.string } == [after])
        await jobs.shutdown()
    }

    @Test("keeps its job while the design document can't be read, and says what is wrong with a new one")
    func missing() async throws {
        _ = try await fill()
        let clock = ManualClock()
        let jobs = ReplicationJobs(folder: folder, serverUUID: "u", clock: clock)
        let replicator = try folder.create("_replicator")
        try await replicator.put(
            "job",
            ["source": "a", "target": "b", "filter": "g/mine", "continuous": true]
        )
        jobs.start()
        func listed() throws -> JSONValue? { try jobs.document("job", of: "_replicator") }
        try await until("an error") { try listed()?["state"] == "error" }
        #expect(try listed()?["info"]?["error"]?.string?.contains("_design/g") == true)
        let design = try await source.put("_design/g", ["filters": ["mine": "tool"]])
        try await until("tools are copied") {
            clock.advance(by: 10_000)
            return try target.ids().count == 6
        }
        try await source.delete("_design/g", design)
        clock.advance(by: 70_000)
        try await source.put("axe", ["type": "tool"])
        try await until("the job says so itself") {
            clock.advance(by: 1_000)
            return try listed()?["state"] == "crashing"
        }
        await jobs.shutdown()
    }

    @Test("begins from the start under another name, where nobody else names it")
    func embedded() async throws {
        let design = try await fill()
        let replication = try Replication(from: .database(source), to: .database(target)) { options in
            options.isContinuous = true
            options.selection = .filter(name: "f/mine", parameters: [:])
            options.checkpointInterval = .milliseconds(10)
        }
        async let end = replication.run()
        try await until("fruit is copied") { try target.ids().count == 10 }
        let before = try await replication.name()
        try await source.put("_design/f", ["filters": ["mine": "tool"]], parent: design)
        try await until("tools are copied") { try target.ids().count == 16 }
        #expect(try await replication.name() != before)
        replication.stop()
        _ = try await end
    }
}
