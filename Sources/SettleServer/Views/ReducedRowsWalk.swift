import Settle
import SettleCore

/// Goes through the values that one query reduces a view's rows to.
struct ReducedRowsWalk: Sendable {
    private let request: ViewRequest
    private var ranges: [IndexRange]
    private var skip: Int
    private var remaining: Int
    private var hasBegun = false
    private var isFirst = true

    /// Groups that are reduced together.
    private static let batch = 256

    init(_ request: ViewRequest) {
        self.request = request
        ranges = request.ranges
        skip = request.query.skip
        remaining = request.query.limit
    }

    /// Appends rows until the output has a length; true when there are no more.
    mutating func go(until length: Int, _ output: inout [UInt8]) throws(SettleError) -> Bool {
        if !hasBegun {
            hasBegun = true
            output.append(UInt8(ascii: "{"))
            if request.query.includesSequence {
                let sequence = try request.view.read(acceptsPredecessor: request.acceptsPredecessor) {
                    snapshot in
                    snapshot.updateSequence
                }
                try request.appendSequence(sequence, to: &output)
            }
            output.append(contentsOf: #""rows":["#.utf8)
        }
        let level: Int?
        switch request.shape {
        case .level(let elements): level = elements
        case .exact: level = nil
        default: return try appendWhole(&output)
        }
        while remaining > 0, !ranges.isEmpty, output.count < length {
            let page = try request.view.groups(
                ranges,
                level: level,
                descending: request.query.isDescending,
                skip: skip,
                limit: min(remaining, Self.batch),
                acceptsPredecessor: request.acceptsPredecessor
            )
            for group in page.groups { append(key: group.key, value: group.value, &output) }
            remaining -= page.groups.count
            skip = 0
            ranges = page.rest
        }
        return remaining == 0 || ranges.isEmpty
    }

    private mutating func appendWhole(_ output: inout [UInt8]) throws(SettleError) -> Bool {
        guard remaining > 0, skip == 0, let range = ranges.first else { return true }
        let value = try request.view.reduction(of: range, acceptsPredecessor: request.acceptsPredecessor)
        if let value { append(key: Array("null".utf8), value: value, &output) }
        return true
    }

    private mutating func append(key: [UInt8], value: [UInt8], _ output: inout [UInt8]) {
        output.append(contentsOf: isFirst ? "\r\n{\"key\":".utf8 : ",\r\n{\"key\":".utf8)
        isFirst = false
        output.append(contentsOf: key)
        output.append(contentsOf: ",\"value\":".utf8)
        output.append(contentsOf: value)
        output.append(UInt8(ascii: "}"))
    }
}
