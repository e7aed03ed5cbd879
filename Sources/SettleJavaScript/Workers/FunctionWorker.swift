#if JavaScript
import SettleCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

// A worker's whole life: it answers what comes on standard input, which is a socket, and ends with its server.
//
// The end of the server closes the socket, and a thread of its own waits for that: the other one may be busy with a
// function that never ends.

/// The worker's side of ``WorkerProcesses``.
package enum FunctionWorker {
    /// Answers questions until the server is gone.
    package static func run() -> Never {
        // What the server had open without saying that nobody inherits it.
        for descriptor in Int32(4)..<4096 { close(descriptor) }
        let channel = Channel(descriptor: 0)
        startThread(stackSize: 64 << 10) {
            channel.waitForEnd()
            _exit(0)
        }
        // JavaScript recurses until the library finds the stack too small, and JSON is read recursively.
        startThread(stackSize: 16 << 20) {
            try? answerAll(channel)
            _exit(0)
        }
        while true { pause() }
    }

    private static func answerAll(_ channel: Channel) throws(Channel.Failure) {
        let shared = SharedProgress(descriptor: 3)
        let interpreter = Interpreter(progress: shared?.progress ?? Progress())
        func reply(_ kind: WorkerFrame.Kind, _ payload: [UInt8]) throws(Channel.Failure) {
            try channel.writeAll(WorkerFrame.header(kind, payloadLength: payload.count))
            try channel.writeAll(payload)
        }
        while true {
            let header = try channel.readAll(WorkerFrame.headerLength)
            guard let (kind, length) = WorkerFrame.read(header: header) else { return }
            let payload = try channel.readAll(length)
            switch kind {
            case .program:
                // A program that can't be read is unknown when it is asked about.
                if let program = WorkerFrame.readProgram(payload) { try? interpreter.add(program) }
            case .ask:
                guard let ask = WorkerFrame.readAsk(payload) else { return }
                var lines: [String] = []
                let result = Result { () throws(SettleError) in
                    try interpreter.answer(
                        ask.request,
                        of: ask.identifier,
                        limits: FunctionLimits(seconds: ask.seconds)
                    ) { lines.append($0) }
                }
                for line in lines { try reply(.log, Array(line.utf8)) }
                switch result {
                case .success(let answer?): try reply(.answer, answer)
                case .success(nil): try reply(.unknownProgram, [])
                case .failure(let error): try reply(.failure, WorkerFrame.failure(error))
                }
            case .answer, .failure, .unknownProgram, .log: return
            }
        }
    }
}
#endif
