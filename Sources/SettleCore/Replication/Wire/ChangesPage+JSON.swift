// A page of `_changes`, and the body that narrows it.
//
//     {"results":[{"seq":"1-x","id":"a","changes":[{"rev":"2-…"}],"deleted":true},…],"last_seq":"9-x","pending":0}

extension ChangesPage {
    /// Reads an answer of `_changes`.
    package init(json text: [UInt8]) throws(PeerFailure) {
        var page = ChangesPage(lastSequence: .zero)
        var lastSequence: SourceSequence?
        var lastRow: Range<Int>?
        try PeerFailure.reading("_changes") { () throws(JSONError) in
            var reader = JSONReader(text)
            guard try reader.enterObject() else { return }
            while try reader.nextMember() {
                if reader.nameIs("results"), try reader.enterArray() {
                    while try reader.nextElement() {
                        guard let row = try ChangedDocument(&reader, sequence: &lastRow) else { continue }
                        page.rows.append(row)
                    }
                } else if reader.nameIs("last_seq") {
                    lastSequence = SourceSequence(json: Array(text[try reader.skip()]))
                } else if reader.nameIs("pending") {
                    page.pending = try reader.int()
                }
            }
            try reader.finish()
        }
        page.lastRowSequence = lastRow.map { SourceSequence(json: Array(text[$0])) }
        guard let end = lastSequence ?? page.lastRowSequence else { throw PeerFailure.senseless("_changes") }
        page.lastSequence = end
        self = page
    }
}

extension ChangedDocument {
    /// Reads the row that comes next, and where its sequence stands; nil if it is no row.
    fileprivate init?(_ reader: inout JSONReader, sequence: inout Range<Int>?) throws(JSONError) {
        guard try reader.enterObject() else { return nil }
        var id: [UInt8]?
        var revisions: [RevisionID] = []
        while try reader.nextMember() {
            if reader.nameIs("seq") {
                sequence = try reader.skip()
            } else if reader.nameIs("id") {
                id = try reader.stringBytes()
            } else if reader.nameIs("changes"), try reader.enterArray() {
                while try reader.nextElement() {
                    guard try reader.enterObject() else { continue }
                    while try reader.nextMember() {
                        if reader.nameIs("rev"), let text = try reader.stringBytes(),
                            let revision = RevisionID(text: text)
                        {
                            revisions.append(revision)
                        }
                    }
                }
            }
        }
        guard let id else { return nil }
        self.init(id: DocumentID(bytes: id), revisions: revisions)
    }
}

extension SourceSequence {
    /// The sequence as a query parameter's value, before percent-encoding: a plain string as it is, anything else as JSON.
    package var parameter: [UInt8] {
        let quote = UInt8(ascii: "\"")
        guard json.count > 2, json.first == quote, json.last == quote, !json.contains(UInt8(ascii: "\\"))
        else {
            return json
        }
        return Array(json.dropFirst().dropLast())
    }
}

extension ReplicationOptions.Selection {
    /// The query parameters that narrow `_changes`, and the body; a query without body is a GET.
    package var changesQuery: (parameters: [NamedText], body: [UInt8]?) {
        switch self {
        case .everything: return ([], nil)
        case .documents(let ids):
            var body = Array(#"{"doc_ids":"#.utf8)
            body.append(UInt8(ascii: "["))
            for (index, id) in ids.enumerated() {
                if index > 0 { body.append(UInt8(ascii: ",")) }
                JSONText.appendString(id.bytes, to: &body)
            }
            body.append(contentsOf: "]}".utf8)
            return ([.init(name: "filter", value: "_doc_ids")], body)
        case .selector(let selector):
            let body = JSONValue.object(["selector": .object(selector)]).bytes
            return ([.init(name: "filter", value: "_selector")], body)
        case .filter(let name, let parameters):
            // Filters read text: a string is sent as it is, anything else as JSON.
            let more = parameters.members.map {
                NamedText(name: $0.name, value: $0.value.string ?? $0.value.text)
            }
            return ([.init(name: "filter", value: name)] + more, nil)
        }
    }
}

extension PeerFailure {
    /// Reads an answer, and turns what isn't JSON in it into a failure of the peer.
    static func reading<R>(_ what: String, _ body: () throws(JSONError) -> R) throws(PeerFailure) -> R {
        do {
            return try body()
        } catch {
            throw PeerFailure(
                .malformedAnswer,
                name: "bad_answer",
                reason: "The answer of \(what) is not JSON: \(error)"
            )
        }
    }

    /// An answer that is JSON, but not what was asked for.
    package static func senseless(_ what: String) -> PeerFailure {
        PeerFailure(
            .malformedAnswer,
            name: "bad_answer",
            reason: "\(what) answered something else than was asked for."
        )
    }
}
