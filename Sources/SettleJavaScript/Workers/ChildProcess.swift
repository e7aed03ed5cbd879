#if JavaScript
#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

// A child process of which nothing is expected: it is started, measured and killed.

/// A running program; killed with the object.
@safe
final class ChildProcess {
    let identifier: pid_t
    private var status: Int32?

    /// Starts a program with two descriptors: its standard input, and descriptor 3.
    ///
    /// It writes nowhere but to standard error, and sees of the environment what it needs.
    ///
    /// - Returns: nil if the system does not start it.
    init?(executable: String, arguments: [String], input: Int32, third: Int32) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, third, 3)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var child: pid_t = 0
        let environment = ChildProcess.environment
        let code = unsafe ChildProcess.withStrings([executable] + arguments) { arguments in
            unsafe ChildProcess.withStrings(environment) { environment in
                unsafe posix_spawn(&child, executable, &actions, nil, arguments, environment)
            }
        }
        guard code == 0 else { return nil }
        identifier = child
    }

    deinit { _ = end() }

    /// Kills it; its exit status, or 128 and the number of the signal that ended it.
    func end() -> Int32 {
        if let status { return status }
        kill(identifier, SIGKILL)
        return waitForEnd()
    }

    /// Waits for its end, which has come or is about to; as ``end()``.
    func waitForEnd() -> Int32 {
        if let status { return status }
        var code: Int32 = 0
        while unsafe waitpid(identifier, &code, 0) < 0, errno == EINTR {}
        let signal = code & 0x7F
        let status = signal == 0 ? (code >> 8) & 0xFF : 128 + signal
        self.status = status
        return status
    }

    /// Seconds of processor time that it has used; nil where the system doesn't say.
    var processorSeconds: Double? {
        #if os(Linux)
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(identifier, &clock) == 0, unsafe clock_gettime(clock, &time) == 0
        else {
            return nil
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        #else
        return nil
        #endif
    }

    /// Bytes of memory that it alone uses; nil where the system doesn't say.
    var memoryBytes: Int? {
        #if os(Linux)
        let file = unsafe open("/proc/\(identifier)/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = max(0, unsafe read(file, buffer.baseAddress, 256))
        }
        let numbers = text.split(separator: 0x20).prefix(3).compactMap {
            Int(String(decoding: $0, as: UTF8.self))
        }
        guard numbers.count == 3 else { return nil }
        return (numbers[1] - numbers[2]) * Int(getpagesize())
        #else
        return nil
        #endif
    }

    /// No secret that the server was given by its environment is for the functions of design documents.
    private static var environment: [String] {
        ["PATH", "TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR"].compactMap { name in
            guard let value = unsafe getenv(name) else { return nil }
            return unsafe "\(name)=\(String(cString: value))"
        }
    }

    private static func withStrings<Result>(
        _ strings: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = unsafe strings.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe body(copies + [nil])
    }
}
#endif
