#if JavaScript
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

// One end of the socket between a server and a worker.
//
// No write raises SIGPIPE, and no read or write waits longer than asked: the other end may have been stopped.

/// One end of a connection; closed with the object.
final class Channel: Sendable {
    enum Failure: Error {
        /// The other end is gone.
        case closed
        /// What was waited for did not come yet.
        case notYet
    }

    let descriptor: Int32

    /// Takes over a descriptor.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Two ends of a new connection, neither of which a program that is started inherits.
    static func pair() -> (Channel, Channel)? {
        var ends: (Int32, Int32) = (-1, -1)
        let status = unsafe withUnsafeMutableBytes(of: &ends) { ends in
            #if os(Linux)
            let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            #else
            let type = SOCK_STREAM
            #endif
            // SAFETY: the buffer is that of the two numbers.
            return unsafe socketpair(AF_UNIX, type, 0, ends.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        guard status == 0 else { return nil }
        #if !os(Linux)
        for end in [ends.0, ends.1] {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            var on: Int32 = 1
            unsafe setsockopt(end, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        #endif
        return (Channel(descriptor: ends.0), Channel(descriptor: ends.1))
    }

    /// Waits until there is something to read (or to write), or the other end is gone; false if the time is over.
    func wait(writing: Bool = false, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(writing ? POLLOUT : POLLIN), revents: 0)
        return unsafe poll(&entry, 1, milliseconds) != 0
    }

    /// Waits until the other end is gone.
    func waitForEnd() {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        while unsafe poll(&entry, 1, -1) <= 0 {}
    }

    /// Writes as much as there is room for; the number of bytes.
    func write(_ bytes: ArraySlice<UInt8>, waits: Bool) throws(Failure) -> Int {
        #if os(Linux)
        let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
        #else
        let flags = waits ? 0 : MSG_DONTWAIT
        #endif
        while true {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, flags)
            }
            if count >= 0 { return count }
            if errno == EINTR { continue }
            throw errno == EAGAIN ? .notYet : .closed
        }
    }

    /// Appends what has arrived, `limit` bytes at most; waits for the first of them if it may.
    func read(into bytes: inout [UInt8], limit: Int, waits: Bool) throws(Failure) {
        #if os(Linux)
        let flags = waits ? 0 : Int32(MSG_DONTWAIT)
        #else
        let flags = waits ? 0 : MSG_DONTWAIT
        #endif
        let room = min(limit, 1 << 18)
        var failure: Failure?
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
            filled = 0
            while true {
                let count = unsafe recv(descriptor, buffer.baseAddress, room, flags)
                if count > 0 {
                    filled = count
                    return
                }
                if count < 0, errno == EINTR { continue }
                failure = count < 0 && errno == EAGAIN ? .notYet : .closed
                return
            }
        }
        if let failure { throw failure }
        bytes.append(contentsOf: chunk)
    }

    /// Writes everything, however long it takes.
    func writeAll(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try write(rest, waits: true)) }
    }

    /// Reads exactly so many bytes, however long it takes.
    func readAll(_ count: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { try read(into: &bytes, limit: count - bytes.count, waits: true) }
        return bytes
    }
}
#endif
