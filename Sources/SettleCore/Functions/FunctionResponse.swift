// What a design document's function wants to be answered.
//
//     {"code": 202, "headers": {"X-Custom": "yes"}, "body": "text"}      or "base64": …, or "json": …

/// A response as a function describes it.
package struct FunctionResponse: Sendable, Equatable {
    /// The status; nil if the function named none.
    package var status: Int?
    /// The header fields, without the content's type.
    package var headers: [(name: String, value: String)] = []
    package var contentType = "application/json"
    package var body: [UInt8] = []
    /// Whether the body is `json`, which CouchDB sends as it sends its own answers.
    package var isJSON = false

    /// Reads what a function returned; a list function's `body` is taken for JSON unless the function names another type.
    ///
    /// - Throws: `external_response_error` for members that mean nothing.
    package init(_ object: JSONObject, isList: Bool = false) throws(SettleError) {
        var usualType = contentType
        for member in object.members {
            switch member.name {
            case "code": status = member.value.int ?? status
            case "stop": break
            case "json":
                body = member.value.bytes + [UInt8(ascii: "\n")]
                usualType = "application/json"
                isJSON = true
            case "body":
                body = Array((member.value.string ?? member.value.text).utf8)
                if !isList { usualType = "text/html; charset=utf-8" }
            case "base64":
                guard let bytes = Base64.decode((member.value.string ?? "").utf8) else {
                    throw SettleError(.badRequest, "The function's `base64` is none.")
                }
                body = bytes
                usualType = "application/binary"
            case "headers":
                headers = (member.value.object?.members ?? []).map {
                    ($0.name, $0.value.string ?? $0.value.text)
                }
            default:
                throw SettleError(
                    function: "external_response_error",
                    reason: "Invalid data from external server: {\(member.name), \(member.value.text)}"
                )
            }
        }
        let named = headers.first { $0.name.lowercased() == "content-type" }
        contentType = named?.value ?? usualType
        // What frames the message is the server's, not the function's.
        let framing: Set = ["content-type", "content-length", "transfer-encoding", "connection"]
        headers.removeAll { field in
            framing.contains(field.name.lowercased()) || field.name.isEmpty
                || (field.name + field.value).utf8.contains { $0 < 0x20 || $0 == 0x7F }
        }
    }

    package static func == (left: FunctionResponse, right: FunctionResponse) -> Bool {
        left.status == right.status && left.contentType == right.contentType && left.body == right.body
            && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }
}
