// The form of an answer in which it is recorded and compared.
//
// Headers that carry meaning, and the body decoded as far as its type allows: JSON as a value, a feed as one value
// per line or event, a multipart body as its parts, anything else as text or base64. What differs from run to run is
// replaced on the way (`Normalisation`).

import SettleCore
import SettleTestSupport

struct ComparableAnswer: Sendable {
    enum BodyKind: String, CaseIterable {
        case json, lines, parts, text, base64
    }

    /// The headers that are compared, in the spelling of the recordings.
    static let comparedHeaders = [
        "Content-Type", "ETag", "Location", "Cache-Control", "Content-Range", "Accept-Ranges",
        "Content-Encoding",
        "Allow", "WWW-Authenticate", "Set-Cookie", "X-Couch-Update-NewRev",
    ]
    /// Of those, the ones that an answer may have although the recording has not.
    static let freeHeaders = ["ETag", "Content-Range", "Content-Encoding", "WWW-Authenticate"]

    var status: Int
    var headers: [String: String] = [:]
    var body: (kind: BodyKind, value: JSONValue)?

    /// What a scenario file says under `expect`.
    init(recorded: JSONValue) {
        status = recorded["status"]?.int ?? 0
        for header in recorded["headers"]?.members ?? [] {
            headers[header.name] = header.value.string
        }
        body = BodyKind.allCases.firstNonNil { kind in recorded[kind.rawValue].map { (kind, $0) } }
    }

    /// What a server answered to a step.
    init(_ answer: HTTPAnswer, to step: Step) {
        let hints = ComparisonHints(step.json["compare"])
        status = answer.status
        for name in Self.comparedHeaders + hints.headers {
            guard let value = answer.header(name) else { continue }
            headers[name] =
                hints.ignored.contains("header:\(name)") ? "<ignored>" : Normalisation.header(name, value)
        }
        guard step.json["method"]?.string != "HEAD", !answer.body.isEmpty else { return }
        let decoded = Self.decode(answer, feed: step.json["feed"]?.string, isRaw: hints.isRaw)
        guard decoded.kind != .text, decoded.kind != .base64 else {
            body = decoded
            return
        }
        let visible = decoded.value.replacing(at: hints.ignored) { _ in .string("<ignored>") }
        let normal = Normalisation.normalise(visible, exactSequences: hints.hasExactSequences)
        body = (decoded.kind, normal.replacing(at: hints.unordered, with: \.inCanonicalOrder))
    }
}

extension ComparableAnswer {
    private static func decode(
        _ answer: HTTPAnswer,
        feed: String?,
        isRaw: Bool
    ) -> (kind: BodyKind, value: JSONValue) {
        let type = answer.header("Content-Type") ?? ""
        if let feed {
            if let lines = Self.lines(answer.body, feed) { return (.lines, .array(lines)) }
        } else if type.hasPrefix("multipart/") {
            if let parts = MultipartBody.parts(answer.body, contentType: type) {
                return (.parts, .array(parts))
            }
        } else if !isRaw, isJSON(answer.body, type), let value = try? JSONValue(parsingVisibly: answer.body) {
            return (.json, value)
        }
        return undecoded(answer.body)
    }

    /// CouchDB calls JSON plain text when the client does not accept JSON.
    private static func isJSON(_ body: [UInt8], _ type: String) -> Bool {
        type.hasPrefix("application/json")
            || type.hasPrefix("text/plain")
                && (body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "["))
    }

    static func undecoded(_ bytes: [UInt8]) -> (kind: BodyKind, value: JSONValue) {
        if let text = String(validating: bytes, as: UTF8.self) { return (.text, .string(text)) }
        return (.base64, .string(Base64.encode(bytes)))
    }

    /// A continuous feed's values, or an event source's events; heartbeats are left out.
    private static func lines(_ body: [UInt8], _ feed: String) -> [JSONValue]? {
        guard let text = String(validating: body, as: UTF8.self) else { return nil }
        if feed == "continuous" {
            return try? text.utf8.split(separator: UInt8(ascii: "\n"))
                .filter { !$0.allSatisfy { byte in [0x20, 0x09, 0x0D].contains(byte) } }
                .map { try JSONValue(parsingVisibly: Array($0)) }
        }
        let events = text.replacing("\n\n", with: "\u{0}").split(separator: "\u{0}").compactMap(event)
        return events.contains(.null) ? nil : events
    }

    /// One event of an event source; nil for a heartbeat, null for one whose data is no JSON.
    private static func event(_ block: Substring) -> JSONValue? {
        var members: [(String, JSONValue)] = []
        for line in block.split(separator: "\n") {
            var name = String(line)
            var value = ""
            if let colon = line.firstRange(of: ": ") {
                name = String(line[..<colon.lowerBound])
                value = String(line[colon.upperBound...])
            } else {
                while name.hasSuffix(":") { name.removeLast() }
            }
            switch name {
            case "event" where value == "heartbeat":
                return nil
            case "data" where !value.isEmpty:
                guard let data = try? JSONValue(parsingVisibly: Array(value.utf8)) else { return .null }
                members.append((name, data))
            case "id":
                // CouchDB sends the sequence as a JSON string here, with its quotes.
                members.append(("seq", .string(value.replacing("\"", with: ""))))
            default:
                members.append((name, .string(value)))
            }
        }
        return members.isEmpty ? nil : .object(JSONObject(members))
    }
}

extension Sequence {
    /// The first answer that is one.
    func firstNonNil<T>(_ transform: (Element) throws -> T?) rethrows -> T? {
        for element in self {
            if let found = try transform(element) { return found }
        }
        return nil
    }
}
