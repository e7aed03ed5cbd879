#if JavaScript
// The functions of design documents in processes of their own, so that one that loops, recurses or takes memory costs
// its own request and nothing else.
//
// A worker is the server's executable with other arguments. It is started when a question comes and all others are busy,
// up to one per core, and ended when it has had nothing to do for a minute: an idle server has none.

/// Runs design documents' functions in worker processes.
package final class WorkerProcesses: ThreadedEngine {
    /// How workers are started, and what they may use.
    package struct Configuration: Sendable {
        /// The path of the executable.
        package var executable: String
        /// The arguments that make it a worker (``FunctionWorker``).
        package var arguments: [String]
        /// Workers at most.
        package var workerCount: Int
        /// Bytes of memory that a worker may use before it is killed.
        package var memoryLimit: Int
        /// Seconds without a question after which a worker ends.
        package var idleSeconds: Double

        package init(
            executable: String,
            arguments: [String],
            workerCount: Int,
            memoryLimit: Int = 512 << 20,
            idleSeconds: Double = 60
        ) {
            self.executable = executable
            self.arguments = arguments
            self.workerCount = workerCount
            self.memoryLimit = memoryLimit
            self.idleSeconds = idleSeconds
        }
    }

    package let threads: EngineThreads

    /// An engine without workers yet, which hands what functions log to `log`, on any thread.
    package init(configuration: Configuration, log: @escaping @Sendable (String) -> Void = { _ in }) {
        let sink = LogSink(log)
        threads = EngineThreads(count: configuration.workerCount, idleSeconds: configuration.idleSeconds) {
            WorkerProcess(configuration: configuration, log: sink)
        }
    }

    /// How many workers there are, or are about to be.
    package var workerCount: Int { threads.threadCount }

    /// Refuses further questions, and ends workers when they have answered theirs.
    package func close() { threads.close() }
}
#endif
