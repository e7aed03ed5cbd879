import Settle
import SettleCore

/// One query of a view, with everything decided that can be before rows are read.
struct ViewRequest: Sendable {
    let view: View
    let query: ViewQuery
    let shape: ViewQuery.Shape
    /// What is read, in the order of reading.
    let ranges: [IndexRange]

    /// Decides what a query of a view comes to.
    ///
    /// - Throws: the query's contradictions, in CouchDB's words.
    init(_ view: View, _ query: ViewQuery) throws(SettleError) {
        self.view = view
        self.query = query
        shape = try query.shape(hasReduce: view.hasReduce)
        ranges = try query.ranges { key throws(SettleError) in try view.collationKey(of: key.bytes) }
    }

    /// Whether rows are reduced by functions that run elsewhere: not something to wait for on an event loop.
    var mayBlock: Bool { shape != .rows && view.reducesInEngine }

    /// Whether an index of the design document's former self may answer while the present one was never built.
    var acceptsPredecessor: Bool { query.update != .before }

    /// Appends `"update_seq":"…",` if it was asked for.
    func appendSequence(_ sequence: UInt64, to output: inout [UInt8]) throws(SettleError) {
        guard query.includesSequence else { return }
        let token = try view.index.database.read { snapshot in snapshot.sequenceToken(sequence) }
        output.append(contentsOf: #""update_seq":"\#(token)","#.utf8)
    }
}
