// Takes a multipart body apart while it arrives, without keeping more of it than it must.
//
//     var parser = MultipartParser(boundary: "xyz")
//     parser.append(bytes)                         // whatever came in
//     while let event = try parser.next() { … }    // .begin(headers), .body(slice)…, .end, …, .finished
//     try parser.finish()                          // the input is over: was the body?
//
// A part that is multipart itself gives its boundary in its headers; its bytes go through a parser of their own.
//
// The subtle things: the line break before a boundary belongs to the boundary, so the end of a chunk may have to wait
// for the next one to tell what it is; cutting the same bytes differently gives the same parts, only in other slices.
// And what looks like a boundary but goes on, as `--xyzzy` does, is content.

/// Parses one multipart body, pull by pull.
package struct MultipartParser: Sendable {
    /// What the parser comes across.
    package enum Event: Sendable, Equatable {
        /// A part begins; its header fields are complete.
        case begin(MultipartHeaders)
        /// More bytes of the part, never none.
        case body(ArraySlice<UInt8>)
        /// The part is complete.
        case end
        /// The last boundary was reached; whatever follows is dropped.
        case finished
    }

    /// How many bytes the header fields of a part may have.
    package static let maximumHeaderLength = 16 * 1024

    private enum State {
        /// Before the first boundary.
        case preamble
        /// After a boundary, where header fields begin or an empty line says that there are none.
        case headers
        case body
        /// After the last boundary, which has still to be told of.
        case last
        case finished
    }

    private let search: DelimiterSearch
    /// What was appended and not given out yet starts at `position`.
    private var buffer: [UInt8]
    private var position = 0
    private var state = State.preamble

    /// A parser for a body with a boundary, which is not empty.
    package init(boundary: String) {
        search = DelimiterSearch("\r\n--" + boundary)
        // As if a line had ended before the body, which may start with its first boundary.
        buffer = [0x0D, 0x0A]
    }

    /// Takes more of the body.
    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard state != .finished else { return }
        if position == buffer.count {
            buffer = Array(bytes)
        } else {
            buffer.removeSubrange(..<position)
            buffer.append(contentsOf: bytes)
        }
        position = 0
    }

    /// What comes next; nil if more has to be appended first, or the body is over.
    package mutating func next() throws(SettleError) -> Event? {
        while true {
            switch state {
            case .preamble:
                guard passPreamble() else { return nil }
            case .headers:
                guard let headers = try readHeaders() else { return nil }
                state = .body
                return .begin(headers)
            case .body:
                return readBody()
            case .last:
                state = .finished
                buffer = []
                position = 0
                return .finished
            case .finished:
                return nil
            }
        }
    }

    /// Throws unless the body is complete, once there is no more to append.
    package func finish() throws(SettleError) {
        guard state == .finished || state == .last else {
            throw SettleError(.badRequest, "The multipart body ends before its last boundary.")
        }
    }

    /// Drops what comes before the first boundary; false if more is needed.
    private mutating func passPreamble() -> Bool {
        while state == .preamble {
            let (found, isWhole) = search.find(in: buffer, from: position)
            position = found
            guard isWhole else { return false }
            switch line(at: found) {
            case .unknown: return false
            case .content: position = found + 1
            case .boundary(let end): (position, state) = (end, .headers)
            case .lastBoundary(let end): (position, state) = (end, .last)
            }
        }
        return true
    }

    private mutating func readBody() -> Event? {
        let start = position
        let (found, isWhole) = search.find(in: buffer, from: start)
        var end = found
        if isWhole {
            let line = line(at: found)
            if case .content = line {
                end = found + 1
            } else if found == start {
                switch line {
                case .unknown, .content: return nil
                case .boundary(let end): (position, state) = (end, .headers)
                case .lastBoundary(let end): (position, state) = (end, .last)
                }
                return .end
            }
        }
        guard end > start else { return nil }
        position = end
        return .body(buffer[start..<end])
    }

    private mutating func readHeaders() throws(SettleError) -> MultipartHeaders? {
        let lineBreak: [UInt8] = [0x0D, 0x0A]
        let rest = buffer[position...]
        if rest.starts(with: lineBreak) {
            position += 2
            return MultipartHeaders()
        }
        let limit = position + Self.maximumHeaderLength
        var index = position
        while index + 4 <= buffer.count, index < limit {
            if buffer[index] == 0x0D, buffer[index..<index + 4].elementsEqual(lineBreak + lineBreak) {
                let headers = MultipartHeaders(lines: buffer[position..<index])
                position = index + 4
                return headers
            }
            index += 1
        }
        guard index < limit else {
            throw SettleError(.badRequest, "The header fields of a part of the multipart body are too long.")
        }
        return nil
    }

    /// What a line turns out to be that starts like a boundary.
    private enum Line {
        /// More bytes are needed to tell.
        case unknown
        /// It goes on as no boundary does.
        case content
        /// The boundary before another part; header fields begin at this place.
        case boundary(Int)
        /// The boundary after the last part.
        case lastBoundary(Int)
    }

    /// Looks at what comes after a boundary's text: two hyphens, or a line break with blanks before it.
    private func line(at start: Int) -> Line {
        let rest = buffer[(start + search.count)...].prefix(256)
        if rest.starts(with: [0x2D, 0x2D]) { return .lastBoundary(rest.startIndex + 2) }
        let end = rest.drop { $0 == 0x20 || $0 == 0x09 }
        if end.starts(with: [0x0D, 0x0A]) { return .boundary(end.startIndex + 2) }
        if rest.count == 256 { return .content }
        let mayGoOn = end.isEmpty || end.elementsEqual([0x0D]) || rest.elementsEqual([0x2D])
        return mayGoOn ? .unknown : .content
    }
}

/// Finds one text in others, skipping most of their bytes (Horspool's search).
private struct DelimiterSearch: Sendable {
    private let delimiter: [UInt8]
    /// How far the search may move on when a window ends with each byte.
    private let skips: [Int]

    init(_ text: String) {
        delimiter = Array(text.utf8)
        var skips = [Int](repeating: delimiter.count, count: 256)
        for (index, byte) in delimiter.dropLast().enumerated() {
            skips[Int(byte)] = delimiter.count - 1 - index
        }
        self.skips = skips
    }

    /// How many bytes are looked for.
    var count: Int { delimiter.count }

    /// Where the delimiter stands first, or else where the bytes end, or end with the beginning of one.
    func find(in bytes: [UInt8], from start: Int) -> (position: Int, isWhole: Bool) {
        let skips = skips
        let last = delimiter.count - 1
        let lastByte = delimiter[last]
        var index = start
        while index + last < bytes.count {
            let byte = bytes[index + last]
            if byte == lastByte, bytes[index...index + last].elementsEqual(delimiter) { return (index, true) }
            index += skips[Int(byte)]
        }
        while index < bytes.count, !delimiter.starts(with: bytes[index...]) { index += 1 }
        return (min(index, bytes.count), false)
    }
}
