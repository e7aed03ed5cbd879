extension JSONText {
    /// Appends a JSON text, or a range of one, as CouchDB prints it: without white space, in its spelling of escapes and
    /// numbers, and of members with one name only the last.
    package static func appendCanonical(
        _ text: [UInt8],
        in range: Range<Int>? = nil,
        to output: inout [UInt8]
    ) throws(JSONError) {
        var scanner = JSONScanner(text, in: range)
        _ = scanner.next()
        var writer = CanonicalWriter(scanner, makesTerm: false, capacity: scanner.end - scanner.position)
        _ = try writer.value(depth: 0)
        writer.copy(upTo: writer.scanner.position)
        try writer.scanner.finish()
        if writer.hasRepeatedNames {
            try JSONValue(parsing: text, in: range).append(to: &output)
        } else {
            output.append(contentsOf: writer.text)
        }
    }
}
