// Writes MIME multipart bodies, in which CouchDB answers for several revisions or documents at once:
//
//     --B
//     Content-Type: application/json
//
//     {"_id":"a",…}
//     --B
//     Content-Type: application/json; error="true"
//
//     {"missing":"2-x"}
//     --B--
//
// The subtle thing: the line break before a boundary belongs to the boundary, not to the part, so a part's bytes are
// exactly the document's.

/// Appends the parts of one multipart body.
package struct MultipartWriter: Sendable {
    /// The text between parts.
    package let boundary: String
    private var isEmpty = true

    /// A writer with a boundary that occurs in no part: 32 random hexadecimal digits are enough.
    package init(boundary: String) {
        self.boundary = boundary
    }

    /// Opens a part; its bytes are appended by the caller right after.
    package mutating func beginPart(headers: [(name: String, value: String)], to output: inout [UInt8]) {
        output.append(contentsOf: isEmpty ? "--".utf8 : "\r\n--".utf8)
        isEmpty = false
        output.append(contentsOf: boundary.utf8)
        output.append(contentsOf: "\r\n".utf8)
        for (name, value) in headers {
            output.append(contentsOf: name.utf8)
            output.append(contentsOf: ": ".utf8)
            output.append(contentsOf: value.utf8)
            output.append(contentsOf: "\r\n".utf8)
        }
        output.append(contentsOf: "\r\n".utf8)
    }

    /// Closes the body; one without parts stays empty, as CouchDB sends it.
    package func finish(to output: inout [UInt8]) {
        guard !isEmpty else { return }
        output.append(contentsOf: "\r\n--".utf8)
        output.append(contentsOf: boundary.utf8)
        output.append(contentsOf: "--".utf8)
    }
}
