// The power fails while a server writes. See `PowerLossReplay` for what a disk may hold then.
//
// A server runs under the recorder and takes a stream of writes; its answers are in the record too. Then the power is
// cut at many moments of that record, each moment with several disks that it may leave, and each disk is opened. It
// must be a consistent database, and hold every write that had been acknowledged by then.
//
// The same test with a server that does not wait for the disk has to find lost writes, or it could not find any.

import Foundation
import Settle
import SettleCore
import SettleTestSupport
import Testing

@Suite("A power failure", .serialized)
struct PowerLossTests {
    @Test("loses no acknowledged write and leaves a consistent database", .timeLimit(.minutes(10)))
    func synced() async throws {
        let run = try await PowerLossRun(syncing: true)
        try run.checkRecord()
        #expect(run.acknowledgements.count >= 100)
        var found: [String] = []
        for moment in run.moments(150) {
            found += try run.problems(at: moment)
        }
        #expect(found == [])
    }

    @Test("loses no acknowledged attachment, nor its bytes", .timeLimit(.minutes(10)))
    func attachments() async throws {
        let run = try await PowerLossRun(syncing: true, uploading: true)
        try run.checkRecord()
        #expect(run.acknowledgements.count >= 30)
        #expect(run.record.events.contains { if case .link = $0 { true } else { false } })
        var found: [String] = []
        for moment in run.moments(40) {
            found += try run.problems(at: moment)
        }
        #expect(found == [])
    }

    @Test("does lose acknowledged writes when commits do not wait for the disk", .timeLimit(.minutes(10)))
    func unsynced() async throws {
        let run = try await PowerLossRun(syncing: false)
        try run.checkRecord()
        #expect(run.acknowledgements.count >= 100)
        #expect(try run.moments(20).contains { try !run.problems(at: $0).isEmpty })
    }
}

/// A recorded server and what it acknowledged when.
private struct PowerLossRun {
    private static let database = "power"

    let record: DiskRecord
    /// A write that was acknowledged, and the event with which that was said.
    let acknowledgements: [(event: Int, id: String, revision: String)]
    private let replay: PowerLossReplay
    private let finalDisk: [String: DiskEntry]

    init(syncing: Bool, uploading: Bool = false) async throws {
        let recorder = try DiskRecorder()
        var environment = recorder.environment
        if !syncing { environment["SETTLE_UNSAFE_NOSYNC"] = "1" }
        let server = try ServerProcess(folder: recorder.root, environment: environment)
        let created = try await server.endpoint.send(
            HTTPRequest("PUT", "/\(Self.database)", headers: [administrator])
        )
        #expect(created.status == 201)
        if uploading {
            var stream = AttachmentStream(endpoint: server.endpoint, database: Self.database, prefix: "w")
            stream.sizes = [300, 20_000, 135_000]
            #expect(await stream.run(connections: 3, limit: 15).count > 6)
        } else {
            let stream = WriteStream(endpoint: server.endpoint, database: Self.database, prefix: "w")
            let written = await stream.run(connections: 4, limit: 30)
            #expect(written.count == 120)
        }
        server.kill()
        record = try recorder.record()
        replay = PowerLossReplay(record)
        finalDisk = try recorder.disk()
        acknowledgements = Self.acknowledgements(in: record)
    }

    /// LMDB's reader table, which is written through a mapping, means nothing after a restart.
    private static func isLockFile(_ path: String) -> Bool { path.hasSuffix("-lock") }

    /// Finds the answers `{"ok":true,"id":…,"rev":…}` among what the server said.
    private static func acknowledgements(in record: DiskRecord) -> [(
        event: Int, id: String, revision: String
    )] {
        record.events.enumerated().flatMap { index, event -> [(event: Int, id: String, revision: String)] in
            guard case .say(let bytes) = event else { return [] }
            return String(decoding: bytes, as: UTF8.self).matches(of: /"id":"([^"]+)","rev":"([^"]+)"/).map {
                (index, String($0.1), String($0.2))
            }
        }
    }

    /// The record is complete: with everything that it says done, it yields the files that are there.
    func checkRecord() throws {
        let unseen = replay.mappedPaths.filter { !Self.isLockFile($0) }
        #expect(unseen == [], "written through a mapping, which the recorder can't see")
        let played = replay.disk(before: record.events.count, .everything)
        let names = Set(played.keys).union(finalDisk.keys).filter { !Self.isLockFile($0) }
        #expect(names.filter { played[$0] != finalDisk[$0] } == [])
        #expect(record.events.contains { if case .write = $0 { true } else { false } })
    }

    /// Moments spread over the record, and right after acknowledgements.
    func moments(_ count: Int) -> [Int] {
        var generator = SeededGenerator(seed: 7)
        let first = acknowledgements.first?.event ?? 0
        return (0..<count).map { number in
            guard number % 2 == 0, let said = acknowledgements.randomElement(using: &generator) else {
                return Int.random(in: first...record.events.count, using: &generator)
            }
            return said.event + 1
        }
    }

    /// What is wrong with the disks that a power failure at this moment may leave.
    func problems(at moment: Int) throws -> [String] {
        let survivals: [Survival] = [.nothing, .everything, .random(seed: UInt64(moment))]
        return try survivals.flatMap { survival in
            let disk = replay.disk(before: moment, survival).filter { !Self.isLockFile($0.key) }
            let folder = TemporaryDirectory(mayBeKept: false)
            try disk.write(to: folder.path)
            return open(folder.path, at: moment).map { "before event \(moment), \(survival): \($0)" }
        }
    }

    private func open(_ folder: String, at moment: Int) -> [String] {
        let said = acknowledgements.filter { $0.event < moment }.map { ($0.id, $0.revision) }
        do {
            guard let database = try DatabaseFolder(path: folder).open(Self.database) else {
                return ["no database"]
            }
            let lost = try acknowledgedWrites(Dictionary(said) { $1 }, missingFrom: database)
            return try database.check() + lost.map { "lost \($0)" }
        } catch {
            return ["cannot be opened: \(error)"]
        }
    }
}
