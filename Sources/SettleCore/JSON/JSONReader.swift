// A pull reader: walks a request body value by value and builds nothing that isn't asked for.
//
//     var reader = JSONReader(body)                         // {"new_edits":false,"docs":[{…},{…}]}
//     guard try reader.enterObject() else { … }             // the body is something else
//     while try reader.nextMember() {
//         if reader.nameIs("new_edits") { newEdits = try reader.bool() }
//         else if reader.nameIs("docs"), try reader.enterArray() {
//             while try reader.nextElement() { ranges.append(try reader.skip()) }
//         }                                                 // other members are passed over by themselves
//     }
//     try reader.finish()
//
// Everything passed over is checked as strictly as everything read. A value of another kind than the one asked for is
// passed over too, and reads as nil.
//
// The subtle thing: `enterObject` and `enterArray` leave a value of another kind where it is, so that one can try the
// other; and an entered container has to be walked to its end (`next…` gives false) before its parent goes on.

/// Walks a JSON text, or a range of one, from value to value.
package struct JSONReader: Sendable {
    /// The kinds of values, as the first byte tells them.
    package enum Kind: Sendable {
        case null, bool, number, string, array, object
    }

    var scanner: JSONScanner
    /// How many containers have been entered and not been left.
    package private(set) var depth = 0
    /// Whether nothing of the container that was entered last has been read.
    private var isFirst = false
    /// Whether a value was announced (the whole text, a member, an element) and not read yet.
    private var isPending = true
    private var nameRange = 0..<0
    private var nameHasEscapes = false

    /// A reader before the first byte of a text, or of a range of it.
    package init(_ text: [UInt8], in range: Range<Int>? = nil) {
        scanner = JSONScanner(text, in: range)
    }

    /// The text that is read; ranges are ranges of this.
    package var input: [UInt8] { scanner.input }

    /// The kind of the value that comes next.
    package mutating func kind() throws(JSONError) -> Kind {
        switch scanner.next() {
        case 0x22: .string
        case 0x7B: .object
        case 0x5B: .array
        case 0x74, 0x66: .bool
        case 0x6E: .null
        case 0x2D, 0x30...0x39: .number
        default: throw scanner.unexpected()
        }
    }

    /// Goes into the object that comes next; false if it is something else.
    package mutating func enterObject() throws(JSONError) -> Bool { try enter(.object) }

    /// Goes into the array that comes next; false if it is something else.
    package mutating func enterArray() throws(JSONError) -> Bool { try enter(.array) }

    private mutating func enter(_ container: Kind) throws(JSONError) -> Bool {
        guard try kind() == container else { return false }
        try scanner.open(depth: depth + 1)
        depth += 1
        isFirst = true
        isPending = false
        return true
    }

    /// Goes to the next member of the object: its name is read, its value comes next; false where the object ends.
    package mutating func nextMember() throws(JSONError) -> Bool {
        guard try advance(closing: 0x7D) else { return false }
        guard scanner.next() == 0x22 else { throw scanner.unexpected() }
        let start = scanner.position + 1
        nameHasEscapes = try scanner.string()
        nameRange = start..<scanner.position - 1
        guard scanner.next() == 0x3A else { throw scanner.unexpected() }
        scanner.position += 1
        isPending = true
        return true
    }

    /// Goes to the next element of the array, which comes next; false where the array ends.
    package mutating func nextElement() throws(JSONError) -> Bool {
        isPending = try advance(closing: 0x5D)
        return isPending
    }

    /// Passes over what was announced, and the comma; false at the closing mark, which is passed over too.
    private mutating func advance(closing mark: UInt8) throws(JSONError) -> Bool {
        if isPending { _ = try skip() }
        let byte = scanner.next()
        if byte == mark {
            scanner.position += 1
            depth -= 1
            isFirst = false
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        guard byte == 0x2C else { throw scanner.unexpected() }
        scanner.position += 1
        return true
    }

    /// After the outermost value: makes sure that nothing but white space follows.
    package mutating func finish() throws(JSONError) {
        if isPending { _ = try skip() }
        try scanner.finish()
    }

    /// Hands the scanner to somebody who moves it over the value that comes next.
    mutating func read<R>(_ body: (inout JSONScanner, _ depth: Int) throws(JSONError) -> R) throws(JSONError)
        -> R
    {
        let result = try body(&scanner, depth)
        isPending = false
        return result
    }
}

extension JSONReader {
    /// Whether the member's name is this one.
    package func nameIs(_ text: String) -> Bool {
        guard nameHasEscapes else {
            return nameRange.count == text.utf8.count && scanner.input[nameRange].elementsEqual(text.utf8)
        }
        return nameBytes.elementsEqual(text.utf8)
    }

    /// Whether the member's name is this UTF-8 text.
    package func nameIs(_ text: [UInt8]) -> Bool {
        nameHasEscapes ? nameBytes == text : scanner.input[nameRange].elementsEqual(text)
    }

    /// The member's name.
    package var name: String { String(decoding: nameBytes, as: UTF8.self) }

    /// The UTF-8 text of the member's name.
    package var nameBytes: [UInt8] { scanner.text(nameRange, hasEscapes: nameHasEscapes) }
}
