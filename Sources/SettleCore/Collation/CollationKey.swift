// Collation keys: a byte string for any JSON value, such that comparing bytes compares values as CouchDB does.
//
//     null < false < true < numbers < strings < arrays < objects
//
//     null       10                                    5     22 82 40      (see `CollationKey+Numbers.swift`)
//     true       12                                    "a"   30 ‹sort key› 00
//     [5,"a"]    31  22 82 40  30 ‹sort key› 00  00
//     {"a":5}    32  30 ‹sort key› 00  22 82 40  00    pairwise: name, value; members in the order they stand
//
// A view's rows lie in a tree sorted by bytes, so no comparison ever looks at JSON, and every comparison of strings by
// ICU is made once, when the row is written. A key tells where it ends: a document's id may follow it, and an array's
// first elements are a prefix of its key (`CollationKey+Groups.swift`). The end mark 00 is less than every tag, so the
// shorter of two arrays comes first.
//
// Views with `options.collation` "raw" are sorted in the order of Erlang's terms instead:
//
//     numbers < false < null < true < objects < arrays < strings by their bytes
//
// The subtle thing: equal keys don't mean equal texts. 1 and 1.0 have one key, and so have two spellings of "é". What
// was emitted has to be kept beside the key.

/// Writes JSON values as byte strings that sort like them.
package enum CollationKey {
    /// Which values come before which.
    package enum Order: UInt8, Sendable, Hashable {
        /// CouchDB's own: strings by Unicode's collation.
        case unicode
        /// The order of Erlang's terms: strings by bytes.
        case raw
    }

    /// The bytes that values begin with.
    enum Tag {
        static let end: UInt8 = 0x00
        static let null: UInt8 = 0x10
        static let `false`: UInt8 = 0x11
        static let `true`: UInt8 = 0x12
        static let negative: UInt8 = 0x20
        static let zero: UInt8 = 0x21
        static let positive: UInt8 = 0x22
        static let rawFalse: UInt8 = 0x28
        static let rawNull: UInt8 = 0x29
        static let rawTrue: UInt8 = 0x2A
        static let rawObject: UInt8 = 0x2B
        static let rawArray: UInt8 = 0x2C
        static let rawString: UInt8 = 0x2D
        static let string: UInt8 = 0x30
        static let array: UInt8 = 0x31
        static let object: UInt8 = 0x32
    }

    /// Appends the key of the one JSON value in `text[range]`.
    ///
    /// Allocates nothing but room in `key`, except for strings with escapes and integers beyond 64 bits.
    ///
    /// - Throws: where the text is no JSON; what `key` holds then is worthless.
    package static func append(
        _ text: [UInt8],
        in range: Range<Int>? = nil,
        to key: inout [UInt8],
        order: Order = .unicode,
        collator: some StringCollator
    ) throws(JSONError) {
        var scanner = JSONScanner(text, in: range)
        try appendValue(&scanner, depth: 0, to: &key, order, collator)
        try scanner.finish()
    }

    private static func appendValue(
        _ scanner: inout JSONScanner,
        depth: Int,
        to key: inout [UInt8],
        _ order: Order,
        _ collator: some StringCollator
    ) throws(JSONError) {
        switch scanner.next() {
        case 0x22: try appendString(&scanner, to: &key, order, collator)
        case 0x7B:
            key.append(order == .raw ? Tag.rawObject : Tag.object)
            try scanner.open(depth: depth + 1)
            try eachElement(of: &scanner, until: 0x7D) { (scanner) throws(JSONError) in
                guard scanner.next() == 0x22 else { throw scanner.unexpected() }
                try appendString(&scanner, to: &key, order, collator)
                guard scanner.next() == 0x3A else { throw scanner.unexpected() }
                scanner.position += 1
                try appendValue(&scanner, depth: depth + 1, to: &key, order, collator)
            }
            key.append(Tag.end)
        case 0x5B:
            key.append(order == .raw ? Tag.rawArray : Tag.array)
            try scanner.open(depth: depth + 1)
            try eachElement(of: &scanner, until: 0x5D) { (scanner) throws(JSONError) in
                try appendValue(&scanner, depth: depth + 1, to: &key, order, collator)
            }
            key.append(Tag.end)
        case 0x74:
            try scanner.literalTrue()
            key.append(order == .raw ? Tag.rawTrue : Tag.true)
        case 0x66:
            try scanner.literalFalse()
            key.append(order == .raw ? Tag.rawFalse : Tag.false)
        case 0x6E:
            try scanner.literalNull()
            key.append(order == .raw ? Tag.rawNull : Tag.null)
        case 0x2D, 0x30...0x39: appendNumber(try scanner.number(), in: scanner, to: &key)
        default: throw scanner.unexpected()
        }
    }

    private static func appendString(
        _ scanner: inout JSONScanner,
        to key: inout [UInt8],
        _ order: Order,
        _ collator: some StringCollator
    ) throws(JSONError) {
        let start = scanner.position + 1
        let hasEscapes = try scanner.string()
        let content = start..<scanner.position - 1
        let text = hasEscapes ? scanner.text(content, hasEscapes: true) : scanner.input
        let range = hasEscapes ? text.indices : content
        switch order {
        case .unicode:
            key.append(Tag.string)
            collator.appendSortKey(of: text, in: range, to: &key)
            key.append(Tag.end)
        case .raw:
            // By its bytes: a zero byte is written 00 FF, and 00 01 ends it, so that the shorter one comes first.
            key.append(Tag.rawString)
            for byte in text[range] {
                key.append(byte)
                if byte == 0 { key.append(0xFF) }
            }
            key.append(0x00)
            key.append(0x01)
        }
    }

    /// Moves over what stands in an opened container, up to and past its closing mark.
    private static func eachElement(
        of scanner: inout JSONScanner,
        until closing: UInt8,
        _ element: (inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        guard scanner.next() != closing else {
            scanner.position += 1
            return
        }
        while true {
            try element(&scanner)
            let mark = scanner.next()
            guard mark == 0x2C || mark == closing else { throw scanner.unexpected() }
            scanner.position += 1
            guard mark == 0x2C else { return }
        }
    }
}
