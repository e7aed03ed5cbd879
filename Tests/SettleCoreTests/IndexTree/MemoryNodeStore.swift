import SettleCore

/// Nodes in a dictionary, which notices what a store would suffer from.
struct MemoryNodeStore: NodeStore {
    var nodes: [UInt64: [UInt8]] = [:]
    private var next: UInt64 = 1
    private(set) var reads = 0
    private(set) var writes = 0
    /// What was done wrong: nodes freed twice, or written without having been allocated.
    private(set) var faults = 0
    private var allocated: Set<UInt64> = []

    func node(_ number: UInt64) throws(SettleError) -> [UInt8] {
        guard let node = nodes[number] else { throw SettleError(.internalError, "no node \(number)") }
        return node
    }

    mutating func allocate() -> UInt64 {
        next += 1
        allocated.insert(next)
        return next
    }

    mutating func put(_ node: [UInt8], at number: UInt64) {
        if !allocated.contains(number) { faults += 1 }
        writes += 1
        nodes[number] = node
    }

    mutating func free(_ number: UInt64) {
        if nodes.removeValue(forKey: number) == nil { faults += 1 }
        allocated.remove(number)
    }
}

/// Two functions: how many rows there are with their keys in order, and all payloads one after the other.
///
/// The second does not shrink, so that it shows what was reduced, and in which order.
struct TracingReducer: NodeReducer {
    let functionCount = 2
    var calls = 0

    mutating func reduce(_ runs: [RowRun], function: Int) -> [[UInt8]] {
        calls += 1
        return runs.map { run in
            if function == 0 { return Array(String(run.count).utf8) }
            return (0..<run.count).flatMap { run[$0].payload.prefix(2) }
        }
    }

    mutating func rereduce(_ groups: [ReductionGroup], function: Int) throws(SettleError) -> [[UInt8]] {
        calls += 1
        return try groups.map { (group) throws(SettleError) in
            let group = try group.reductions()
            if function == 1 { return group.flatMap { $0 } }
            let counts = group.map { Int(String(decoding: $0, as: UTF8.self)) ?? -1_000_000 }
            return Array(String(counts.reduce(0, +)).utf8)
        }
    }
}
