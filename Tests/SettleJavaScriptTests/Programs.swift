import SettleCore

/// Programs and questions from sources, as tests write them.
enum Programs {
    static func views(_ maps: String..., reduces: [String] = [], library: String? = nil) -> FunctionProgram {
        FunctionProgram(
            maps: maps.map { Array($0.utf8) },
            reduces: reduces.map { Array($0.utf8) },
            library: library.map { Array($0.utf8) },
            scope: "test"
        )
    }

    static func design(_ members: JSONObject) -> FunctionProgram {
        var document = members
        document["_id"] = "_design/test"
        return FunctionProgram(designDocument: JSONValue.object(document).bytes, scope: "test")
    }
}

extension FunctionEngine {
    /// The rows of documents as `document/map key value` lines.
    func rows(of documents: [String], by program: FunctionProgram, seconds: Double = 5) throws -> [String] {
        let texts = documents.map { Array($0.utf8) }
        let emitted = try ask(.map(texts), of: program, limits: FunctionLimits(seconds: seconds))
        return emitted.rows.map { row in
            let key = String(decoding: emitted.text[row.key], as: UTF8.self)
            let value = String(decoding: emitted.text[row.value], as: UTF8.self)
            return "\(row.document)/\(row.tree) \(key) \(value)"
        }
    }
}
