// `/db/_local_docs`: local documents by id. They are few (checkpoints, mostly), so an answer is made at once.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET`, `POST /db/_local_docs`.
    func localDocuments(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        let query = try documentsQuery(request, .local)
        var body: [UInt8] = []
        try database.read { snapshot in try snapshot.appendLocalRows(query, to: &body) }
        body.append(UInt8(ascii: "\n"))
        return .now(Response(body: body))
    }

    /// Answers `POST /db/_local_docs/queries`.
    func postLocalDocumentsQueries(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        let queries = try documentsQueries(request, .local)
        var body = Array("{\"results\":[\n".utf8)
        try database.read { snapshot in
            for (position, query) in queries.enumerated() {
                if position > 0 { body.append(contentsOf: ",\n".utf8) }
                try snapshot.appendLocalRows(query, to: &body)
            }
        }
        body.append(contentsOf: "\n]}\n".utf8)
        return .now(Response(body: body))
    }
}

extension Snapshot {
    /// Appends the rows of a query, which knows neither total nor offset, as CouchDB doesn't.
    borrowing func appendLocalRows(_ query: AllDocumentsQuery, to output: inout [UInt8]) throws {
        output.append(contentsOf: #"{"total_rows":null,"offset":null"#.utf8)
        if query.includesSequence, query.keys != nil {
            output.append(contentsOf: #","update_seq":null"#.utf8)
        } else if query.includesSequence {
            output.append(contentsOf: #","update_seq":"\#(sequenceToken(try state.sequence))""#.utf8)
        }
        output.append(contentsOf: #","rows":["#.utf8)
        var rows = 0
        if let keys = query.keys {
            for key in (query.isDescending ? keys.reversed() : keys).dropFirst(query.skip).prefix(query.limit)
            {
                let id = key.string.map { DocumentID($0) }
                let document = try id.flatMap { try localDocument($0) }
                output.append(contentsOf: rows == 0 ? "\r\n".utf8 : ",\r\n".utf8)
                rows += 1
                if let id, let document {
                    Self.appendLocalRow(id, document, query, to: &output)
                } else {
                    output.append(contentsOf: #"{"key":"#.utf8)
                    key.append(to: &output)
                    output.append(contentsOf: #","error":"not_found"}"#.utf8)
                }
            }
        } else {
            try appendLocalRange(query, to: &output)
        }
        output.append(contentsOf: "\r\n]}".utf8)
    }

    private borrowing func appendLocalRange(_ query: AllDocumentsQuery, to output: inout [UInt8]) throws {
        let range = query.range
        let upper = range.upper ?? Array("_local0".utf8)
        guard !range.isEmpty else { return }
        var cursor = try localCursor()
        var found: Bool
        if query.isDescending {
            found = try cursor.seek(atLeast: DocumentID(bytes: upper)) ? cursor.previous() : cursor.last()
        } else {
            found = try cursor.seek(atLeast: DocumentID(bytes: range.lower))
        }
        var passed = 0
        while found, passed - query.skip < query.limit {
            let id = cursor.id
            let isPastEnd =
                query.isDescending
                ? id.bytes.lexicographicallyPrecedes(range.lower) : !id.bytes.lexicographicallyPrecedes(upper)
            if isPastEnd { break }
            if passed >= query.skip {
                output.append(contentsOf: passed == query.skip ? "\r\n".utf8 : ",\r\n".utf8)
                Self.appendLocalRow(id, try cursor.document(), query, to: &output)
            }
            passed += 1
            found = try query.isDescending ? cursor.previous() : cursor.next()
        }
    }

    private static func appendLocalRow(
        _ id: DocumentID,
        _ document: (revision: UInt64, body: [UInt8]),
        _ query: AllDocumentsQuery,
        to output: inout [UInt8]
    ) {
        output.append(contentsOf: #"{"id":"#.utf8)
        JSONText.appendString(id.bytes, to: &output)
        output.append(contentsOf: #","key":"#.utf8)
        JSONText.appendString(id.bytes, to: &output)
        output.append(contentsOf: #","value":{"rev":"0-\#(document.revision)"}"#.utf8)
        if query.includesDocuments {
            output.append(contentsOf: #","doc":"#.utf8)
            ServerCore.appendLocal(id, document.revision, document.body, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }
}
