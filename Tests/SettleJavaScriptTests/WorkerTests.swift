#if JavaScript
import Foundation
import SettleCore
import SettleTestSupport
import Testing

@testable import SettleJavaScript

@Suite("Worker processes")
struct WorkerTests {
    private func workers(
        count: Int = 1,
        memoryLimit: Int = 512 << 20,
        idleSeconds: Double = 60,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> WorkerProcesses {
        let settle = try BuiltProduct.settle().path(percentEncoded: false)
        return WorkerProcesses(
            configuration: WorkerProcesses.Configuration(
                executable: settle,
                arguments: ["function-worker"],
                workerCount: count,
                memoryLimit: memoryLimit,
                idleSeconds: idleSeconds
            ),
            log: log
        )
    }

    private func failure(_ body: () throws -> Void) -> SettleError? {
        do {
            try body()
            return nil
        } catch {
            return error as? SettleError
        }
    }

    private let good = Programs.views("doc => emit(doc.n)")

    @Test("answer as the engine of one process does, and pass on what functions log")
    func answers() throws {
        let lines = Lines()
        let engine = try workers { lines.add($0) }
        let program = Programs.views("function(doc){log('seen ' + doc._id); emit(doc.n, doc._id)}")
        let documents = (0..<300).map { #"{"_id":"d\#($0)","n":\#($0)}"# }
        for _ in 0..<2 {
            #expect(
                try engine.rows(of: documents, by: program)
                    == InProcessEngine(threadCount: 1).rows(of: documents, by: program)
            )
        }
        #expect(lines.all.count == 200 && lines.all.first == "seen d0")
    }

    @Test("are sent programs again that they have forgotten")
    func forgotten() throws {
        let engine = try workers()
        let first = Programs.views("doc => emit('first')")
        #expect(try engine.rows(of: ["{}"], by: first) == [#"0/0 "first" null"#])
        for index in 0..<Interpreter.programLimit + 3 {
            #expect(
                try engine.rows(of: ["{}"], by: Programs.views("doc => emit(\(index))")) == [
                    "0/0 \(index) null"
                ]
            )
        }
        #expect(try engine.rows(of: ["{}"], by: first) == [#"0/0 "first" null"#])
    }

    @Test("stop functions that do not end")
    func endless() throws {
        let engine = try workers()
        for source in ["function(doc){while(true){}}", "function(doc){try { while(true){} } catch (e) {} }"] {
            let error = failure { _ = try engine.rows(of: ["{}"], by: Programs.views(source), seconds: 0.1) }
            #expect(error == SettleError(function: "os_process_error", reason: "OS process timed out."))
            #expect(try engine.rows(of: [#"{"n":1}"#], by: good) == ["0/0 1 null"])
        }
    }

    @Test("go on answering while another one hangs")
    func independence() async throws {
        let engine = try workers(count: 2)
        let hanging = Task {
            try await engine.askInBackground(
                .map([Array("{}".utf8)]),
                of: Programs.views("function(doc){while(true){}}"),
                limits: FunctionLimits(seconds: 1)
            )
        }
        for index in 0..<20 {
            #expect(try engine.rows(of: [#"{"n":\#(index)}"#], by: good) == ["0/0 \(index) null"])
        }
        await #expect(throws: SettleError.self) { try await hanging.value }
    }

    @Test(
        "are ended when they take too much memory",
        arguments: [
            "function(doc){var a = []; while (true) a.push(new Array(1000).fill(0.5))}",
            "function(doc){var s = 'x'; while (true) { s = s + s + Math.random(); s.indexOf('y') }}",
            "function(doc){while (true) emit(new Array(100).fill(1.5), {})}",
        ]
    )
    func memory(source: String) throws {
        let engine = try workers(memoryLimit: 160 << 20)
        let error = failure { _ = try engine.rows(of: ["{}"], by: Programs.views(source), seconds: 20) }
        // Where it can't have the memory, the function sees an exception, which costs its document only.
        if let error { #expect(error.name == "os_process_error") }
        #expect(try engine.rows(of: [#"{"n":1}"#], by: good) == ["0/0 1 null"])
    }

    @Test("that cannot be or end fail the question clearly")
    func broken() {
        for (executable, reason) in [
            ("/nonexistent", "No process could be started."), ("/bin/false", "{exit_status,1}"),
        ] {
            let configuration = WorkerProcesses.Configuration(
                executable: executable,
                arguments: [],
                workerCount: 1
            )
            let engine = WorkerProcesses(configuration: configuration)
            for _ in 0..<2 {
                let error = failure { _ = try engine.rows(of: ["{}"], by: good) }
                #expect(error == SettleError(function: "os_process_error", reason: reason))
            }
        }
    }

    @Test("are not there before the first question, nor long after the last one")
    func idle() throws {
        let engine = try workers(count: 4, idleSeconds: 0.2)
        #expect(engine.workerCount == 0)
        #expect(try engine.rows(of: [#"{"n":1}"#], by: good) == ["0/0 1 null"])
        #expect(engine.workerCount <= 1)
        while engine.workerCount > 0 { Thread.sleep(forTimeInterval: 0.02) }
        #expect(try engine.rows(of: [#"{"n":2}"#], by: good) == ["0/0 2 null"])
    }

    @Test("refuse questions once they are closed")
    func closed() throws {
        let engine = try workers()
        #expect(try engine.rows(of: [#"{"n":1}"#], by: good) == ["0/0 1 null"])
        engine.close()
        let error = failure { _ = try engine.rows(of: ["{}"], by: good) }
        #expect(error?.kind == .unavailable)
    }

    @Test("end with their server, even in the middle of a function that does not end")
    func orphans() throws {
        let settle = try BuiltProduct.settle().path(percentEncoded: false)
        var ends = Channel.pair()
        let progress = try #require(SharedProgress())
        let child = try #require(
            ChildProcess(
                executable: settle,
                arguments: ["function-worker"],
                input: ends?.1.descriptor ?? -1,
                third: progress.descriptor
            )
        )
        let program = Programs.views("function(doc){while(true){}}")
        let text = program.identifier + program.text
        try ends?.0.writeAll(WorkerFrame.header(.program, payloadLength: text.count) + text)
        let ask =
            WorkerFrame.askPrefix(program.identifier, seconds: 1000)
            + FunctionQuestion.map([[0x7B, 0x7D]]).request
        try ends?.0.writeAll(WorkerFrame.header(.ask, payloadLength: ask.count) + ask)
        while progress.progress.value == 0 { Thread.sleep(forTimeInterval: 0.01) }
        ends = nil
        #expect(child.waitForEnd() == 0)
    }
}

@Suite("Watching over workers")
struct WatchTests {
    private func watch(seconds: Double = 1) -> Watch {
        Watch(limits: FunctionLimits(seconds: seconds), memoryLimit: 1000)
    }

    @Test("gives up who uses too much memory")
    func memory() {
        var watch = watch()
        #expect(watch.verdict(progress: 1, processorSeconds: 0, memoryBytes: 1000) == .fine)
        #expect(watch.verdict(progress: 1, processorSeconds: 0, memoryBytes: 1001) == .memoryIsFull)
    }

    @Test("gives up who uses its time without progress")
    func time() {
        var watch = watch()
        for step in 0..<100 {
            #expect(
                watch.verdict(progress: Int32(step), processorSeconds: Double(step) * 2, memoryBytes: 0)
                    == .fine
            )
        }
        #expect(watch.verdict(progress: 99, processorSeconds: 200, memoryBytes: 0) == .fine)
        #expect(watch.verdict(progress: 99, processorSeconds: 201.5, memoryBytes: 0) == .timeIsOver)
    }

    @Test("waits for who gets no time, but not for ever")
    func starvation() {
        var watch = watch()
        var looks = 0
        while watch.verdict(progress: 0, processorSeconds: 0, memoryBytes: nil) == .fine { looks += 1 }
        #expect((400...700).contains(looks))
    }
}
#endif
