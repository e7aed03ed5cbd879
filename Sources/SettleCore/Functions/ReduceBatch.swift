// What reduce functions are asked: many nodes of an index at once, because each question may be a trip to another
// process.
//
// CouchDB bounds what a reduction may grow to by comparing it with what went in: the line that its own query server
// would read for this node. So a batch counts, for each group, the bytes of that line, although it sends another one.

/// Groups of rows, each to become one reduction by each function.
package struct ReduceBatch: Sendable {
    /// Which of the program's reduce functions are asked.
    package let functions: [Int]
    private var groups: [UInt8] = []
    private var keys: [UInt8] = []
    private var values: [UInt8] = []
    private var isOpen = false
    private(set) var lineLengths: [Int] = []

    /// A batch without groups.
    package init(functions: [Int]) {
        self.functions = functions
    }

    /// How many groups there are.
    package var count: Int { lineLengths.count }

    /// Begins the next group.
    package mutating func beginGroup() {
        endGroup()
        isOpen = true
        lineLengths.append(Self.emptyLine)
    }

    /// Adds a row to the group: key and value are JSON texts, the id is the document id's UTF-8 text.
    package mutating func append(key: ArraySlice<UInt8>, id: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        let before = keys.count + values.count
        if !keys.isEmpty {
            keys.append(0x2C)
            values.append(0x2C)
        }
        keys.append(0x5B)
        keys.append(contentsOf: key)
        keys.append(0x2C)
        JSONText.appendString(id, to: &keys)
        keys.append(0x5D)
        values.append(contentsOf: value)
        lineLengths[lineLengths.count - 1] += keys.count + values.count - before + 2
    }

    private mutating func endGroup() {
        guard isOpen else { return }
        isOpen = false
        groups.append(contentsOf: ",[[".utf8)
        groups.append(contentsOf: keys)
        groups.append(contentsOf: "],[".utf8)
        groups.append(contentsOf: values)
        groups.append(contentsOf: "]]".utf8)
        keys.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
    }

    /// The text of `["reduce",[functions],[[[key,id],…],[value,…]],…]`.
    var request: [UInt8] {
        var batch = self
        batch.endGroup()
        return Self.request("reduce", functions, batch.groups)
    }

    /// The bytes of `["reduce",[],[]]` and its line feed.
    static let emptyLine = 17

    static func request(_ name: String, _ functions: [Int], _ groups: [UInt8]) -> [UInt8] {
        var request = FunctionRequest(name, capacity: groups.count + 64)
        request.append(Array("[\(functions.map(String.init).joined(separator: ","))]".utf8))
        if !groups.isEmpty { request.append(groups.dropFirst()) }
        return request.finish()
    }
}

/// Groups of reductions, each to become one reduction by each function.
package struct RereduceBatch: Sendable {
    /// Which of the program's reduce functions are asked.
    package let functions: [Int]
    private var groups: [UInt8] = []
    private(set) var lineLengths: [Int] = []

    /// A batch without groups.
    package init(functions: [Int]) {
        self.functions = functions
    }

    /// How many groups there are.
    package var count: Int { lineLengths.count }

    /// Adds a group: for each function its reductions, JSON texts, in the order of their rows.
    package mutating func append(_ reductions: [[ArraySlice<UInt8>]]) {
        let before = groups.count
        groups.append(contentsOf: ",[".utf8)
        for (index, values) in reductions.enumerated() {
            groups.append(contentsOf: index > 0 ? ",[".utf8 : "[".utf8)
            for (index, value) in values.enumerated() {
                if index > 0 { groups.append(0x2C) }
                groups.append(contentsOf: value)
            }
            groups.append(0x5D)
        }
        groups.append(0x5D)
        lineLengths.append(ReduceBatch.emptyLine + groups.count - before)
    }

    /// The text of `["rereduce",[functions],[[value,…] for each function],…]`.
    var request: [UInt8] { ReduceBatch.request("rereduce", functions, groups) }
}

/// What became of one group.
package struct ReduceAnswer: Sendable, Hashable {
    /// One JSON text per function; `null` where a function failed, which is logged.
    package let reductions: [[UInt8]]
    /// The bytes that went in, as CouchDB counts them.
    package let inputLength: Int
    /// The bytes that came out, as CouchDB counts them.
    package let outputLength: Int

    /// CouchDB's complaint about a reduction that hardly reduces: what `reduce_limit` makes of it is the caller's.
    package var overflow: SettleError? {
        guard outputLength > 4096, outputLength * 2 > inputLength else { return nil }
        return SettleError(
            function: "reduce_overflow_error",
            reason:
                "Reduce output must shrink more rapidly: input size: \(inputLength) output size: \(outputLength)"
        )
    }

    /// Reads `[[reduction by each function] for each group]`.
    static func read(_ answer: [UInt8], lengths: [Int], functions: Int) throws(SettleError) -> [ReduceAnswer]
    {
        let answer = JSONText.replacingLoneSurrogates(in: answer)
        var groups: [ReduceAnswer] = []
        groups.reserveCapacity(lengths.count)
        do throws(JSONError) {
            var reader = JSONReader(answer)
            guard try reader.enterArray() else { throw JSONError(offset: 0, problem: .unexpectedByte) }
            while try reader.nextElement() {
                guard groups.count < lengths.count, try reader.enterArray() else {
                    throw JSONError(offset: 0, problem: .unexpectedByte)
                }
                var reductions: [[UInt8]] = []
                var length = 2
                while try reader.nextElement() {
                    let range = try reader.skip()
                    length += range.count + (reductions.isEmpty ? 0 : 1)
                    var text: [UInt8] = []
                    try JSONText.appendCanonical(answer, in: range, to: &text)
                    reductions.append(text)
                }
                guard reductions.count == functions else {
                    throw JSONError(offset: 0, problem: .unexpectedEnd)
                }
                groups.append(
                    ReduceAnswer(
                        reductions: reductions,
                        inputLength: lengths[groups.count],
                        outputLength: length
                    )
                )
            }
            try reader.finish()
        } catch {
            throw .unreadableAnswer
        }
        guard groups.count == lengths.count else { throw .unreadableAnswer }
        return groups
    }
}
