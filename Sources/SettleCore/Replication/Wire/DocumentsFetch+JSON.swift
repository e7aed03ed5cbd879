// `_bulk_get` and `open_revs`: documents by id and revision.
//
//     {"docs":[{"id":"a","rev":"2-…"},…]}
//     {"results":[{"id":"a","docs":[{"ok":{"_id":"a",…}}]},{"id":"b","docs":[{"error":{"error":"not_found",…}}]}]}
//
//     GET /db/a?open_revs=["2-…"]      →      [{"ok":{"_id":"a",…}},{"missing":"2-…"}]
//
// The answers are not turned into trees: each document is checked, found to have attachments or not, and stays a slice of
// the answer. The subtle thing: `latest=true` lets a source answer with newer revisions than the one asked for, so one
// question can have several answers; answers are matched by their place, not by their revision.

/// The questions and answers of `_bulk_get` and `open_revs`.
package enum DocumentsFetch {
    /// The body that asks for some revisions.
    package static func question(_ wanted: [WantedRevision]) -> [UInt8] {
        var body = Array(#"{"docs":["#.utf8)
        body.reserveCapacity(wanted.count * 80)
        for (index, item) in wanted.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            open(item, to: &body)
            body.append(UInt8(ascii: "}"))
        }
        body.append(contentsOf: "]}".utf8)
        return body
    }

    /// The body that asks for some revisions with their attachments, but for those that the target has.
    ///
    /// That is `atts_since` for what its ancestors have. A source that shows SHA-256s also understands `atts_held`, and
    /// sends stubs instead of content that is held.
    package static func question(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) -> [UInt8] {
        var body = Array(#"{"docs":["#.utf8)
        for (index, question) in questions.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            open(question.wanted, to: &body)
            if !question.wanted.ancestors.isEmpty {
                body.append(contentsOf: #","atts_since":["#.utf8)
                for (index, ancestor) in question.wanted.ancestors.enumerated() {
                    if index > 0 { body.append(UInt8(ascii: ",")) }
                    ancestor.appendJSON(to: &body)
                }
                body.append(UInt8(ascii: "]"))
            }
            let held = Set(question.shown.map(\.blob)).intersection(held).sorted()
            if !held.isEmpty {
                body.append(contentsOf: #","atts_held":"#.utf8)
                ContentKeys.append(held, to: &body)
            }
            body.append(UInt8(ascii: "}"))
        }
        body.append(contentsOf: "]}".utf8)
        return body
    }

    private static func open(_ wanted: WantedRevision, to body: inout [UInt8]) {
        body.append(contentsOf: #"{"id":"#.utf8)
        JSONText.appendString(wanted.id.bytes, to: &body)
        body.append(contentsOf: #","rev":"#.utf8)
        wanted.revision.appendJSON(to: &body)
    }

    /// What `_bulk_get` gave of the wanted revisions.
    package static func answer(json text: [UInt8], to wanted: [WantedRevision]) throws(PeerFailure)
        -> FetchAnswer
    {
        var answer = FetchAnswer()
        answer.documents.reserveCapacity(wanted.count)
        var (index, isInOrder) = (0, true)
        try PeerFailure.reading("_bulk_get") { () throws(JSONError) in
            var reader = JSONReader(text)
            guard try reader.enterObject() else { return }
            while try reader.nextMember() {
                guard reader.nameIs("results"), try reader.enterArray() else { continue }
                while try reader.nextElement() {
                    guard try reader.enterObject(), index < wanted.count else { continue }
                    while try reader.nextMember() {
                        if reader.nameIs("id") {
                            isInOrder = try reader.stringBytes() == wanted[index].id.bytes && isInOrder
                        } else if reader.nameIs("docs"), try reader.enterArray() {
                            while try reader.nextElement() {
                                try read(&reader, index, wanted[index], into: &answer)
                            }
                        }
                    }
                    index += 1
                }
            }
            try reader.finish()
        }
        guard index == wanted.count, isInOrder else { throw PeerFailure.senseless("_bulk_get") }
        return answer
    }

    /// What a GET with `open_revs` gave of one revision.
    package static func answer(openRevisions text: [UInt8], to wanted: WantedRevision) throws(PeerFailure)
        -> FetchAnswer
    {
        var answer = FetchAnswer()
        try PeerFailure.reading("open_revs") { () throws(JSONError) in
            var reader = JSONReader(text)
            guard try reader.enterArray() else { return }
            while try reader.nextElement() {
                try read(&reader, 0, wanted, into: &answer)
            }
            try reader.finish()
        }
        if answer == FetchAnswer() { answer.missing = [0] }
        return answer
    }

    /// Reads `{"ok":document}`, `{"missing":revision}` or `{"error":{…}}`.
    private static func read(
        _ reader: inout JSONReader,
        _ index: Int,
        _ wanted: WantedRevision,
        into answer: inout FetchAnswer
    ) throws(JSONError) {
        guard try reader.enterObject() else { return }
        while try reader.nextMember() {
            if reader.nameIs("ok") {
                if let document = try FetchedDocument(&reader, wanted) { answer.documents.append(document) }
            } else if reader.nameIs("missing") {
                answer.missing.append(index)
            } else if reader.nameIs("error") {
                let error = try reader.value()
                let name = error["error"]?.string ?? "unknown_error"
                if name == "not_found" {
                    answer.missing.append(index)
                } else {
                    let reason = error["reason"]?.string ?? name
                    answer.refused.append(.init(index: index, name: name, reason: reason))
                }
            }
        }
    }
}

extension FetchedDocument {
    /// Reads the document that comes next, without taking it apart; nil if it is no object.
    fileprivate init?(_ reader: inout JSONReader, _ wanted: WantedRevision) throws(JSONError) {
        _ = try reader.kind()
        let start = reader.scanner.position
        guard try reader.enterObject() else { return nil }
        var attachments: [ShownAttachment] = []
        while try reader.nextMember() {
            guard reader.nameIs("_attachments"), try reader.enterObject() else { continue }
            while try reader.nextMember() {
                let name = reader.nameBytes
                let entry = try reader.value().object ?? [:]
                attachments.append(ShownAttachment(name: name, entry))
            }
        }
        self.init(
            id: wanted.id,
            revision: wanted.revision,
            json: reader.input[start..<reader.scanner.position],
            attachments: attachments
        )
    }
}
