// A multipart body as a list of parts, each `{"headers": …, "json" | "parts" | "text" | "base64": …}`.

import SettleCore

enum MultipartBody {
    /// The part headers that are compared.
    private static let comparedHeaders = [
        "Content-Type", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Range",
        "X-Doc-Id",
        "X-Rev-Id",
    ]

    static func parts(_ body: [UInt8], contentType: String) -> [JSONValue]? {
        guard let boundary = contentType.firstMatch(of: /boundary="?([^";]+)/)?.1 else { return nil }
        let lineEnd = Array("\r\n".utf8)
        let separator = lineEnd + Array("--\(boundary)".utf8)
        let chunks = (lineEnd + body).split(
            separator: separator,
            maxSplits: .max,
            omittingEmptySubsequences: false
        )
        var parts: [JSONValue] = []
        for chunk in chunks.dropFirst() {
            if chunk.starts(with: "--".utf8) { break }
            guard let part = part(chunk.starts(with: lineEnd) ? chunk.dropFirst(2) : chunk) else {
                return nil
            }
            parts.append(part)
        }
        return parts
    }

    private static func part(_ bytes: ArraySlice<UInt8>) -> JSONValue? {
        let pieces = bytes.split(
            separator: Array("\r\n\r\n".utf8),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let content = pieces.count == 2 ? Array(pieces[1]) : []
        var all: [String: String] = [:]
        for line in pieces[0].split(separator: Array("\r\n".utf8)) {
            let pair = line.split(
                separator: UInt8(ascii: ":"),
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let texts = pair.map { String(decoding: $0, as: UTF8.self).trimmingPrefix(while: \.isWhitespace) }
            all[texts[0].lowercased()] = texts.count == 2 ? String(texts[1]) : ""
        }
        let type = all["content-type"] ?? ""
        var headers = comparedHeaders.compactMap { name in
            all[name.lowercased()].map { (name, JSONValue.string(Normalisation.header(name, $0))) }
        }
        let body: (name: String, value: JSONValue)
        if type.hasPrefix("multipart/") {
            guard let inner = parts(content, contentType: type) else { return nil }
            body = ("parts", .array(inner))
        } else if type.hasPrefix("application/json") {
            guard let value = try? JSONValue(parsingVisibly: content) else { return nil }
            headers.removeAll { $0.0 == "Content-Length" }
            body = ("json", value)
        } else {
            let plain = ComparableAnswer.undecoded(content)
            body = (plain.kind.rawValue, plain.value)
        }
        return .object(JSONObject([("headers", .object(JSONObject(headers))), body]))
    }
}
