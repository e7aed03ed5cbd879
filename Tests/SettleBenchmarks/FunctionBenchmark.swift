// What JavaScript costs: documents per second through a map function that emits three rows.
//
//     swift run -c release SettleBenchmarks functions
//
// The time is that of the caller, who also reads the rows; the engine runs on a thread of its own.

#if JavaScript
import SettleCore
import SettleJavaScript

enum FunctionBenchmark {
    static func main() throws {
        let engine = InProcessEngine(threadCount: 1)
        let tags = """
            function (doc) { if (doc.type === "order") { doc.tags.forEach(function (t) { emit([t, doc.n], doc.price); }); } }
            """
        let writes =
            "function (doc) { var key = {}; key.n = doc.n; doc.tags.forEach(function (t) { emit([t, key.n], 1); }); }"
        try measure("three rows, batches of 100", engine, tags, batch: 100)
        try measure("three rows, one by one", engine, tags, batch: 1)
        try measure("three rows, documents frozen", engine, writes, batch: 100)
    }

    private static func measure(_ name: String, _ engine: InProcessEngine, _ map: String, batch: Int) throws {
        let program = FunctionProgram(maps: [Array(map.utf8)], reduces: [], library: nil, scope: "bench")
        let documents = (0..<batch).map { index in
            let text = """
                {"_id":"doc\(index)","_rev":"1-abcdefabcdefabcdefabcdefabcdefab","type":"order","n":\(index),"price":\(index * 7),\
                "user":"user\(index)","tags":["alpha","beta","gamma"],"address":{"street":"Main Street","zip":12345},\
                "text":"lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"}
                """
            return Array(text.utf8)
        }
        let rounds = 100_000 / batch
        _ = try engine.ask(.map(documents), of: program)
        var rows = 0
        try StoreBenchmark.measure("maps: \(name)", rounds * batch) {
            for _ in 0..<rounds { rows += try engine.ask(.map(documents), of: program).rows.count }
        }
        precondition(rows == rounds * batch * 3)
    }
}
#endif
