#if JavaScript
import SettleCore

// The server's side of one worker: questions go to it one at a time, and it is watched while it works.
//
// It is killed when it uses too much memory, or when nothing moves although its time is over: its own watch stops
// functions, but some work of the library (a regular expression that never ends) cannot be interrupted. Processor time is
// what counts, so that a busy machine fails nobody; a worker that gets none at all is given up after a while.

/// Answers questions in a process of its own, which is started for the first and again after its end.
final class WorkerProcess: FunctionExecutor {
    private struct Running {
        let child: ChildProcess
        let channel: Channel
        let progress: SharedProgress
        /// Programs that it was sent and may still know.
        var known: Set<[UInt8]> = []
    }

    private let configuration: WorkerProcesses.Configuration
    private let log: LogSink
    private var running: Running?
    private var answers = 0

    init(configuration: WorkerProcesses.Configuration, log: LogSink) {
        self.configuration = configuration
        self.log = log
    }

    func answer(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) throws(SettleError) -> [UInt8] {
        if running == nil { running = try start() }
        guard var worker = running else { throw .functionsBroke }
        var watch = Watch(limits: limits, memoryLimit: configuration.memoryLimit)
        do throws(Ending) {
            // The second time it has been sent the program.
            for _ in 0..<2 {
                if worker.known.insert(program.identifier).inserted {
                    try send(.program, program.identifier, program.text, to: worker, &watch)
                }
                let prefix = WorkerFrame.askPrefix(program.identifier, seconds: limits.seconds)
                try send(.ask, prefix, request, to: worker, &watch)
                running?.known = worker.known
                switch try receive(from: worker, &watch) {
                case .answer(let text):
                    recycleIfLarge(worker, text.count + request.count)
                    return text
                case .failure(let error): throw .failed(error)
                case .unknownProgram: worker.known = []
                }
            }
            throw .lost
        } catch {
            if case .failed(let error) = error {
                // Its interpreter is spent, and starting another worker is as good as starting another interpreter.
                if error == .functionsTookTooLong || error == .functionsBroke { running = nil }
                throw error
            }
            running = nil
            throw words(for: error, of: worker)
        }
    }

    /// A worker that has grown is no loss: its memory returns, and another starts in no time.
    private func recycleIfLarge(_ worker: Running, _ bytes: Int) {
        answers += 1
        guard bytes > 1 << 22 || answers % 64 == 0 else { return }
        if let memory = worker.child.memoryBytes, memory > configuration.memoryLimit / 2 { running = nil }
    }

    private func words(for ending: Ending, of worker: Running) -> SettleError {
        switch ending {
        case .failed(let error): return error
        case .timeIsOver:
            _ = worker.child.end()
            return .functionsTookTooLong
        case .memoryIsFull:
            _ = worker.child.end()
            return SettleError(
                function: "os_process_error",
                reason: "OS process exceeded its memory limit of \(configuration.memoryLimit >> 20) MiB."
            )
        case .lost:
            return SettleError(
                function: "os_process_error",
                reason: "{exit_status,\(worker.child.waitForEnd())}"
            )
        case .broken:
            _ = worker.child.end()
            return .functionsBroke
        }
    }

    private func start() throws(SettleError) -> Running {
        guard let (here, there) = Channel.pair(), let progress = SharedProgress(),
            let child = ChildProcess(
                executable: configuration.executable,
                arguments: configuration.arguments,
                input: there.descriptor,
                third: progress.descriptor
            )
        else { throw SettleError(function: "os_process_error", reason: "No process could be started.") }
        return Running(child: child, channel: here, progress: progress)
    }
}

// MARK: Talking

extension WorkerProcess {
    /// What ends a conversation.
    private enum Ending: Error {
        case failed(SettleError)
        case timeIsOver, memoryIsFull, lost, broken
    }

    private enum Reply {
        case answer([UInt8])
        case failure(SettleError)
        case unknownProgram
    }

    private func send(
        _ kind: WorkerFrame.Kind,
        _ prefix: [UInt8],
        _ text: [UInt8],
        to worker: Running,
        _ watch: inout Watch
    ) throws(Ending) {
        let head = WorkerFrame.header(kind, payloadLength: prefix.count + text.count) + prefix
        for part in [head, text] {
            var rest = part[...]
            while !rest.isEmpty {
                do throws(Channel.Failure) {
                    rest = rest.dropFirst(try worker.channel.write(rest, waits: false))
                } catch {
                    guard error == .notYet else { throw .lost }
                    if !worker.channel.wait(writing: true, milliseconds: Watch.pause) {
                        try check(worker, &watch)
                    }
                }
            }
        }
    }

    private func receive(from worker: Running, _ watch: inout Watch) throws(Ending) -> Reply {
        while true {
            let header = try read(WorkerFrame.headerLength, from: worker, &watch)
            guard let (kind, length) = WorkerFrame.read(header: header), length <= configuration.memoryLimit
            else {
                throw .broken
            }
            let payload = try read(length, from: worker, &watch)
            switch kind {
            case .answer: return .answer(payload)
            case .failure: return .failure(WorkerFrame.readFailure(payload))
            case .unknownProgram: return .unknownProgram
            case .log: log.write(String(decoding: payload, as: UTF8.self))
            case .program, .ask: throw .broken
            }
        }
    }

    private func read(_ count: Int, from worker: Running, _ watch: inout Watch) throws(Ending) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            do throws(Channel.Failure) {
                try worker.channel.read(into: &bytes, limit: count - bytes.count, waits: false)
            } catch {
                guard error == .notYet else { throw .lost }
                if !worker.channel.wait(milliseconds: Watch.pause) { try check(worker, &watch) }
            }
        }
        return bytes
    }

    private func check(_ worker: Running, _ watch: inout Watch) throws(Ending) {
        switch watch.verdict(
            progress: worker.progress.progress.value,
            processorSeconds: worker.child.processorSeconds,
            memoryBytes: worker.child.memoryBytes
        ) {
        case .fine: return
        case .timeIsOver: throw .timeIsOver
        case .memoryIsFull: throw .memoryIsFull
        }
    }
}
#endif
