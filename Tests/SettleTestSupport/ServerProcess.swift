// A server as users run it: the built `settle`, in a process of its own, which a test may kill.

package import Foundation

/// The `settle` that was built beside the running tests.
package enum BuiltProduct {
    /// The executable; throws if it was not built.
    package static func settle() throws -> URL {
        let folder =
            Bundle.main.bundleURL.pathExtension == "xctest"
            ? Bundle.main.bundleURL.deletingLastPathComponent()
            : Bundle.main.bundleURL
        let file = folder.appending(path: "settle")
        guard FileManager.default.isExecutableFile(atPath: file.path(percentEncoded: false)) else {
            throw ProcessFailure.notBuilt(file.path(percentEncoded: false))
        }
        return file
    }
}

package enum ProcessFailure: Error {
    case notBuilt(String)
    case noAddress(String)
}

/// A command that ran to its end.
package struct CommandResult: Sendable {
    package let status: Int32
    package let output: String
    package let errors: String
}

/// Runs `settle` with arguments and waits for its end.
package func runSettle(
    _ arguments: [String],
    input: String = "",
    environment: [String: String] = [:]
) throws -> CommandResult {
    let process = Process()
    process.executableURL = try BuiltProduct.settle()
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let files = TemporaryDirectory(mayBeKept: false)
    let (source, output, errors) = (files.path + "/in", files.path + "/out", files.path + "/err")
    try Data(input.utf8).write(to: URL(filePath: source))
    for file in [output, errors] { try Data().write(to: URL(filePath: file)) }
    process.standardInput = FileHandle(forReadingAtPath: source)
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try start(process)
    process.waitUntilExit()
    func text(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
    }
    return CommandResult(
        status: process.terminationStatus,
        output: try text(output),
        errors: try text(errors)
    )
}

/// A command that runs on its own until somebody ends it.
package final class RunningCommand {
    private let process = Process()
    private let output = Pipe()

    /// Starts `settle`, inside a network namespace if one is given.
    package init(
        _ arguments: [String],
        environment: [String: String] = [:],
        in namespace: NetworkNamespace? = nil
    ) throws {
        let settle = try BuiltProduct.settle()
        if let namespace {
            process.executableURL = URL(filePath: NetworkNamespace.program)
            process.arguments = namespace.prefix + [settle.path(percentEncoded: false)] + arguments
        } else {
            process.executableURL = settle
            process.arguments = arguments
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try start(process)
    }

    /// The next line that it prints, with its line feed; empty at the end.
    package func nextLine() throws -> String {
        var line = Data()
        while line.last != UInt8(ascii: "\n"), let more = try output.fileHandleForReading.read(upToCount: 1) {
            if more.isEmpty { break }
            line += more
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// Ends it without any chance to finish: kill -9.
    package func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to end: SIGTERM.
    package func terminate() {
        process.terminate()
    }

    /// Waits for its end; its exit status.
    package func status() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit {
        if process.isRunning { kill() }
    }
}

/// A running `settle serve`.
package final class ServerProcess {
    package let endpoint: HTTPEndpoint
    private let command: RunningCommand

    /// Starts a server for a folder and waits until it listens.
    package init(
        folder: String,
        environment: [String: String] = [:],
        in namespace: NetworkNamespace? = nil
    ) throws {
        let host = namespace?.address ?? "127.0.0.1"
        command = try RunningCommand(
            ["serve", "--data", folder, "--listen", "\(host):0", "--admin", "admin:adminpw"],
            environment: environment,
            in: namespace
        )
        let line = try command.nextLine()
        guard let port = line.firstMatch(of: /:([0-9]+)\/\n/).flatMap({ Int($0.1) }) else {
            throw ProcessFailure.noAddress(line)
        }
        endpoint = HTTPEndpoint(host: host, port: port)
    }

    /// Ends it without any chance to finish: kill -9.
    package func kill() {
        command.kill()
    }

    /// Asks it to end, and waits; its exit status.
    package func terminate() -> Int32 {
        command.terminate()
        return command.status()
    }
}
