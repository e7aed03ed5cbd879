import SettleCore
import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite(
    "Attachments on a full disk",
    .enabled(if: SmallDisk.isPossible, "Only root can mount a small disk, and only on Linux.")
)
struct FullDiskTests {
    @Test(
        "are refused as such, in files and in the database, and harm nothing",
        arguments: [40_000, 300_000]
    )
    func full(size: Int) async throws {
        let disk = try SmallDisk(bytes: 6 << 20)
        let database = try Database.open(at: "\(disk.path)/full.settle", creating: true)
        var revisions: [DocumentID: RevisionID] = [:]
        var refusal: SettleError?
        while refusal == nil {
            let id = DocumentID("d\(revisions.count)")
            let content = noise(size, seed: UInt8(truncatingIfNeeded: revisions.count))
            do throws(SettleError) {
                revisions[id] = try await database.attach(
                    content,
                    named: "f",
                    contentType: "image/png",
                    to: id
                )
            } catch {
                refusal = error
            }
        }
        #expect(refusal?.kind == .insufficientStorage)
        #expect(refusal?.status == 507)
        #expect(revisions.count > 5)
        #expect(try database.check() == [])
        for id in revisions.keys { #expect(try database.attachment("f", of: id)?.bytes().count == size) }
        #expect(try database.read { try $0.info.documentCount } == revisions.count)
        // Nothing has to be repaired: as soon as there is room it goes on.
        try disk.grow(to: 20 << 20)
        try await database.attach(noise(1000), named: "f", contentType: "image/png", to: "small")
        #expect(try database.check() == [])
    }

    @Test("let a compaction fail until there is room for the copy, and it leaves nothing behind")
    func compaction() async throws {
        var room = 640 << 10
        let disk = try SmallDisk(bytes: room)
        let database = try Database.open(at: "\(disk.path)/full.settle", creating: true)
        try await database.attach(noise(150_000), named: "f", contentType: "image/png", to: "large")
        var count = 0
        do {
            while true {
                let id = DocumentID("d\(count)")
                try await database.attach(noise(20_000), named: "f", contentType: "image/png", to: id)
                count += 1
            }
        } catch { #expect(error.kind == .insufficientStorage) }
        var refusals = 0
        while try database.environment().generation == 1 {
            do throws(SettleError) {
                try await database.compact()
            } catch {
                refusals += 1
                #expect(error.status == 507)
                #expect(try FileSystem.list(database.directory).filter { $0.contains("draft") } == [])
                if refusals == 1 { #expect(try database.check() == []) }
                // In small steps, so that room ends at each of the things that a compaction writes.
                room += 12 << 10
                try disk.grow(to: room)
            }
        }
        #expect(refusals > 5)
        #expect(try database.read { try $0.info.documentCount } == count + 1)
        #expect(try database.attachment("f", of: "large")?.bytes() == noise(150_000))
        #expect(try database.check() == [])
    }
}
