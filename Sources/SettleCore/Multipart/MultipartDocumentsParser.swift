// Documents with their attachments, as they travel between replicas: one in a multipart/related body, which is how
// they are written, or several in a multipart/mixed body, whose parts are such bodies or plain JSON, which is how
// they are read.
//
//     related:  document, attachment, attachment           mixed:  (document, attachment), document, error
//
// Either way a document's text comes whole, because nothing can be done with half of one, and the bytes of its
// attachments come as they arrive.
//
// The subtle thing: which attachment a part holds is told by its place alone. The first part after the document
// belongs to the first entry of `_attachments` that has `"follows":true`, and so on; file names mean nothing.

/// Parses the documents of a multipart body and what is attached to them, pull by pull.
package struct MultipartDocumentsParser: Sendable {
    /// What the parser comes across.
    package enum Event: Sendable, Equatable {
        /// A document, or an error in its place (`isError`), with the header fields of the part that it came in.
        ///
        /// In a mixed body these are the fields of the outer part, such as `X-Doc-Id`.
        case document([UInt8], MultipartHeaders)
        /// The document's next attachment begins.
        case attachment(MultipartHeaders)
        /// More bytes of the attachment, never none.
        case content(ArraySlice<UInt8>)
        /// The attachment is complete.
        case attachmentEnd
        /// The document has no more attachments.
        case documentEnd
        /// The last boundary was reached; whatever follows is dropped.
        case finished
    }

    private let maximumDocumentLength: Int
    /// The body, if it may hold several documents.
    private var mixed: MultipartParser?
    /// The body or part that holds one document and its attachments.
    private var related: MultipartParser?
    private var partHeaders = MultipartHeaders()
    /// The text of a document that is not complete yet.
    private var text: [UInt8]?
    private var hasDocument = false
    /// What comes right after the event that was just given.
    private var pending: Event?

    /// A parser for a body with this content type: one document if it is `related`, any number otherwise.
    package init(_ boundary: MultipartBoundary, maximumDocumentLength: Int) {
        self.maximumDocumentLength = maximumDocumentLength
        let parser = MultipartParser(boundary: boundary.text)
        if boundary.subtype == "related" { related = parser } else { mixed = parser }
    }

    /// Takes more of the body.
    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        if mixed != nil { mixed?.append(bytes) } else { related?.append(bytes) }
    }

    /// What comes next; nil if more has to be appended first, or the body is over.
    package mutating func next() throws(SettleError) -> Event? {
        if let event = pending {
            pending = nil
            return event
        }
        while true {
            if let event = try nextOfRelated() { return event }
            guard let event = try mixed?.next() else { return nil }
            switch event {
            case .begin(let headers):
                partHeaders = headers
                hasDocument = false
                if let boundary = headers.boundary {
                    related = MultipartParser(boundary: boundary.text)
                } else {
                    text = []
                }
            case .body(let bytes):
                if related != nil { related?.append(bytes) } else { try collect(bytes) }
            case .end:
                if let event = try endPart() { return event }
            case .finished:
                return .finished
            }
        }
    }

    /// Throws unless the body is complete, once there is no more to append.
    package func finish() throws(SettleError) {
        if let mixed { try mixed.finish() } else { try related?.finish() }
    }

    /// Ends a part of a mixed body.
    private mutating func endPart() throws(SettleError) -> Event? {
        if let text {
            self.text = nil
            pending = .documentEnd
            return .document(text, partHeaders)
        }
        try related?.finish()
        related = nil
        return .documentEnd
    }

    private mutating func nextOfRelated() throws(SettleError) -> Event? {
        while let event = try related?.next() {
            switch event {
            case .begin(let headers):
                if hasDocument { return .attachment(headers) }
                if mixed == nil { partHeaders = headers }
                text = []
            case .body(let bytes):
                if hasDocument { return .content(bytes) }
                try collect(bytes)
            case .end:
                guard let text else { return .attachmentEnd }
                self.text = nil
                hasDocument = true
                return .document(text, partHeaders)
            case .finished:
                guard hasDocument else {
                    throw SettleError(.badRequest, "The multipart body has no document.")
                }
                guard mixed == nil else { continue }
                pending = .finished
                return .documentEnd
            }
        }
        return nil
    }

    private mutating func collect(_ bytes: ArraySlice<UInt8>) throws(SettleError) {
        guard (text?.count ?? 0) + bytes.count <= maximumDocumentLength else {
            throw SettleError(.documentTooLarge)
        }
        text?.append(contentsOf: bytes)
    }
}
