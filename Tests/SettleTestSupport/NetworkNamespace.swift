// A network of its own for a process: what is cut off there is cut off for that process alone.
//
//     the tests 10.81.7.1 ──── 10.81.7.2 the process
//
// Linux only, for root with iproute2; elsewhere there is none, and processes meet on the loopback.

import Foundation
import Synchronization

/// A network namespace with a line to the tests, which goes away with this object.
package final class NetworkNamespace: Sendable {
    /// The program that makes namespaces and runs others inside.
    static let program = "/usr/sbin/ip"
    private static let made = Mutex(0)

    private let name: String
    /// The tests' end of the line.
    package let gateway: String
    /// The end inside.
    package let address: String

    /// Makes a namespace; nil where the machine does not allow it.
    package init?() {
        guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: Self.program) else { return nil }
        let number = Self.made.withLock { made in
            if made == 0 { Self.sweep() }
            made += 1
            return made
        }
        // Test runs at the same time shall not meet.
        let process = Int(getpid())
        let subnet = "10.\(64 + process >> 8 & 127).\(process & 255)"
        guard number < 60 else { return nil }
        name = "settle-\(process)-\(number)"
        gateway = "\(subnet).\(number * 4 + 1)"
        address = "\(subnet).\(number * 4 + 2)"
        let line = "s\(process).\(number)"
        let commands = [
            ["netns", "add", name],
            ["link", "add", line, "type", "veth", "peer", "name", "line", "netns", name],
            ["address", "add", "\(gateway)/30", "dev", line],
            ["link", "set", line, "up"],
            ["-n", name, "address", "add", "\(address)/30", "dev", "line"],
            ["-n", name, "link", "set", "line", "up"],
            ["-n", name, "link", "set", "lo", "up"],
        ]
        guard commands.allSatisfy({ Self.run($0) }) else {
            _ = Self.run(["netns", "delete", name])
            return nil
        }
    }

    /// What stands before a command to run it inside.
    var prefix: [String] { ["netns", "exec", name] }

    /// Removes what killed test runs have left.
    private static func sweep() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        for name in names where name.hasPrefix("settle-") {
            let parts = name.split(separator: "-")
            guard parts.count == 3, let process = pid_t(parts[1]), kill(process, 0) != 0 else { continue }
            _ = run(["netns", "delete", name])
        }
    }

    private static func run(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? start(process)) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    // The line's end out here goes with the end inside.
    deinit { _ = Self.run(["netns", "delete", name]) }
}
