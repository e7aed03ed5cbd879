// Mapping several batches at once, and handing their rows over in the order the batches came.
//
//     reader thread:   batch 1 ─► batch 2 ─► batch 3 ─► (waits for 1) ─► rows of 1 ─► batch 4 …
//     mapper threads:        map, sort keys        map, sort keys

import SettleCore
import SettleStorage

/// The batches of one pass that are being mapped.
struct MapPipeline {
    private let source: ViewSource
    private let collator: any StringCollator
    private var pending: [Awaited<EncodedRows>] = []
    private let depth = Clock.coreCount + 1
    private(set) var batch = DocumentBatch()

    init(_ source: ViewSource, collator: any StringCollator) {
        self.source = source
        self.collator = collator
    }

    /// Adds documents with `body`; the rows of earlier ones are delivered when there are enough under way.
    mutating func add(
        _ body: (inout DocumentBatch) throws -> Void,
        deliver: (EncodedRows) throws -> Void
    ) throws {
        try body(&batch)
        guard batch.isFull else { return }
        try send(deliver)
    }

    /// Delivers everything that is still under way.
    mutating func finish(deliver: (EncodedRows) throws -> Void) throws {
        if batch.count > 0 { try send(deliver) }
        while !pending.isEmpty { try deliver(pending.removeFirst().value()) }
    }

    private mutating func send(_ deliver: (EncodedRows) throws -> Void) throws {
        if pending.count >= depth { try deliver(pending.removeFirst().value()) }
        let awaited = Awaited<EncodedRows>()
        pending.append(awaited)
        let batch = self.batch
        self.batch = DocumentBatch()
        IndexThreads.mappers.submit { [source, collator] in
            awaited.settle(Result { () throws(SettleError) in try source.rows(of: batch, collator) })
        }
    }
}

extension ViewSource {
    /// Maps a batch and encodes its rows.
    fileprivate func rows(
        of batch: DocumentBatch,
        _ collator: some StringCollator
    ) throws(SettleError) -> EncodedRows {
        guard let mapper else { throw Self.noEngine(group.language) }
        let emitted = batch.texts.isEmpty ? EmittedRows() : try mapper.map(batch.texts)
        var rows = try EncodedRows(
            emitted,
            ids: batch.ids,
            collations: group.trees.map(\.collation),
            collator: collator
        )
        for id in batch.gone { rows.append(withoutRows: id) }
        return rows
    }

    /// The error of a design document that nothing here can run.
    static func noEngine(_ language: String) -> SettleError {
        language == "javascript"
            ? SettleError(.notImplemented, "This view is JavaScript, and there is no JavaScript engine.")
            : SettleError(.unknownQueryLanguage, language)
    }
}
