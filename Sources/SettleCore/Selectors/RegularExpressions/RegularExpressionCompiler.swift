// From a pattern's tree to instructions.
//
//     a|b      split 1, 3 · byte a · jump 4 · byte b
//     a*       split 1, 3 · byte a · jump 0
//     a{2,3}   byte a · byte a · split 3, 4 · byte a
//
// Counts are written out, so that the matcher needs no counters; the limit of a program's length bounds what that costs.

/// A part of a pattern.
indirect enum RegularExpressionNode: Hashable, Sendable {
    case empty
    case set(ByteSet)
    case sequence([RegularExpressionNode])
    case alternatives([RegularExpressionNode])
    case group(RegularExpressionNode, number: Int)
    case repetition(RegularExpressionNode, RegularExpressionCount)
    case assertion(RegularExpression.Assertion)
    case backreference(Int, ignoresCase: Bool)
    case look(RegularExpressionNode, isBehind: Bool, negated: Bool)
    case atomic(RegularExpressionNode)

    /// How many bytes it matches, if that is always the same.
    var length: Int? {
        switch self {
        case .empty, .assertion, .look: return 0
        case .set: return 1
        case .sequence(let parts):
            var sum = 0
            for part in parts {
                guard let length = part.length else { return nil }
                sum += length
            }
            return sum
        case .alternatives(let parts):
            let lengths = Set(parts.map(\.length))
            return lengths.count == 1 ? lengths.first ?? nil : nil
        case .group(let part, _), .atomic(let part): return part.length
        case .repetition(let part, let count):
            guard let length = part.length, count.minimum == count.maximum else { return nil }
            return length * count.minimum
        case .backreference: return nil
        }
    }

    /// Whether it can match without moving.
    var canBeEmpty: Bool {
        switch self {
        case .empty, .assertion, .look, .backreference: true
        case .set: false
        case .sequence(let parts): parts.allSatisfy(\.canBeEmpty)
        case .alternatives(let parts): parts.contains(where: \.canBeEmpty)
        case .group(let part, _), .atomic(let part): part.canBeEmpty
        case .repetition(let part, let count): count.minimum == 0 || part.canBeEmpty
        }
    }
}

/// How often a part is repeated.
struct RegularExpressionCount: Hashable, Sendable {
    enum Manner: Hashable, Sendable {
        /// As often as possible first.
        case greedy
        /// As rarely as possible first.
        case lazy
        /// As often as possible, and never less.
        case possessive
    }

    var minimum: Int
    /// nil: without bound.
    var maximum: Int?
    var manner = Manner.greedy
}

struct RegularExpressionCompiler {
    private(set) var program: [RegularExpression.Instruction] = []
    private(set) var registers: Int
    private let groups: Int

    init(groups: Int) {
        self.groups = groups
        registers = 2 * (groups + 1)
    }

    mutating func emit(_ instruction: RegularExpression.Instruction) throws(PatternError) {
        guard program.count < RegularExpression.maximumLength else {
            throw PatternError(reason: "The pattern is too large.")
        }
        program.append(instruction)
    }

    mutating func append(_ node: RegularExpressionNode) throws(PatternError) {
        switch node {
        case .empty: break
        case .set(let set):
            if let byte = set.only { try emit(.byte(byte)) } else { try emit(.set(set)) }
        case .sequence(let parts):
            for part in parts { try append(part) }
        case .alternatives(let parts): try append(alternatives: parts[...])
        case .group(let part, let number):
            try emit(.save(2 * number))
            try append(part)
            try emit(.save(2 * number + 1))
        case .repetition(let part, let count): try append(part, count)
        case .assertion(let assertion): try emit(.assert(assertion))
        case .backreference(let number, let ignoresCase):
            guard number <= groups else { throw PatternError(reason: "There is no group \(number).") }
            try emit(.backreference(number, ignoresCase: ignoresCase))
        case .look(let part, let isBehind, let negated): try append(look: part, isBehind, negated)
        case .atomic(let part):
            try appendAtomic { (compiler) throws(PatternError) in try compiler.append(part) }
        }
    }

    private mutating func append(alternatives parts: ArraySlice<RegularExpressionNode>) throws(PatternError) {
        guard let first = parts.first else { return }
        guard parts.count > 1 else { return try append(first) }
        let split = program.count
        try emit(.fail)
        try append(first)
        let jump = program.count
        try emit(.fail)
        program[split] = .split(split + 1, program.count)
        try append(alternatives: parts.dropFirst())
        program[jump] = .jump(program.count)
    }

    private mutating func append(_ part: RegularExpressionNode, _ count: RegularExpressionCount)
        throws(PatternError)
    {
        if count.manner == .possessive {
            let greedy = RegularExpressionCount(minimum: count.minimum, maximum: count.maximum)
            return try appendAtomic { (compiler) throws(PatternError) in try compiler.append(part, greedy) }
        }
        for _ in 0..<count.minimum { try append(part) }
        guard let maximum = count.maximum else { return try append(loop: part, count.manner) }
        var splits: [Int] = []
        for _ in count.minimum..<max(maximum, count.minimum) {
            splits.append(program.count)
            try emit(.fail)
            try append(part)
        }
        for split in splits { program[split] = Self.split(split + 1, program.count, count.manner) }
    }

    private mutating func append(loop part: RegularExpressionNode, _ manner: RegularExpressionCount.Manner)
        throws(PatternError)
    {
        let split = program.count
        try emit(.fail)
        if part.canBeEmpty {
            let register = registers
            registers += 1
            try emit(.save(register))
            try append(part)
            try emit(.moved(register))
        } else {
            try append(part)
        }
        try emit(.jump(split))
        program[split] = Self.split(split + 1, program.count, manner)
    }

    private static func split(_ into: Int, _ past: Int, _ manner: RegularExpressionCount.Manner)
        -> RegularExpression.Instruction
    {
        manner == .lazy ? .split(past, into) : .split(into, past)
    }

    private mutating func appendAtomic(_ body: (inout Self) throws(PatternError) -> Void) throws(PatternError)
    {
        let start = program.count
        try emit(.fail)
        try body(&self)
        try emit(.accept)
        program[start] = .atomic(end: program.count)
    }

    /// A look behind starts as far back as it is long, so that has to be known; its alternatives may differ in it.
    private mutating func append(look part: RegularExpressionNode, _ isBehind: Bool, _ negated: Bool)
        throws(PatternError)
    {
        if isBehind, case .alternatives(let parts) = part, part.length == nil {
            let looks = parts.map { RegularExpressionNode.look($0, isBehind: true, negated: negated) }
            return try append(negated ? .sequence(looks) : .alternatives(looks))
        }
        if isBehind, part.length == nil {
            throw PatternError(reason: "A look behind has to be of a fixed length.")
        }
        let start = program.count
        try emit(.fail)
        try append(part)
        try emit(.accept)
        program[start] = .look(end: program.count, behind: isBehind ? part.length : nil, negated: negated)
    }
}
