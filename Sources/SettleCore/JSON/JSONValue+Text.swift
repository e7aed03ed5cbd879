// Trees from text and text from trees. Both recurse once per level; `JSONScanner.maximumDepth` bounds the levels a
// text can have.

extension JSONValue {
    /// Reads a text, or a range of one, that holds one value and white space around it.
    ///
    /// Of members with one name the last one counts. Throws if the text isn't JSON, isn't UTF-8, or holds a number
    /// that CouchDB would not take.
    public init(parsing text: [UInt8], in range: Range<Int>? = nil) throws(JSONError) {
        var scanner = JSONScanner(text, in: range)
        self = try scanner.value(depth: 0)
        try scanner.finish()
    }

    /// Appends the text of this value, as CouchDB prints it.
    public func append(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: value ? "true".utf8 : "false".utf8)
        case .number(let number): number.append(to: &output)
        case .string(let text): JSONText.appendString(text, to: &output)
        case .array(let elements):
            output.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(0x2C) }
                element.append(to: &output)
            }
            output.append(0x5D)
        case .object(let object):
            output.append(0x7B)
            for (index, member) in object.members.enumerated() {
                if index > 0 { output.append(0x2C) }
                JSONText.appendString(member.name, to: &output)
                output.append(0x3A)
                member.value.append(to: &output)
            }
            output.append(0x7D)
        }
    }

    /// The text of this value, as CouchDB prints it.
    public var bytes: [UInt8] {
        var output: [UInt8] = []
        append(to: &output)
        return output
    }

    /// The text of this value, as CouchDB prints it.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension JSONScanner {
    /// Reads the value at the position, after white space, as a tree.
    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        switch next() {
        case 0x22: return .string(try stringText())
        case 0x7B: return .object(try object(depth: depth + 1))
        case 0x5B: return .array(try array(depth: depth + 1))
        case 0x74:
            try literalTrue()
            return .bool(true)
        case 0x66:
            try literalFalse()
            return .bool(false)
        case 0x6E:
            try literalNull()
            return .null
        case 0x2D, 0x30...0x39: return .number(JSONNumber(try number(), in: self))
        default: throw unexpected()
        }
    }

    /// Reads the string at the position.
    mutating func stringText() throws(JSONError) -> String {
        let start = position + 1
        let hasEscapes = try string()
        guard hasEscapes else { return String(decoding: input[start..<position - 1], as: UTF8.self) }
        return String(decoding: text(start..<position - 1, hasEscapes: true), as: UTF8.self)
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        try open(depth: depth)
        var elements: [JSONValue] = []
        guard next() != 0x5D else {
            position += 1
            return elements
        }
        while true {
            elements.append(try value(depth: depth))
            let mark = next()
            guard mark == 0x2C || mark == 0x5D else { throw unexpected() }
            position += 1
            guard mark == 0x2C else { return elements }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        try open(depth: depth)
        var members: [JSONObject.Member] = []
        guard next() != 0x7D else {
            position += 1
            return JSONObject()
        }
        while true {
            guard next() == 0x22 else { throw unexpected() }
            let name = try stringText()
            guard next() == 0x3A else { throw unexpected() }
            position += 1
            members.append(JSONObject.Member(name: name, value: try value(depth: depth)))
            let mark = next()
            guard mark == 0x2C || mark == 0x7D else { throw unexpected() }
            position += 1
            guard mark == 0x2C else { return JSONObject(keepingLast: members) }
        }
    }
}
