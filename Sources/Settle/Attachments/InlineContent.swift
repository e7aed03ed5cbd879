// Content on its way to a database that is given it decoded, and compresses it by its own lights.
//
// CouchDB compresses text with zlib at level 8, as here; so compressed content becomes the same bytes again, unless somebody
// else compressed it before it came here. Whether that is so can only be found out by doing it.

import SettleStorage

/// Compressed content that others may be given decoded.
package enum InlineContent {
    /// The decoded content of stored gzip; nil if it isn't any, has more bytes than `limit`, or would not become the same
    /// bytes again.
    package static func decompressed(_ stored: [UInt8], limit: Int) -> [UInt8]? {
        do throws(StorageError) {
            let decompressor = try GzipStream(.decompress)
            var content: [UInt8] = []
            var rest = stored[...]
            while !rest.isEmpty {
                // A few bytes may become a thousand times as many.
                try decompressor.append(rest.prefix(256), to: &content)
                rest = rest.dropFirst(256)
                guard content.count <= limit else { return nil }
            }
            try decompressor.finish(to: &content)
            let compressor = try GzipStream(.compress)
            var again: [UInt8] = []
            try compressor.append(content[...], to: &again)
            try compressor.finish(to: &again)
            return again == stored ? content : nil
        } catch {
            return nil
        }
    }
}
