// Cuts a stream of bytes into JSON documents without parsing them.
//
// Two forms are understood, told apart by the first character: documents one after the other, as JSON lines have
// them, and one array of documents. Only braces outside strings are counted; whether a piece is good JSON is for the
// parser to say, which is why a broken piece reaches it as it is.
//
//     {"_id":"a"}\n{"_id":"b"}      →  {"_id":"a"}   {"_id":"b"}
//     [{"_id":"a"}, {"_id":"b"}]    →  the same two

/// Takes bytes in any portions and gives documents.
struct DocumentSplitter {
    enum Failure: Error, Equatable {
        /// Something stands between documents that doesn't belong there; counted from the first byte of the stream.
        case unexpected(UInt8, offset: Int)
        /// The stream ended inside a document or before the array was closed.
        case unfinished
    }

    private enum Form {
        case unknown, lines, array, arrayClosed
    }

    private var form = Form.unknown
    private var current: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var offset = 0
    /// In an array: whether a comma must come before the next document.
    private var needsComma = false

    /// Appends the documents that these bytes complete; on failure, those that came before it.
    mutating func split(_ bytes: some Sequence<UInt8>, into documents: inout [[UInt8]]) throws(Failure) {
        for byte in bytes {
            if depth > 0 {
                current.append(byte)
                if closesDocument(byte) {
                    documents.append(current)
                    current.removeAll(keepingCapacity: true)
                    needsComma = true
                }
            } else {
                try between(byte)
            }
            offset += 1
        }
    }

    /// The stream is over.
    func finish() throws(Failure) {
        if depth > 0 || form == .array { throw .unfinished }
    }

    /// Follows strings and braces inside a document; true at its last brace.
    private mutating func closesDocument(_ byte: UInt8) -> Bool {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return false
        }
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
        default:
            break
        }
        return depth == 0
    }

    /// Takes a byte that stands outside all documents.
    private mutating func between(_ byte: UInt8) throws(Failure) {
        switch (byte, form) {
        case (UInt8(ascii: " "), _), (UInt8(ascii: "\t"), _), (UInt8(ascii: "\n"), _),
            (UInt8(ascii: "\r"), _):
            break
        case (UInt8(ascii: "["), .unknown):
            form = .array
        case (UInt8(ascii: "{"), .unknown), (UInt8(ascii: "{"), .lines):
            form = .lines
            begin(byte)
        case (UInt8(ascii: "{"), .array) where !needsComma:
            begin(byte)
        case (UInt8(ascii: ","), .array) where needsComma:
            needsComma = false
        case (UInt8(ascii: "]"), .array):
            form = .arrayClosed
        default:
            throw .unexpected(byte, offset: offset)
        }
    }

    private mutating func begin(_ byte: UInt8) {
        current.append(byte)
        depth = 1
    }
}
