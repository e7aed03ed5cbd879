// Regular expressions for `$regex`: PCRE's language over bytes, as CouchDB applies it.
//
//     let expression = try RegularExpression("^ap+le")
//     expression.matches(Array("apple pie".utf8))      // true
//
// CouchDB hands patterns to PCRE without its Unicode option, so `.` is one byte, `\w` is ASCII, and "é" are two bytes;
// this does the same. A pattern is parsed to a tree (`RegularExpressionNode`), the tree becomes a list of instructions,
// and a matcher with a stack of alternatives runs them.
//
// The subtle thing is patience. A pattern like `(a+)+$` can try more ways than there are atoms, and a selector comes
// from a client. So a match may take so many steps and no more, after which it counts as none; PCRE in CouchDB gives up
// in the same way.
//
// Not understood, and refused as wrong: recursion, conditional groups, Unicode properties, verbs, and patterns that
// grow beyond 50,000 instructions.

/// A compiled pattern.
package struct RegularExpression: Hashable, Sendable {
    /// The pattern as it was given.
    package let pattern: [UInt8]
    let program: [Instruction]
    /// How many places in the text a match remembers: two for each group, one for each loop that may not stand still.
    let registers: Int

    /// One step of the matcher.
    enum Instruction: Hashable, Sendable {
        case byte(UInt8)
        case set(ByteSet)
        /// Go on at the first; at the second if that leads nowhere.
        case split(Int, Int)
        case jump(Int)
        /// Remember the place.
        case save(Int)
        /// Fail unless the place has moved since it was remembered.
        case moved(Int)
        case assert(Assertion)
        case backreference(Int, ignoresCase: Bool)
        /// Run what follows, up to its `accept`, on its own; go on at `end` if it matches (or does not, if `negated`).
        case look(end: Int, behind: Int?, negated: Bool)
        /// Run what follows on its own, then go on at `end` from where it got to.
        case atomic(end: Int)
        case accept
        case fail
    }

    /// A condition on a place in the text.
    enum Assertion: Hashable, Sendable {
        case textStart, textEnd
        /// The end, or before a newline that is the last byte.
        case lastLineEnd
        case lineStart, lineEnd
        case wordBoundary, noWordBoundary
    }

    /// The most instructions of a program.
    static let maximumLength = 50_000
    /// The most steps of one match.
    static let maximumSteps = 1_000_000

    /// Compiles a pattern.
    ///
    /// - Throws: `PatternError` if it is none.
    package init(_ pattern: String) throws(PatternError) {
        self.pattern = Array(pattern.utf8)
        var parser = RegularExpressionParser(self.pattern)
        let tree = try parser.parse()
        var compiler = RegularExpressionCompiler(groups: parser.groups)
        try compiler.append(tree)
        try compiler.emit(.accept)
        (program, registers) = (compiler.program, compiler.registers)
    }

    /// Whether the pattern is found anywhere in a text.
    package func matches(_ text: [UInt8]) -> Bool {
        var matcher = RegularExpressionMatcher(self, text)
        return matcher.search()
    }
}

/// A pattern makes no sense, or is beyond what is understood.
package struct PatternError: Error, Hashable, Sendable {
    package let reason: String
}

/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var words: [4 of UInt64]

    init() { words = [0, 0, 0, 0] }

    init(_ bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes { insert(byte) }
    }

    static let digits = ByteSet(48...57)
    static let word = ByteSet(Array(48...57) + Array(65...90) + Array(97...122) + [95])
    static let space = ByteSet([9, 10, 11, 12, 13, 32])
    static let horizontalSpace = ByteSet([9, 32, 0xA0])
    static let verticalSpace = ByteSet([10, 11, 12, 13, 0x85])
    static let newline = ByteSet([10])

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func formUnion(_ other: ByteSet) {
        for index in 0..<4 { words[index] |= other.words[index] }
    }

    var inverted: ByteSet {
        var result = self
        for index in 0..<4 { result.words[index] = ~words[index] }
        return result
    }

    /// The only member, if there is just one.
    var only: UInt8? {
        var found: UInt8?
        for index in 0..<4 where words[index] != 0 {
            guard found == nil, words[index].nonzeroBitCount == 1 else { return nil }
            found = UInt8(index * 64 + words[index].trailingZeroBitCount)
        }
        return found
    }

    /// The set with the other case of every ASCII letter in it.
    var ignoringCase: ByteSet {
        var result = self
        for lower in UInt8(97)...122 {
            if contains(lower) { result.insert(lower - 32) }
            if contains(lower - 32) { result.insert(lower) }
        }
        return result
    }
}

extension ByteSet {
    static func == (left: ByteSet, right: ByteSet) -> Bool {
        (0..<4).allSatisfy { left.words[$0] == right.words[$0] }
    }

    func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(words[index]) }
    }
}
