// Writes a JSON text again as CouchDB would print it, and in the same pass the Erlang term that CouchDB would hash.
//
//     { "a" : 1.50, "b": "\u00e9" }   becomes   {"a":1.5,"b":"é"}   and   {[{<<"a">>,1.5},{<<"b">>,<<"é">>}]}
//
// Most of what arrives is spelled that way already. So the text is not written value by value: it is copied in runs,
// as long as they go, and a run ends only where the spelling differs (white space, an escape, a number) or where
// somebody cuts something out (`IncomingDocument`).
//
// The subtle thing is members with one name, of which only the last may remain. They are practically never there, so
// nothing is compared: each name leaves a hash, and equal hashes in one object set `hasRepeatedNames`. Then what was
// written is worthless, and the caller goes the slow way through a tree, which keeps the last of each name and prints
// a text without repetitions. Names that merely share a hash cost that detour too, and nothing else.

/// Moves over values and writes them in canonical form.
struct CanonicalWriter {
    var scanner: JSONScanner
    /// The canonical text written so far; complete up to `copied` in the input.
    var text: [UInt8] = []
    /// The term of what was written so far; empty if nobody wants it.
    var term: [UInt8] = []
    let makesTerm: Bool
    /// Whether two names in one object have the same hash.
    private(set) var hasRepeatedNames = false
    private var copied: Int
    /// Hashes of the names in all objects that are being written, the innermost one's last.
    private var nameHashes: [UInt64] = []
    /// What a string with escapes stands for.
    var unescaped: [UInt8] = []

    init(_ scanner: JSONScanner, makesTerm: Bool, capacity: Int) {
        self.scanner = scanner
        self.makesTerm = makesTerm
        copied = scanner.position
        text.reserveCapacity(capacity)
        if makesTerm { term.reserveCapacity(capacity + capacity / 2 + 64) }
        nameHashes.reserveCapacity(32)
    }

    /// Copies what lies between the last copied byte and `end`.
    @inline(__always)
    mutating func copy(upTo end: Int) {
        if copied < end { text.append(contentsOf: scanner.input[copied..<end]) }
        copied = end
    }

    /// Goes on copying from the position, or from `start`, leaving out what lies before it.
    mutating func resume(from start: Int? = nil) { copied = start ?? scanner.position }

    /// Gives away what was written, once it is complete.
    consuming func finish() -> (text: [UInt8], term: [UInt8]) { (text, term) }

    /// Appends to the text what isn't in the input.
    mutating func appendToText(_ byte: UInt8) { text.append(byte) }

    /// Skips white space and gives the byte after it; 0 at the end.
    @inline(__always)
    mutating func next() -> UInt8 {
        let byte = scanner.current
        return byte > 0x20 ? byte : afterWhiteSpace()
    }

    private mutating func afterWhiteSpace() -> UInt8 {
        copy(upTo: scanner.position)
        let byte = scanner.next()
        resume()
        return byte
    }

    /// Writes the value at the position, where no white space is; says whether it is an integer from 0 to 255.
    mutating func value(depth: Int) throws(JSONError) -> Bool {
        switch scanner.current {
        case 0x22: try string()
        case 0x7B: try object(depth: depth + 1)
        case 0x5B: try array(depth: depth + 1)
        case 0x74:
            try scanner.literalTrue()
            if makesTerm { ErlangTerm.appendTrue(to: &term) }
        case 0x66:
            try scanner.literalFalse()
            if makesTerm { ErlangTerm.appendFalse(to: &term) }
        case 0x6E:
            try scanner.literalNull()
            if makesTerm { ErlangTerm.appendNull(to: &term) }
        case 0x2D, 0x30...0x39: return try number()
        default: throw scanner.unexpected()
        }
        return false
    }

    private mutating func array(depth: Int) throws(JSONError) {
        try scanner.open(depth: depth)
        let start = term.count
        if makesTerm { ErlangTerm.openList(in: &term) }
        var count = 0
        var isBytes = true
        if next() == 0x5D {
            scanner.position += 1
        } else {
            while true {
                _ = next()
                let isByte = try value(depth: depth)
                isBytes = isBytes && isByte
                count += 1
                let mark = next()
                guard mark == 0x2C || mark == 0x5D else { throw scanner.unexpected() }
                scanner.position += 1
                guard mark == 0x2C else { break }
            }
        }
        guard makesTerm else { return }
        if isBytes {
            ErlangTerm.closeListOfBytes(at: start, count: count, in: &term)
        } else {
            ErlangTerm.closeList(at: start, count: count, in: &term)
        }
    }

    private mutating func object(depth: Int) throws(JSONError) {
        try scanner.open(depth: depth)
        let start = openObject()
        var names = Names(from: nameHashes.count)
        var count = 0
        if next() == 0x7D {
            scanner.position += 1
        } else {
            while true {
                guard next() == 0x22 else { throw scanner.unexpected() }
                try name(of: &names)
                _ = try value(depth: depth)
                count += 1
                let mark = next()
                guard mark == 0x2C || mark == 0x7D else { throw scanner.unexpected() }
                scanner.position += 1
                guard mark == 0x2C else { break }
            }
        }
        closeObject(at: start, names, count: count)
    }
}

extension CanonicalWriter {
    /// The names that one object has had so far.
    struct Names {
        /// Where its hashes begin among those of all objects.
        let start: Int
        /// The same hashes in a table, once there are many.
        var many: Set<UInt64> = []

        init(from start: Int) { self.start = start }
    }

    /// Begins an object in the term.
    mutating func openObject() -> Int {
        guard makesTerm else { return 0 }
        term.append(104)
        term.append(1)
        ErlangTerm.openList(in: &term)
        return term.count - 5
    }

    /// Begins the top level's names.
    func openNames() -> Names { Names(from: nameHashes.count) }

    /// Ends an object in the term and forgets its names.
    mutating func closeObject(at start: Int, _ names: Names, count: Int) {
        nameHashes.removeLast(nameHashes.count - names.start)
        if makesTerm { ErlangTerm.closeList(at: start, count: count, in: &term) }
    }

    /// Writes the name at the position, and moves to its value.
    mutating func name(of names: inout Names) throws(JSONError) {
        let content = try nameContent(of: &names)
        writeName(content)
        try moveToValue()
    }

    /// Moves over the colon that comes next, to the value.
    mutating func moveToValue() throws(JSONError) {
        guard next() == 0x3A else { throw scanner.unexpected() }
        scanner.position += 1
        _ = next()
    }

    /// Moves over the name at the position and notes that the object has it.
    mutating func nameContent(of names: inout Names) throws(JSONError) -> StringContent {
        let content = try stringContent()
        let hash =
            content.hasEscapes
            ? Self.hash(unescaped, in: unescaped.indices) : Self.hash(scanner.input, in: content.range)
        if nameHashes.count - names.start < 24 {
            var index = names.start
            while index < nameHashes.count {
                if nameHashes[index] == hash { hasRepeatedNames = true }
                index += 1
            }
        } else {
            if names.many.isEmpty { names.many = Set(nameHashes[names.start...]) }
            if !names.many.insert(hash).inserted { hasRepeatedNames = true }
        }
        nameHashes.append(hash)
        return content
    }

    /// Writes a name that was moved over.
    mutating func writeName(_ content: StringContent) {
        if makesTerm {
            term.append(104)
            term.append(2)
        }
        writeString(content)
    }

    /// A hash of a name; whoever finds names with one hash takes a detour, which is all an attacker can reach.
    private static func hash(_ bytes: [UInt8], in range: Range<Int>) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: range.count)
        var word: UInt64 = 0
        var index = range.lowerBound
        var filled = 0
        while index < range.upperBound {
            word = word << 8 | UInt64(bytes[index])
            index += 1
            filled += 1
            if filled == 8 {
                hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
                hash ^= hash >> 32
                (word, filled) = (0, 0)
            }
        }
        return (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
    }
}
