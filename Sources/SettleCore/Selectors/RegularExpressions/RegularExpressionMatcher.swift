// Runs a pattern's instructions over a text.
//
// A `split` leaves a note on a stack: where to go on, and at what place, if this way leads nowhere. What is remembered on
// a way is noted on the same stack, so that going back forgets it. A match on its own (a look around, an atomic group)
// uses the stack above where it began; when it succeeds its ways back are dropped, what it remembered stays.

struct RegularExpressionMatcher {
    private enum Note {
        case way(Int, place: Int)
        case remembered(register: Int, place: Int)
    }

    private let program: [RegularExpression.Instruction]
    private let text: [UInt8]
    private var registers: [Int]
    private var notes: [Note] = []
    private var steps = RegularExpression.maximumSteps

    init(_ expression: RegularExpression, _ text: [UInt8]) {
        program = expression.program
        self.text = text
        registers = Array(repeating: -1, count: expression.registers)
    }

    /// Looks for a match from the first place on.
    mutating func search() -> Bool {
        for place in 0...text.count {
            switch program[0] {
            case .assert(.textStart) where place > 0: return false
            case .byte(let byte) where place == text.count || text[place] != byte: continue
            default: break
            }
            notes.removeAll(keepingCapacity: true)
            for index in registers.indices { registers[index] = -1 }
            if run(from: 0, at: place) != nil { return true }
            if steps <= 0 { return false }
        }
        return false
    }

    /// Runs to the next `accept`; the place it is reached at, or nil.
    private mutating func run(from start: Int, at first: Int) -> Int? {
        var (next, place) = (start, first)
        let base = notes.count
        while true {
            steps -= 1
            guard steps > 0 else { return nil }
            if let way = step(&next, &place) {
                if way { return place }
                continue
            }
            guard let back = goBack(to: base) else { return nil }
            (next, place) = back
        }
    }

    /// One instruction: false to go on, true at the end, nil if this way leads nowhere.
    private mutating func step(_ next: inout Int, _ place: inout Int) -> Bool? {
        let instruction = program[next]
        next += 1
        switch instruction {
        case .byte(let byte):
            guard place < text.count, text[place] == byte else { return nil }
            place += 1
        case .set(let set):
            guard place < text.count, set.contains(text[place]) else { return nil }
            place += 1
        case .split(let first, let second):
            notes.append(.way(second, place: place))
            next = first
        case .jump(let target): next = target
        case .save(let register): remember(register, place)
        case .moved(let register):
            guard registers[register] != place else { return nil }
        case .assert(let assertion):
            guard holds(assertion, at: place) else { return nil }
        case .backreference(let number, let ignoresCase):
            let (start, end) = (registers[2 * number], registers[2 * number + 1])
            guard start >= 0, end >= start, isRepeated(start..<end, at: place, ignoresCase) else {
                return nil
            }
            place += end - start
        case .look(let end, let behind, let negated):
            let base = notes.count
            let start = place - (behind ?? 0)
            let found = start >= 0 ? run(from: next, at: start) : nil
            if found != nil, !negated { keepOnlyMemories(from: base) } else { forget(to: base) }
            guard (found != nil) != negated else { return nil }
            next = end
        case .atomic(let end):
            let base = notes.count
            guard let reached = run(from: next, at: place) else { return nil }
            keepOnlyMemories(from: base)
            (next, place) = (end, reached)
        case .accept: return true
        case .fail: return nil
        }
        return false
    }

    private mutating func remember(_ register: Int, _ place: Int) {
        notes.append(.remembered(register: register, place: registers[register]))
        registers[register] = place
    }

    /// Takes the newest way back above a base, forgetting what was remembered since.
    private mutating func goBack(to base: Int) -> (Int, Int)? {
        while notes.count > base, let note = notes.popLast() {
            switch note {
            case .way(let next, let place): return (next, place)
            case .remembered(let register, let place): registers[register] = place
            }
        }
        return nil
    }

    private mutating func forget(to base: Int) {
        while goBack(to: base) != nil {}
    }

    private mutating func keepOnlyMemories(from base: Int) {
        var kept = base
        for index in base..<notes.count {
            if case .remembered = notes[index] {
                notes[kept] = notes[index]
                kept += 1
            }
        }
        notes.removeLast(notes.count - kept)
    }

    private func holds(_ assertion: RegularExpression.Assertion, at place: Int) -> Bool {
        switch assertion {
        case .textStart: place == 0
        case .textEnd: place == text.count
        case .lastLineEnd: place == text.count || place == text.count - 1 && text[place] == 10
        case .lineStart: place == 0 || text[place - 1] == 10 && place < text.count
        case .lineEnd: place == text.count || text[place] == 10
        case .wordBoundary: isWord(place - 1) != isWord(place)
        case .noWordBoundary: isWord(place - 1) == isWord(place)
        }
    }

    private func isWord(_ place: Int) -> Bool {
        text.indices.contains(place) && ByteSet.word.contains(text[place])
    }

    private func isRepeated(_ range: Range<Int>, at place: Int, _ ignoresCase: Bool) -> Bool {
        guard place + range.count <= text.count else { return false }
        return zip(text[range], text[place...]).allSatisfy { left, right in
            left == right || ignoresCase && ByteSet([left]).ignoringCase.contains(right)
        }
    }
}
