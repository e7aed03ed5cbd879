extension JSONReader {
    /// Passes over the value that comes next and gives its range, without the white space around it.
    package mutating func skip() throws(JSONError) -> Range<Int> {
        try read { (scanner, depth) throws(JSONError) in try scanner.skipValue(depth: depth) }
    }

    /// Reads the value that comes next as a tree.
    package mutating func value() throws(JSONError) -> JSONValue {
        try read { (scanner, depth) throws(JSONError) in try scanner.value(depth: depth) }
    }

    /// Reads a string's text; nil if the value is something else.
    package mutating func string() throws(JSONError) -> String? {
        guard try isNext(.string) else { return nil }
        return try read { (scanner, _) throws(JSONError) in try scanner.stringText() }
    }

    /// Reads a string's text as UTF-8; nil if the value is something else.
    package mutating func stringBytes() throws(JSONError) -> [UInt8]? {
        guard try isNext(.string) else { return nil }
        return try read { (scanner, _) throws(JSONError) in
            let start = scanner.position + 1
            let hasEscapes = try scanner.string()
            return scanner.text(start..<scanner.position - 1, hasEscapes: hasEscapes)
        }
    }

    /// Reads a string's text as UTF-8, in place if there are no escapes in it; nil if the value is something else.
    package mutating func stringSlice() throws(JSONError) -> ArraySlice<UInt8>? {
        guard try isNext(.string) else { return nil }
        return try read { (scanner, _) throws(JSONError) in
            let start = scanner.position + 1
            let hasEscapes = try scanner.string()
            let content = start..<scanner.position - 1
            return hasEscapes ? scanner.text(content, hasEscapes: true)[...] : scanner.input[content]
        }
    }

    /// Reads a number; nil if the value is something else.
    package mutating func number() throws(JSONError) -> JSONNumber? {
        guard try isNext(.number) else { return nil }
        return try read { (scanner, _) throws(JSONError) in JSONNumber(try scanner.number(), in: scanner) }
    }

    /// Reads an integer; nil if the value is something else, a double or too large.
    package mutating func int() throws(JSONError) -> Int? {
        guard try isNext(.number) else { return nil }
        let value = try read { (scanner, _) throws(JSONError) in try scanner.number().int64 }
        return value.flatMap { Int(exactly: $0) }
    }

    /// Reads `true` or `false`; nil if the value is something else.
    package mutating func bool() throws(JSONError) -> Bool? {
        guard try isNext(.bool) else { return nil }
        return try read { (scanner, _) throws(JSONError) in
            let value = scanner.current == 0x74
            if value { try scanner.literalTrue() } else { try scanner.literalFalse() }
            return value
        }
    }

    /// Whether the value is of a kind; if it isn't, it is passed over.
    private mutating func isNext(_ wanted: Kind) throws(JSONError) -> Bool {
        guard try kind() != wanted else { return true }
        _ = try skip()
        return false
    }
}
