import NIOCore
import SettleCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What all connections of one event loop share: buffers, the clock, and those who wait for changes.
///
/// It is touched on its event loop only, so nothing in it is locked.
final class LoopContext {
    /// About how much of a streamed body is made at once.
    static let pieceSize = 256 * 1024

    let eventLoop: any EventLoop
    /// The bytes of the piece that is being made; borrowed for the length of one call.
    var piece: [UInt8] = []
    /// The bells of databases for which a feed waits on this loop.
    var bells: [ObjectIdentifier: ChangesBell] = [:]
    /// Connections that are open.
    var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var second: Int64 = -1
    private var fixedFields: [UInt8] = []
    private var random: UInt64

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        random = UInt64.random(in: 1...UInt64.max)
    }

    /// `Server` and `Date`, as they are right now.
    var currentFixedFields: [UInt8] {
        let now = Int64(time(nil))
        if now != second {
            second = now
            fixedFields = Array("Server: Settle/\(ServerConfiguration.version)\r\nDate: ".utf8)
            HTTPDate.append(now, to: &fixedFields)
            fixedFields.append(contentsOf: "\r\n".utf8)
        }
        return fixedFields
    }

    /// Appends ten random hexadecimal digits: the name of a request in logs.
    func appendRequestID(to buffer: inout ByteBuffer) {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        var bits = random
        for _ in 0..<10 {
            let nibble = UInt8(truncatingIfNeeded: bits) & 15
            buffer.writeInteger(nibble < 10 ? 48 + nibble : 87 + nibble)
            bits >>= 4
        }
    }
}
