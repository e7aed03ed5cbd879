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
}
