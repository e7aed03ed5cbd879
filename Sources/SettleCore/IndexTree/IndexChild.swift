/// A node as its parent knows it.
struct IndexChild: Sendable, Hashable {
    /// Every row below it is equal or greater, every row before it is less.
    var separator: [UInt8]
    var number: UInt64
    /// How many rows are below it.
    var rowCount: Int
    /// One reduction per function, each after its length.
    var reductions: [UInt8]

    /// Appends what an inner node keeps beside the separator.
    func appendPayload(to output: inout [UInt8]) {
        appendVarint(number, to: &output)
        appendVarint(UInt64(rowCount), to: &output)
        output.append(contentsOf: reductions)
    }

    /// Puts reductions one after the other, each after its length.
    static func joined(_ reductions: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for reduction in reductions {
            appendVarint(UInt64(reduction.count), to: &bytes)
            bytes.append(contentsOf: reduction)
        }
        return bytes
    }

    /// Where one of the reductions is that stand one after the other in a range of `bytes`.
    static func reduction(
        _ function: Int,
        of bytes: [UInt8],
        in range: Range<Int>
    ) throws(SettleError) -> Range<Int> {
        var position = range.lowerBound
        for index in 0...function {
            guard let length = readVarint(bytes, at: &position), position <= range.upperBound,
                length <= UInt64(range.upperBound - position)
            else { throw .damagedIndex }
            guard index < function else { return position..<position + Int(length) }
            position += Int(length)
        }
        throw .damagedIndex
    }
}

extension IndexNode {
    /// The number of a child of this inner node, how many rows are below it, and where its reductions stand.
    func child(_ index: Int) throws(SettleError) -> (number: UInt64, rowCount: Int, reductions: Range<Int>) {
        let payload = payload(index)
        var position = payload.lowerBound
        guard isInner, let number = readVarint(bytes, at: &position),
            // Sums over a node's children can't overflow: no index has 2^40 rows.
            let rowCount = readVarint(bytes, at: &position).flatMap({ Int(exactly: $0) }), rowCount < 1 << 40,
            position <= payload.upperBound
        else { throw .damagedIndex }
        return (number, rowCount, position..<payload.upperBound)
    }

    /// How many rows are below this node.
    func rowCount() throws(SettleError) -> Int {
        guard isInner else { return count }
        var rows = 0
        for index in 0..<count { rows += try child(index).rowCount }
        return rows
    }
}
