// What it costs to keep content inside of the database, against a file of its own: where the threshold belongs.
//
//     swift run -c release SettleBenchmarks attachments
//
// Writes are durable, one after the other, each a document with one attachment that does not compress; the second time
// they reuse the space of what was removed.

import Settle
import SettleCore
import SettleTestSupport

enum AttachmentBenchmark {
    static func main() throws {
        for size in [4, 16, 64, 128, 256, 512, 1024] {
            let count = max(64, min(512, (128 << 10) / size))
            for isInline in [true, false] {
                try run(kibibytes: size, count: count, isInline: isInline)
            }
        }
    }

    private static func run(kibibytes: Int, count: Int, isInline: Bool) throws {
        var options = StoreOptions()
        options.inlineAttachmentLimit = isInline ? .max : 0
        let directory = TemporaryDirectory()
        let database = try Database.open(
            at: "\(directory.path)/bench.settle",
            creating: true,
            options: options
        )
        var generator = SeededGenerator(seed: UInt64(kibibytes))
        let type = Array("application/octet-stream".utf8)
        var content = (0..<kibibytes * 128).flatMap { _ in
            withUnsafeBytes(of: generator.next()) { Array($0) }
        }
        let clock = ContinuousClock()
        var revisions: [(DocumentID, RevisionID)] = []
        func write(_ variant: UInt8) throws {
            revisions = []
            for index in 0..<count {
                content[0] = UInt8(truncatingIfNeeded: index)
                content[1] = UInt8(truncatingIfNeeded: index >> 8)
                content[2] = variant
                let upload = try AttachmentUpload(in: database, contentType: type)
                try upload.append(content[...])
                let entry = EditAttachment.staged(name: [97], contentType: type, try upload.finish())
                let id = DocumentID("doc\(index)")
                let document = try IncomingDocument(parsing: Array("{}".utf8))
                let edit = try DocumentEdit(
                    id: id,
                    kind: .interactive(parent: nil),
                    document: document,
                    attachments: [entry]
                )
                if case .edits(let outcomes) = try database.performBlocking(.edits([edit])),
                    case .written(let revision) = outcomes[0]
                {
                    revisions.append((id, revision))
                }
            }
        }
        let writing = try clock.measure { try write(1) }
        var bytes = 0
        let reading = try clock.measure {
            for index in 0..<count {
                guard
                    let attachment = try database.attachments(of: DocumentID("doc\(index)"), at: nil)?.first,
                    let decoder = try database.attachmentReader(attachment)?.decoded()
                else { continue }
                while let part = try decoder.next() { bytes += part.count }
            }
        }
        let removing = try clock.measure {
            for (id, revision) in revisions { _ = try database.performBlocking(.purge([(id, [revision])])) }
        }
        let again = try clock.measure { try write(2) }
        func each(_ duration: Duration) -> Int {
            let parts = duration.components
            return Int(parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000) / count
        }
        print(
            "\(kibibytes) KiB \(isInline ? "inline" : "file  ")  write \(each(writing)) µs  read \(each(reading)) µs  "
                + "remove \(each(removing)) µs  write again \(each(again)) µs  (\(count) × \(bytes / count) bytes)"
        )
    }
}
