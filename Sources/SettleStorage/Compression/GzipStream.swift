import CZlib

/// Compresses to gzip, or back, bytes that come in pieces.
///
/// ```swift
/// let stream = try GzipStream(.compress)
/// try stream.append(part[...], to: &output)       // any number of times
/// try stream.finish(to: &output)
/// ```
///
/// What comes out depends on the bytes alone, not on how they were cut: level 8 with the usual window and
/// memory, which is how CouchDB compresses attachments. Its revision ids depend on it. (A flush shows, and another
/// level does; they are for what is not kept.)
///
/// Not to be used on two threads at once. (zlib keeps a pointer to its own state in what it allocates, so the
/// state must stay where it is: it lives on the heap.)
@safe
package final class GzipStream {
    /// Which way the bytes go.
    package enum Direction: Sendable {
        case compress, decompress
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let direction: Direction
    private var part = [UInt8](repeating: 0, count: 32_768)
    /// Whether the end of the compressed bytes has been seen.
    package private(set) var isAtEnd = false

    package init(_ direction: Direction, level: Int32 = 8) throws(StorageError) {
        self.direction = direction
        unsafe stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let size = Int32(unsafe MemoryLayout<z_stream>.size)
        // 15 bits of window, and 16 more to say gzip.
        let code =
            switch direction {
            case .compress:
                unsafe deflateInit2_(stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
            case .decompress: unsafe inflateInit2_(stream, 31, ZLIB_VERSION, size)
            }
        guard code == Z_OK else {
            unsafe stream.deallocate()
            throw .outOfMemory
        }
    }

    deinit {
        switch direction {
        case .compress: unsafe deflateEnd(stream)
        case .decompress: unsafe inflateEnd(stream)
        }
        unsafe stream.deallocate()
    }

    /// Takes more bytes, and appends to `output` what they give so far.
    ///
    /// Decompressing throws `.corrupted` if the bytes are not gzip; those after its end are ignored, but for a
    /// further member, which is read on.
    package func append(_ input: ArraySlice<UInt8>, to output: inout [UInt8]) throws(StorageError) {
        guard !input.isEmpty else { return }
        try run(input, to: &output, Z_NO_FLUSH)
    }

    /// Appends what compressing has kept back so far, so that whoever has the output can decompress all that was put in.
    package func flush(to output: inout [UInt8]) throws(StorageError) {
        try run([], to: &output, Z_SYNC_FLUSH)
    }

    /// Appends the rest; throws `.corrupted` if the end of what was to be decompressed is missing.
    package func finish(to output: inout [UInt8]) throws(StorageError) {
        switch direction {
        case .compress: try run([], to: &output, Z_FINISH)
        case .decompress: guard isAtEnd else { throw .corrupted }
        }
    }

    private func run(
        _ input: ArraySlice<UInt8>,
        to output: inout [UInt8],
        _ flush: Int32
    ) throws(StorageError) {
        let code = unsafe input.withUnsafeBufferPointer { input -> Int32 in
            // zlib never writes through this pointer; its type says so only for newer compilers of C.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(input.count)
            while true {
                let (code, count) = step(flush)
                output.append(contentsOf: part[..<count])
                switch code {
                case Z_STREAM_END where direction == .decompress:
                    isAtEnd = true
                    guard unsafe stream.pointee.avail_in > 0, unsafe stream.pointee.next_in[0] == 0x1F else {
                        return Z_OK
                    }
                    let reset = unsafe inflateReset(stream)
                    guard reset == Z_OK else { return reset }
                    isAtEnd = false
                case Z_STREAM_END: return Z_OK
                case Z_OK where count == part.count || flush == Z_FINISH: continue
                case Z_OK, Z_BUF_ERROR:
                    if unsafe stream.pointee.avail_in == 0 { return Z_OK }
                default: return code
                }
            }
        }
        guard code == Z_OK else { throw code == Z_MEM_ERROR ? .outOfMemory : .corrupted }
    }

    /// One call of zlib with an empty part of output; returns its answer and how much it wrote.
    private func step(_ flush: Int32) -> (Int32, Int) {
        unsafe part.withUnsafeMutableBufferPointer { buffer in
            unsafe stream.pointee.next_out = buffer.baseAddress
            unsafe stream.pointee.avail_out = UInt32(buffer.count)
            let code =
                switch direction {
                case .compress: unsafe deflate(stream, flush)
                case .decompress: unsafe inflate(stream, Z_NO_FLUSH)
                }
            return (code, buffer.count - Int(unsafe stream.pointee.avail_out))
        }
    }
}
