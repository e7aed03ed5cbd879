// A form as browsers send it: fields with a value, and files with a name and a type.
//
//     --b
//     Content-Disposition: form-data; name="_rev"
//
//     1-967a…
//     --b
//     Content-Disposition: form-data; name="_attachments"; filename="note.txt"
//     Content-Type: text/plain
//
//     …
//     --b--

/// The fields and files of a multipart/form-data body.
package struct MultipartForm: Sendable {
    /// One file, as UTF-8 and bytes.
    package struct File: Sendable, Equatable {
        package var name: [UInt8]
        /// The media type without its parameters.
        package var contentType: [UInt8]
        package var content: [UInt8]
    }

    private var fields: [(name: [UInt8], value: [UInt8])] = []
    private var fileList: [(name: [UInt8], file: File)] = []

    /// Takes a complete body apart.
    package init(_ body: [UInt8], boundary: String) throws(SettleError) {
        var parser = MultipartParser(boundary: boundary)
        parser.append(body[...])
        var part = MultipartHeaders()
        var content: [UInt8] = []
        while let event = try parser.next() {
            switch event {
            case .begin(let headers): (part, content) = (headers, [])
            case .body(let slice): content += slice
            case .end: add(part, content)
            case .finished: break
            }
        }
        try parser.finish()
    }

    private mutating func add(_ headers: MultipartHeaders, _ content: [UInt8]) {
        guard let name = headers.parameter("name", of: "Content-Disposition") else { return }
        guard let file = headers.parameter("filename", of: "Content-Disposition") else {
            fields.append((name, content))
            return
        }
        // A file field in which nothing was chosen.
        guard !file.isEmpty else { return }
        let type = Array(headers.mediaType.utf8)
        fileList.append(
            (
                name,
                File(
                    name: file,
                    contentType: type.isEmpty ? Attachment.defaultContentType : type,
                    content: content
                )
            )
        )
    }

    /// The value of the first field of a name.
    package subscript(field: String) -> [UInt8]? {
        fields.first { $0.name.elementsEqual(field.utf8) }?.value
    }

    /// The files of all fields of a name.
    package func files(_ field: String) -> [File] {
        fileList.filter { $0.name.elementsEqual(field.utf8) }.map(\.file)
    }
}
