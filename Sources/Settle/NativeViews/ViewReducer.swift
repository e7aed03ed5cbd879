import SettleCore

/// How the values of a view's rows become one.
public struct ViewReducer<Value: Codable & Sendable, Reduced: Codable & Sendable>: Sendable {
    /// The name of a built-in function, or what stands for a closure.
    let source: [UInt8]
    let engine: (any ReduceEngine)?

    private init(builtIn name: String) {
        source = Array(name.utf8)
        engine = nil
    }

    /// A reducer of closures, which have to agree: reducing parts and then their results is reducing the whole.
    ///
    /// - Parameters:
    ///   - name: Names the reducer; no two of a database's may have one name and version.
    ///   - version: To be raised whenever the closures change.
    ///   - reduce: Reduces values, in the order of their keys.
    ///   - combine: Reduces what came of neighbouring parts.
    /// - Returns: The reducer.
    public static func closure(
        _ name: String,
        version: Int,
        reduce: @escaping @Sendable ([Value]) throws -> Reduced,
        combine: @escaping @Sendable ([Reduced]) throws -> Reduced
    ) -> ViewReducer {
        ViewReducer(
            source: Array("native:\(version):\(name)".utf8),
            engine: ClosureReducer(reduce: reduce, combine: combine)
        )
    }

    private init(source: [UInt8], engine: any ReduceEngine) {
        self.source = source
        self.engine = engine
    }
}

extension ViewReducer where Reduced == Int {
    /// How many rows there are.
    public static var count: ViewReducer { ViewReducer(builtIn: "_count") }

    /// About how many different keys there are, within two per cent or so.
    public static var approximateKeyCount: ViewReducer { ViewReducer(builtIn: "_approx_count_distinct") }
}

extension ViewReducer where Value: Numeric, Reduced == Value {
    /// The sum of the values.
    public static var sum: ViewReducer { ViewReducer(builtIn: "_sum") }
}

extension ViewReducer where Value: Numeric, Reduced == ViewStatistics {
    /// Sum, count, least, greatest, and sum of squares of the values.
    public static var statistics: ViewReducer { ViewReducer(builtIn: "_stats") }
}

extension ViewReducer where Reduced == Value {
    /// The value of the first row.
    public static var first: ViewReducer { ViewReducer(builtIn: "_first") }

    /// The value of the last row.
    public static var last: ViewReducer { ViewReducer(builtIn: "_last") }
}

extension ViewReducer where Reduced == [Value] {
    /// The greatest values, each once; `count` is 1 to 100.
    public static func greatest(_ count: Int) -> ViewReducer { ViewReducer(builtIn: "_top_\(count)") }

    /// The least values, each once; `count` is 1 to 100.
    public static func least(_ count: Int) -> ViewReducer { ViewReducer(builtIn: "_bottom_\(count)") }
}

/// What ``ViewReducer/statistics`` finds.
public struct ViewStatistics: Codable, Hashable, Sendable {
    /// The sum of the values.
    public var sum: Double
    /// How many there are.
    public var count: Int
    /// The least one.
    public var minimum: Double
    /// The greatest one.
    public var maximum: Double
    /// The sum of their squares.
    public var sumOfSquares: Double

    private enum CodingKeys: String, CodingKey {
        case sum, count
        case minimum = "min"
        case maximum = "max"
        case sumOfSquares = "sumsqr"
    }
}

/// Reduces by closures.
private struct ClosureReducer<Value: Decodable & Sendable, Reduced: Codable & Sendable>: ReduceEngine {
    let reduce: @Sendable ([Value]) throws -> Reduced
    let combine: @Sendable ([Reduced]) throws -> Reduced

    func reduce(_ runs: [RowRun], source: [UInt8]) throws(SettleError) -> [[UInt8]] {
        try reducing { () throws in
            try runs.map { run in
                let values = try (0..<run.count).map { index in
                    try JSONValue(parsing: Array(ViewRow(run[index].payload).value)).decoded(as: Value.self)
                }
                return try JSONValue(encoding: try reduce(values)).bytes
            }
        }
    }

    func rereduce(_ groups: [ReductionGroup], source: [UInt8]) throws(SettleError) -> [[UInt8]] {
        try reducing { () throws in
            try groups.map { group in
                let parts = try group.reductions().map {
                    try JSONValue(parsing: Array($0)).decoded(as: Reduced.self)
                }
                return try JSONValue(encoding: try combine(parts)).bytes
            }
        }
    }

    private func reducing(_ body: () throws -> [[UInt8]]) throws(SettleError) -> [[UInt8]] {
        do {
            return try body()
        } catch let error as SettleError {
            throw error
        } catch {
            throw SettleError(.internalError, "A reducer failed: \(error)")
        }
    }
}
