// Who runs design documents' functions for a command.

import Foundation
import Logging
import SettleCore

#if JavaScript
import SettleJavaScript
#endif

enum FunctionEngines {
    /// Worker processes of so many bytes of memory at most, for a server; nil if this build has no JavaScript.
    static func workers(memoryLimit: Int) -> (any FunctionEngine)? {
        #if JavaScript
        let logger = Logger(label: "functions")
        return WorkerProcesses(
            configuration: WorkerProcesses.Configuration(
                executable: executable,
                arguments: ["function-worker"],
                workerCount: ProcessInfo.processInfo.activeProcessorCount,
                memoryLimit: memoryLimit
            )
        ) { line in
            logger.info("\(line)")
        }
        #else
        return nil
        #endif
    }

    /// This process, for a command that ends by itself; nil if this build has no JavaScript.
    static func inProcess() -> (any FunctionEngine)? {
        #if JavaScript
        InProcessEngine(threadCount: ProcessInfo.processInfo.activeProcessorCount) { StandardError.say($0) }
        #else
        nil
        #endif
    }

    /// The running executable, also after another was put in its place.
    private static var executable: String {
        #if os(Linux)
        "/proc/self/exe"
        #else
        Bundle.main.executablePath ?? CommandLine.arguments[0]
        #endif
    }
}
