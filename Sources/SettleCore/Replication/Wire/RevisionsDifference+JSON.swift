// `_revs_diff`: which revisions does the other side lack?
//
//     {"a":["3-…","2-…"],"b":["1-…"]}      →      {"a":{"missing":["3-…"],"possible_ancestors":["2-…"]}}

/// The question and the answer of `_revs_diff`.
package enum RevisionsDifference {
    /// The body that asks about some rows.
    package static func question(_ rows: [ChangedDocument]) -> [UInt8] {
        var body: [UInt8] = [UInt8(ascii: "{")]
        body.reserveCapacity(rows.count * 64)
        // A document can stand in two rows of a page where it changed in between; an object names it once.
        var merged: [DocumentID: [RevisionID]] = [:]
        for row in rows { merged[row.id, default: []] += row.revisions }
        for row in rows {
            guard let revisions = merged.removeValue(forKey: row.id) else { continue }
            if body.count > 1 { body.append(UInt8(ascii: ",")) }
            JSONText.appendString(row.id.bytes, to: &body)
            body.append(contentsOf: ":[".utf8)
            for (index, revision) in revisions.enumerated() {
                if index > 0 { body.append(UInt8(ascii: ",")) }
                revision.appendJSON(to: &body)
            }
            body.append(UInt8(ascii: "]"))
        }
        body.append(UInt8(ascii: "}"))
        return body
    }

    /// What is missing, according to an answer.
    package static func missing(json text: [UInt8]) throws(PeerFailure) -> [WantedRevision] {
        // An answer that has nothing to say about revisions must not pass for "nothing is missing".
        var makesSense = true
        let wanted = try PeerFailure.reading("_revs_diff") { () throws(JSONError) in
            var wanted: [WantedRevision] = []
            var reader = JSONReader(text)
            guard try reader.enterObject() else {
                makesSense = false
                return wanted
            }
            while try reader.nextMember() {
                let id = DocumentID(bytes: reader.nameBytes)
                var (missing, ancestors): ([RevisionID], [RevisionID]) = ([], [])
                guard try reader.enterObject() else {
                    makesSense = false
                    continue
                }
                while try reader.nextMember() {
                    if reader.nameIs("missing") {
                        missing = try reader.revisions()
                    } else if reader.nameIs("possible_ancestors") {
                        ancestors = try reader.revisions()
                    }
                }
                wanted += missing.map { WantedRevision(id: id, revision: $0, ancestors: ancestors) }
            }
            try reader.finish()
            return wanted
        }
        guard makesSense else { throw PeerFailure.senseless("_revs_diff") }
        return wanted
    }
}

extension JSONReader {
    /// Reads an array of revisions; what isn't one is passed over.
    fileprivate mutating func revisions() throws(JSONError) -> [RevisionID] {
        var revisions: [RevisionID] = []
        guard try enterArray() else { return revisions }
        while try nextElement() {
            if let text = try stringBytes(), let revision = RevisionID(text: text) {
                revisions.append(revision)
            }
        }
        return revisions
    }
}

extension RevisionID {
    /// Appends the revision as a JSON string.
    package func appendJSON(to output: inout [UInt8]) {
        if digest.other == nil {
            output.append(UInt8(ascii: "\""))
            append(to: &output)
            output.append(UInt8(ascii: "\""))
        } else {
            var text: [UInt8] = []
            append(to: &text)
            JSONText.appendString(text, to: &output)
        }
    }
}
