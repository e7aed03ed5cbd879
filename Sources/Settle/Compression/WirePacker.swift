// JSON is packed with gzip before it goes over a network.
//
// What matters is the time until it has arrived. zlib's quickest level packs JSON at 100 to 160 MB/s to a third or a quarter
// of its size; its usual level, 6, saves a tenth more and takes three times as long. So level 1 pays on every link
// slower than about half a gigabit per second, and never where both ends are one machine. Below one packet's worth there is
// nothing to save.

package import SettleCore
import SettleStorage

/// Packs bytes that come in pieces for the way to a peer or a client.
///
/// Not to be used on two threads at once.
package final class WirePacker {
    /// Bodies smaller than this fit into one packet as they are.
    package static let threshold = 1_400

    private let stream: GzipStream

    /// - Throws: `internalError` if there is no memory for it.
    package init() throws(SettleError) {
        do {
            stream = try GzipStream(.compress, level: 1)
        } catch {
            throw SettleError(error)
        }
    }

    /// Takes a piece, and appends what lets the other side read all of it.
    package func pack(_ piece: ArraySlice<UInt8>, to output: inout [UInt8]) throws(SettleError) {
        do {
            try stream.append(piece, to: &output)
            try stream.flush(to: &output)
        } catch {
            throw SettleError(error)
        }
    }

    /// Appends the end.
    package func finish(to output: inout [UInt8]) throws(SettleError) {
        do {
            try stream.finish(to: &output)
        } catch {
            throw SettleError(error)
        }
    }

    /// A whole body, packed; nil if that is not smaller, or can't be done.
    package static func packed(_ body: [UInt8]) -> [UInt8]? {
        guard body.count >= threshold, let stream = try? GzipStream(.compress, level: 1) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(body.count / 3)
        do {
            try stream.append(body[...], to: &output)
            try stream.finish(to: &output)
        } catch {
            return nil
        }
        return output.count < body.count ? output : nil
    }
}
