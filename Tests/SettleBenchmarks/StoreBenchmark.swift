// What the store costs without a server around it: microseconds of this process's processor time per document.
//
//     swift run -c release SettleBenchmarks [documents | attachments | collation | views [documents]]
//
// Each line is one pass over the same documents (about 260 bytes each). The server's own numbers, paired with CouchDB's,
// are in Results.md.

import Settle
import SettleCore
import SettleTestSupport

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

@main
struct StoreBenchmark {
    static func main() async throws {
        switch CommandLine.arguments.dropFirst().first {
        case "attachments": return try AttachmentBenchmark.main()
        case "collation": return try CollationBenchmark.main()
        case "views":
            return try ViewBenchmark.main(
                CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 50_000
            )
        #if JavaScript
        case "functions": return try FunctionBenchmark.main()
        #endif
        default: break
        }
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 50_000
        for (name, makesID) in [("sequential", sequentialID), ("random", randomID)] {
            let directory = TemporaryDirectory()
            let database = try Database.open(at: "\(directory.path)/bench.settle", creating: true)
            let texts = (0..<count).map { text($0, id: makesID($0)) }
            var edits: [[DocumentEdit]] = []
            try measure("\(name): parse and hash", count) {
                for start in stride(from: 0, to: count, by: 1000) {
                    edits.append(try texts[start..<min(count, start + 1000)].map(edit))
                }
            }
            try measure("\(name): write in batches of 1000", count) {
                for batch in edits { _ = try database.performBlocking(.edits(batch)) }
            }
            try measure("\(name): read one by one", count) {
                var output: [UInt8] = []
                for index in 0..<count {
                    output.removeAll(keepingCapacity: true)
                    _ = try database.read { try $0.appendWinner(DocumentID(makesID(index)), to: &output) }
                }
            }
            try measure("\(name): all documents with bodies", count) {
                try database.read { snapshot in
                    var output: [UInt8] = []
                    var rows = try snapshot.documentCursor()
                    while try rows.next() {
                        rows.appendID(to: &output)
                        rows.appendRevision(to: &output)
                        try rows.appendDocument(in: snapshot, to: &output)
                        if output.count > 1 << 18 { output.removeAll(keepingCapacity: true) }
                    }
                }
            }
            try measure("\(name): all changes", count) {
                try database.read { snapshot in
                    var output: [UInt8] = []
                    var rows = try snapshot.changesCursor()
                    while try rows.next() {
                        rows.appendID(to: &output)
                        rows.appendRevision(to: &output)
                        if output.count > 1 << 18 { output.removeAll(keepingCapacity: true) }
                    }
                }
            }
        }
    }

    static func sequentialID(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    static func randomID(_ index: Int) -> String {
        var generator = SeededGenerator(seed: UInt64(index))
        let digits = String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
        return String(repeating: "f", count: 32 - digits.count) + digits
    }

    static func text(_ index: Int, id: String) -> [UInt8] {
        Array(
            """
            {"_id":"\(id)","type":"order","n":\(index),"user":"u\(index % 5000)","price":\(index % 1000),\
            "tags":["amber","basil","cedar"],"paid":\(index % 2 == 0),\
            "text":"delta ember fjord grove hazel indigo jasper kelp lotus maple","hash":"\(id)deadbeef"}
            """.utf8
        )
    }

    static func edit(_ text: [UInt8]) throws -> DocumentEdit {
        let document = try IncomingDocument(parsing: text)
        return try .interactive(document, id: document.id ?? "none")
    }

    static func measure(_ name: String, _ count: Int, _ body: () throws -> Void) rethrows {
        let before = (processor(), ContinuousClock.now)
        try body()
        let cpu = processor() - before.0
        let elapsed = ContinuousClock.now - before.1
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let perDocument = (cpu / Double(count) * 1e8).rounded() / 100
        print("\(name): \(perDocument) µs processor time, \(Int(Double(count) / seconds)) a second")
    }

    /// Seconds of processor time that this process has used.
    static func processor() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
