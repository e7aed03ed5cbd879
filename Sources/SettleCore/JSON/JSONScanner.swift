// The words of JSON, read off bytes: white space, strings, numbers, `true`, `false` and `null`.
//
// Everything that reads JSON here (the tree, the pull reader, the canonical writer) is a different walk over the
// same scanner, so they accept the same texts and report the same offsets. It is strict: RFC 8259, valid UTF-8,
// surrogate escapes only in pairs, numbers that CouchDB can hold.
//
//     { "a" : [ 1 , "é" ] }
//       ^ position: `string()` moves it past the closing quote and says whether there were escapes
//
// The subtle thing: reading past the end gives 0. NUL begins nothing in JSON, so no caller has to ask for the end
// first; whoever meets the 0 calls `unexpected()`, which tells the end from a NUL that was really there.

/// A position in a JSON text, and the ways to move it over one word.
struct JSONScanner {
    /// How many arrays and objects may lie inside each other.
    ///
    /// Every reader here recurses once per level. A tree of a thousand levels is read, compared, printed and freed
    /// within 384 KiB of stack; the smallest that a thread gets is 512 KiB.
    static let maximumDepth = 1_000
    /// How many digits an integer may have: turning digits into Erlang's binary form takes quadratic time.
    static let maximumDigits = 100_000

    let input: [UInt8]
    let end: Int
    var position: Int

    init(_ input: [UInt8], in range: Range<Int>? = nil) {
        self.input = input
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? input.count
        precondition(position >= 0 && end <= input.count, "the range lies outside the text")
    }

    /// The byte at the position; 0 at the end.
    @inline(__always)
    var current: UInt8 { position < end ? input[position] : 0 }

    /// Skips white space and gives the byte after it; 0 at the end.
    @inline(__always)
    mutating func next() -> UInt8 {
        while position < end {
            let byte = input[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return 0
    }

    /// The error for a byte that can't stand at the position.
    func unexpected() -> JSONError {
        JSONError(offset: position, problem: position < end ? .unexpectedByte : .unexpectedEnd)
    }

    /// Moves over white space to the end of the text.
    mutating func finish() throws(JSONError) {
        _ = next()
        guard position == end else { throw JSONError(offset: position, problem: .trailingBytes) }
    }

    /// Moves over a word that begins at the position, such as `true`.
    mutating func literal(_ second: UInt8, _ third: UInt8, _ fourth: UInt8, _ fifth: UInt8? = nil)
        throws(JSONError)
    {
        position += 1
        guard current == second else { throw unexpected() }
        position += 1
        guard current == third else { throw unexpected() }
        position += 1
        guard current == fourth else { throw unexpected() }
        position += 1
        guard let fifth else { return }
        guard current == fifth else { throw unexpected() }
        position += 1
    }

    /// Moves over `true`.
    mutating func literalTrue() throws(JSONError) { try literal(0x72, 0x75, 0x65) }
    /// Moves over `false`.
    mutating func literalFalse() throws(JSONError) { try literal(0x61, 0x6C, 0x73, 0x65) }
    /// Moves over `null`.
    mutating func literalNull() throws(JSONError) { try literal(0x75, 0x6C, 0x6C) }
}

extension JSONScanner {
    /// Moves over a whole value, whatever it is, and gives its range without the white space around it.
    mutating func skipValue(depth: Int) throws(JSONError) -> Range<Int> {
        let first = next()
        let start = position
        switch first {
        case 0x22: _ = try string()
        case 0x7B: try skipObject(depth: depth + 1)
        case 0x5B: try skipArray(depth: depth + 1)
        case 0x74: try literalTrue()
        case 0x66: try literalFalse()
        case 0x6E: try literalNull()
        case 0x2D, 0x30...0x39: _ = try number()
        default: throw unexpected()
        }
        return start..<position
    }

    /// Moves over an opening bracket or brace that stands at the position, to the depth it leads to.
    @inline(__always)
    mutating func open(depth: Int) throws(JSONError) {
        guard depth <= Self.maximumDepth else { throw JSONError(offset: position, problem: .tooDeep) }
        position += 1
    }

    private mutating func skipObject(depth: Int) throws(JSONError) {
        try open(depth: depth)
        guard next() != 0x7D else {
            position += 1
            return
        }
        while true {
            guard next() == 0x22 else { throw unexpected() }
            _ = try string()
            guard next() == 0x3A else { throw unexpected() }
            position += 1
            _ = try skipValue(depth: depth)
            let mark = next()
            guard mark == 0x2C || mark == 0x7D else { throw unexpected() }
            position += 1
            guard mark == 0x2C else { return }
        }
    }

    private mutating func skipArray(depth: Int) throws(JSONError) {
        try open(depth: depth)
        guard next() != 0x5D else {
            position += 1
            return
        }
        while true {
            _ = try skipValue(depth: depth)
            let mark = next()
            guard mark == 0x2C || mark == 0x5D else { throw unexpected() }
            position += 1
            guard mark == 0x2C else { return }
        }
    }
}
