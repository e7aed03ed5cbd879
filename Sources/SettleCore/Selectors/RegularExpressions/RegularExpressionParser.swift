// Reads a pattern.

struct RegularExpressionParser {
    /// What `(?imsx)` turns on and off.
    private struct Flags {
        var ignoresCase = false
        var isMultiline = false
        var dotMatchesNewline = false
        var isExtended = false
    }

    private let pattern: [UInt8]
    private var position = 0
    private var flags = Flags()
    private var depth = 0
    private var names: [[UInt8]: Int] = [:]
    /// How many capturing groups there are.
    private(set) var groups = 0

    init(_ pattern: [UInt8]) {
        self.pattern = pattern
    }

    mutating func parse() throws(PatternError) -> RegularExpressionNode {
        let node = try alternatives()
        guard position == pattern.count else { throw PatternError(reason: "There is a `)` too many.") }
        return node
    }

    // MARK: structure

    private mutating func alternatives() throws(PatternError) -> RegularExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 100 else { throw PatternError(reason: "The groups are nested too deep.") }
        let outer = flags
        defer { flags = outer }
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .alternatives(parts)
    }

    private mutating func sequence() throws(PatternError) -> RegularExpressionNode {
        var parts: [RegularExpressionNode] = []
        while let byte = current, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            if flags.isExtended, skipExtendedSpace() { continue }
            guard let atom = try atom() else { continue }
            parts.append(try repeated(atom))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func skipExtendedSpace() -> Bool {
        guard let byte = current else { return false }
        if ByteSet.space.contains(byte) {
            position += 1
            return true
        }
        guard byte == UInt8(ascii: "#") else { return false }
        while position < pattern.count, pattern[position] != 10 { position += 1 }
        return true
    }

    private mutating func repeated(_ atom: RegularExpressionNode) throws(PatternError)
        -> RegularExpressionNode
    {
        var node = atom
        while true {
            if flags.isExtended { while skipExtendedSpace() {} }
            guard var count = count() else { return node }
            if take("?") { count.manner = .lazy } else if take("+") { count.manner = .possessive }
            guard count.minimum <= count.maximum ?? .max, max(count.minimum, count.maximum ?? 0) <= 65_535
            else {
                throw PatternError(reason: "A count is out of order or too large.")
            }
            node = .repetition(node, count)
        }
    }

    private mutating func count() -> RegularExpressionCount? {
        if take("*") { return RegularExpressionCount(minimum: 0, maximum: nil) }
        if take("+") { return RegularExpressionCount(minimum: 1, maximum: nil) }
        if take("?") { return RegularExpressionCount(minimum: 0, maximum: 1) }
        let start = position
        guard take("{"), let minimum = number() else {
            position = start
            return nil
        }
        if take("}") { return RegularExpressionCount(minimum: minimum, maximum: minimum) }
        if take(",") {
            let maximum = number()
            if take("}") { return RegularExpressionCount(minimum: minimum, maximum: maximum) }
        }
        position = start
        return nil
    }

    /// One thing that can be repeated; nil for what stands for nothing.
    private mutating func atom() throws(PatternError) -> RegularExpressionNode? {
        let byte = pattern[position]
        position += 1
        switch byte {
        case UInt8(ascii: "("): return try group()
        case UInt8(ascii: "["): return .set(try bracket())
        case UInt8(ascii: "."):
            return .set(flags.dotMatchesNewline ? ByteSet().inverted : ByteSet.newline.inverted)
        case UInt8(ascii: "^"): return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case UInt8(ascii: "$"): return .assertion(flags.isMultiline ? .lineEnd : .lastLineEnd)
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
            throw PatternError(reason: "There is nothing to repeat.")
        case UInt8(ascii: "\\"): return try escape()
        default: return literal(byte)
        }
    }

    private func literal(_ byte: UInt8) -> RegularExpressionNode {
        .set(flags.ignoresCase ? ByteSet([byte]).ignoringCase : ByteSet([byte]))
    }

    // MARK: groups

    private mutating func group() throws(PatternError) -> RegularExpressionNode? {
        if current == UInt8(ascii: "*") { throw PatternError(reason: "Verbs are not understood.") }
        guard take("?") else { return try captured() }
        if take("#") {
            while position < pattern.count, pattern[position] != UInt8(ascii: ")") { position += 1 }
            guard take(")") else { throw PatternError(reason: "A comment has no end.") }
            return nil
        }
        if take(":") { return try closed() }
        if take(">") { return .atomic(try closed()) }
        if take("=") { return .look(try closed(), isBehind: false, negated: false) }
        if take("!") { return .look(try closed(), isBehind: false, negated: true) }
        if take("<=") { return .look(try closed(), isBehind: true, negated: false) }
        if take("<!") { return .look(try closed(), isBehind: true, negated: true) }
        if take("P<") || take("<") { return try captured(name: name(until: UInt8(ascii: ">"))) }
        if take("'") { return try captured(name: name(until: UInt8(ascii: "'"))) }
        if take("P=") { return try named(name(until: UInt8(ascii: ")"))) }
        return try flagged()
    }

    private mutating func captured(name: [UInt8]? = nil) throws(PatternError) -> RegularExpressionNode {
        groups += 1
        let number = groups
        if let name { names[name] = number }
        return .group(try closed(), number: number)
    }

    private mutating func closed() throws(PatternError) -> RegularExpressionNode {
        let node = try alternatives()
        guard take(")") else { throw PatternError(reason: "A `)` is missing.") }
        return node
    }

    /// `(?i)` from here to the end of the group, or `(?i:…)`.
    private mutating func flagged() throws(PatternError) -> RegularExpressionNode? {
        var changed = flags
        var value = true
        while let byte = current, byte != UInt8(ascii: ")"), byte != UInt8(ascii: ":") {
            position += 1
            switch byte {
            case UInt8(ascii: "i"): changed.ignoresCase = value
            case UInt8(ascii: "m"): changed.isMultiline = value
            case UInt8(ascii: "s"): changed.dotMatchesNewline = value
            case UInt8(ascii: "x"): changed.isExtended = value
            case UInt8(ascii: "-"): value = false
            default: throw PatternError(reason: "This kind of group is not understood.")
            }
        }
        if take(")") {
            flags = changed
            return nil
        }
        guard take(":") else { throw PatternError(reason: "A `)` is missing.") }
        let outer = flags
        flags = changed
        defer { flags = outer }
        return try closed()
    }

    private mutating func name(until end: UInt8) throws(PatternError) -> [UInt8] {
        let start = position
        while position < pattern.count, ByteSet.word.contains(pattern[position]) { position += 1 }
        let name = Array(pattern[start..<position])
        guard !name.isEmpty, current == end else {
            throw PatternError(reason: "A group's name makes no sense.")
        }
        position += 1
        return name
    }

    private func named(_ name: [UInt8]) throws(PatternError) -> RegularExpressionNode {
        guard let number = names[name] else { throw PatternError(reason: "There is no group of that name.") }
        return .backreference(number, ignoresCase: flags.ignoresCase)
    }

    // MARK: escapes

    private mutating func escape() throws(PatternError) -> RegularExpressionNode? {
        guard let byte = current else { throw PatternError(reason: "There is nothing behind the last `\\`.") }
        if let set = classEscape(byte) {
            position += 1
            return .set(set)
        }
        switch byte {
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            let start = position
            if let number = number(), number < 10 || number <= groups {
                return .backreference(number, ignoresCase: flags.ignoresCase)
            }
            position = start
            return literal(try character())
        case UInt8(ascii: "N"), UInt8(ascii: "C"), UInt8(ascii: "b"), UInt8(ascii: "B"), UInt8(ascii: "A"),
            UInt8(ascii: "Z"), UInt8(ascii: "z"), UInt8(ascii: "G"), UInt8(ascii: "E"), UInt8(ascii: "Q"),
            UInt8(ascii: "K"), UInt8(ascii: "R"), UInt8(ascii: "k"), UInt8(ascii: "g"):
            position += 1
            return try letterEscape(byte)
        default: return literal(try character())
        }
    }

    private mutating func letterEscape(_ byte: UInt8) throws(PatternError) -> RegularExpressionNode? {
        switch byte {
        case UInt8(ascii: "N"): return .set(ByteSet.newline.inverted)
        case UInt8(ascii: "C"): return .set(ByteSet().inverted)
        case UInt8(ascii: "b"): return .assertion(.wordBoundary)
        case UInt8(ascii: "B"): return .assertion(.noWordBoundary)
        case UInt8(ascii: "A"), UInt8(ascii: "G"): return .assertion(.textStart)
        case UInt8(ascii: "Z"): return .assertion(.lastLineEnd)
        case UInt8(ascii: "z"): return .assertion(.textEnd)
        case UInt8(ascii: "R"):
            let pair = RegularExpressionNode.sequence([.set(ByteSet([13])), .set(ByteSet([10]))])
            return .atomic(.alternatives([pair, .set(.verticalSpace)]))
        case UInt8(ascii: "Q"): return quoted()
        case UInt8(ascii: "k"):
            if take("{") { return try named(name(until: UInt8(ascii: "}"))) }
            if take("<") { return try named(name(until: UInt8(ascii: ">"))) }
            if take("'") { return try named(name(until: UInt8(ascii: "'"))) }
            throw PatternError(reason: "A reference has no name.")
        case UInt8(ascii: "g"):
            let isBraced = take("{")
            let isRelative = take("-")
            guard let number = number(), !isBraced || take("}"), number > 0, !isRelative || number <= groups
            else {
                throw PatternError(reason: "A reference has no number.")
            }
            let absolute = isRelative ? groups + 1 - number : number
            return .backreference(absolute, ignoresCase: flags.ignoresCase)
        default: return nil  // `\E` without `\Q`, and `\K`, which only moves what a match shows
        }
    }

    private mutating func quoted() -> RegularExpressionNode {
        var parts: [RegularExpressionNode] = []
        while let byte = current, !take("\\E") {
            parts.append(literal(byte))
            position += 1
        }
        return .sequence(parts)
    }

    private func classEscape(_ byte: UInt8) -> ByteSet? {
        switch byte {
        case UInt8(ascii: "d"): .digits
        case UInt8(ascii: "D"): ByteSet.digits.inverted
        case UInt8(ascii: "w"): .word
        case UInt8(ascii: "W"): ByteSet.word.inverted
        case UInt8(ascii: "s"): .space
        case UInt8(ascii: "S"): ByteSet.space.inverted
        case UInt8(ascii: "h"): .horizontalSpace
        case UInt8(ascii: "H"): ByteSet.horizontalSpace.inverted
        case UInt8(ascii: "v"): .verticalSpace
        case UInt8(ascii: "V"): ByteSet.verticalSpace.inverted
        default: nil
        }
    }

    /// The byte that an escape stands for, from behind the `\`.
    private mutating func character() throws(PatternError) -> UInt8 {
        guard let byte = current else { throw PatternError(reason: "There is nothing behind the last `\\`.") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "f"): return 12
        case UInt8(ascii: "e"): return 27
        case UInt8(ascii: "a"): return 7
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var value = Int(byte - 48)
            while let digit = current, (48...55).contains(digit), value < 32 {
                value = value * 8 + Int(digit - 48)
                position += 1
            }
            return UInt8(truncatingIfNeeded: value)
        case UInt8(ascii: "x"):
            let isBraced = take("{")
            let digits = hexadecimalDigits(upTo: isBraced ? 4 : 2)
            let value = digits.isEmpty ? 0 : Int(digits, radix: 16) ?? 256
            guard !isBraced || take("}"), value < 256 else {
                throw PatternError(reason: "A character's number is too large.")
            }
            return UInt8(value)
        case UInt8(ascii: "c"):
            guard let letter = current else {
                throw PatternError(reason: "A control character has no letter.")
            }
            position += 1
            let upper = (97...122).contains(letter) ? letter - 32 : letter
            return upper ^ 64
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            throw PatternError(reason: "An escape is not understood.")
        default: return byte
        }
    }

    private mutating func hexadecimalDigits(upTo count: Int) -> String {
        var digits = ""
        while digits.utf8.count < count, let byte = current, Character(UnicodeScalar(byte)).isHexDigit {
            digits.unicodeScalars.append(UnicodeScalar(byte))
            position += 1
        }
        return digits
    }

    // MARK: brackets

    private mutating func bracket() throws(PatternError) -> ByteSet {
        let isInverted = take("^")
        var set = ByteSet()
        var isFirst = true
        while true {
            guard let byte = current else { throw PatternError(reason: "A `]` is missing.") }
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            guard let start = try member(of: &set) else { continue }
            let mark = position
            if take("-"), let end = current, end != UInt8(ascii: "]") {
                var other = ByteSet()
                if let last = try member(of: &other) {
                    guard start <= last else { throw PatternError(reason: "A range is out of order.") }
                    for byte in start...last { set.insert(byte) }
                    continue
                }
                position = mark
            } else {
                position = mark
            }
            set.insert(start)
        }
        position += 1
        if flags.ignoresCase { set = set.ignoringCase }
        return isInverted ? set.inverted : set
    }

    /// Reads one byte inside brackets; or adds a class of bytes, which is nil.
    private mutating func member(of set: inout ByteSet) throws(PatternError) -> UInt8? {
        if take("[:") {
            set.formUnion(try namedClass())
            return nil
        }
        let byte = pattern[position]
        position += 1
        guard byte == UInt8(ascii: "\\") else { return byte }
        guard let escaped = current else { throw PatternError(reason: "A `]` is missing.") }
        if let added = classEscape(escaped) {
            position += 1
            set.formUnion(added)
            return nil
        }
        if escaped == UInt8(ascii: "b") {
            position += 1
            return 8
        }
        return try character()
    }

    private mutating func namedClass() throws(PatternError) -> ByteSet {
        let isInverted = take("^")
        let start = position
        while position < pattern.count, (97...122).contains(pattern[position]) { position += 1 }
        let name = String(decoding: pattern[start..<position], as: UTF8.self)
        guard take(":]"), let set = Self.classes[name] else {
            throw PatternError(reason: "There is no class of that name.")
        }
        return isInverted ? set.inverted : set
    }

    private static let classes: [String: ByteSet] = [
        "alpha": ByteSet(Array(65...90) + Array(97...122)), "digit": .digits, "word": .word, "space": .space,
        "alnum": ByteSet(Array(48...57) + Array(65...90) + Array(97...122)), "upper": ByteSet(65...90),
        "lower": ByteSet(97...122), "blank": ByteSet([9, 32]), "cntrl": ByteSet(Array(0...31) + [127]),
        "graph": ByteSet(33...126), "print": ByteSet(32...126), "ascii": ByteSet(0...127),
        "xdigit": ByteSet(Array(48...57) + Array(65...70) + Array(97...102)),
        "punct": ByteSet(Array(33...47) + Array(58...64) + Array(91...96) + Array(123...126)),
    ]

    // MARK: bytes

    private var current: UInt8? { position < pattern.count ? pattern[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard pattern[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    private mutating func number() -> Int? {
        let start = position
        while let byte = current, (48...57).contains(byte), position - start < 6 { position += 1 }
        return Int(String(decoding: pattern[start..<position], as: UTF8.self))
    }
}
