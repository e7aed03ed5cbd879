// Standard output and standard error, unbuffered: what is said has been said when the call returns.

import Foundation

enum StandardError {
    /// One message for people, in place of the progress that may stand in the line.
    static func say(_ text: String) {
        let start = isatty(STDERR_FILENO) == 1 ? ProgressReporter.lineStart : ""
        // Nobody is left to tell when standard error is gone.
        try? FileHandle.standardError.write(contentsOf: Data("\(start)settle: \(text)\n".utf8))
    }
}

enum StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Throws when the reader has gone away.
    static func write(_ bytes: [UInt8]) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            let cause = (error as? CocoaError)?.underlying ?? error
            throw CommandFailure("cannot write to standard output: \(cause.localizedDescription)")
        }
    }

    static func writeLine(_ text: String) throws {
        try write(Array("\(text)\n".utf8))
    }
}
