extension FunctionQuestion where Answer == EmittedRows {
    /// What all map functions of a program emit for documents, which are JSON texts.
    ///
    /// The program is one of ``FunctionProgram/init(maps:reduces:library:scope:)``. The rows come document by document, and for one document map by map (the row's `tree`). A document that a
    /// function fails on has no rows of that function; the failure is logged.
    package static func map(_ documents: [[UInt8]]) -> Self {
        var request = FunctionRequest("map", capacity: documents.reduce(64) { $0 + $1.count + 1 })
        request.append(array: documents)
        let count = documents.count
        return FunctionQuestion(request: request.finish()) { (answer) throws(SettleError) in
            try EmittedRows(answer: answer, documentCount: count)
        }
    }
}

extension FunctionQuestion where Answer == [ReduceAnswer] {
    /// What some of a program's reduce functions make of groups of rows: one answer for each group.
    package static func reduce(_ batch: ReduceBatch) -> Self {
        reductions(batch.request, lengths: batch.lineLengths, functions: batch.functions.count)
    }

    /// What some of a program's reduce functions make of groups of their own reductions: one answer for each group.
    package static func rereduce(_ batch: RereduceBatch) -> Self {
        reductions(batch.request, lengths: batch.lineLengths, functions: batch.functions.count)
    }

    private static func reductions(_ request: [UInt8], lengths: [Int], functions: Int) -> Self {
        FunctionQuestion(request: request) { (answer) throws(SettleError) in
            try ReduceAnswer.read(answer, lengths: lengths, functions: functions)
        }
    }
}

extension FunctionQuestion where Answer == Void {
    /// Whether a source compiles to a function.
    ///
    /// Reading throws CouchDB's `compilation_error`, or `not_found` for an empty source, unless it does. The program is
    /// of no importance: ``FunctionProgram/empty``.
    package static func compile(_ source: [UInt8]) -> Self {
        var request = FunctionRequest("compile", capacity: source.count + 16)
        request.append(string: source)
        return FunctionQuestion(request: request.finish()) { (_) throws(SettleError) in }
    }
}

extension EmittedRows {
    /// Reads `[[rows of the first map, rows of the second, …] for each document]`, where a row is `[key, value]`.
    init(answer: [UInt8], documentCount: Int) throws(SettleError) {
        do throws(JSONError) {
            try self.init(reading: answer, documentCount: documentCount)
        } catch {
            guard error.problem == .loneSurrogate else { throw .unreadableAnswer }
            let whole = JSONText.replacingLoneSurrogates(in: answer)
            do throws(JSONError) {
                try self.init(reading: whole, documentCount: documentCount)
            } catch {
                throw .unreadableAnswer
            }
        }
    }

    private init(reading answer: [UInt8], documentCount: Int) throws(JSONError) {
        var reader = JSONReader(answer)
        var rows: [Row] = []
        rows.reserveCapacity(documentCount * 2)
        var document = 0
        guard try reader.enterArray() else { throw JSONError(offset: 0, problem: .unexpectedByte) }
        while try reader.nextElement() {
            guard document < documentCount, try reader.enterArray() else {
                throw JSONError(offset: 0, problem: .unexpectedByte)
            }
            var tree = 0
            while try reader.nextElement() {
                // A program that breaks `JSON` has whatever else stands here for itself.
                guard try reader.enterArray() else { continue }
                while try reader.nextElement() {
                    guard try reader.enterArray() else { continue }
                    var key: Range<Int>?
                    var value: Range<Int>?
                    while try reader.nextElement() {
                        let range = try reader.skip()
                        if key == nil { key = range } else if value == nil { value = range }
                    }
                    guard let key, let value else { continue }
                    rows.append(Row(document: document, tree: tree, key: key, value: value))
                }
                tree += 1
            }
            document += 1
        }
        guard document == documentCount else { throw JSONError(offset: 0, problem: .unexpectedEnd) }
        try reader.finish()
        self.init(text: answer, rows: rows)
    }
}
