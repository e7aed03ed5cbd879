/// A number of JSON: an integer with all its digits, or a double.
///
/// `1` and `1.0` are different numbers here, as they are to CouchDB: they print differently and hash to different
/// revisions.
public struct JSONNumber: Hashable, Sendable {
    /// The three forms; which one a number has follows from its value, so equal numbers have equal storage.
    package enum Storage: Hashable, Sendable {
        /// An integer of 64 bits.
        case integer(Int64)
        /// An integer beyond 64 bits: its digits, after a `-` if it is negative.
        case bigInteger([UInt8])
        /// A number with a point or an exponent.
        case double(Double)
    }

    package let storage: Storage

    package init(storage: Storage) {
        self.storage = storage
    }

    /// An integer.
    public init(_ value: some BinaryInteger) {
        if let value = Int64(exactly: value) {
            storage = .integer(value)
        } else {
            storage = .bigInteger(Array(String(value).utf8))
        }
    }

    /// A double, which prints with a point or an exponent even if it is whole.
    public init(_ value: Double) {
        storage = .double(value)
    }

    /// The value if this is an integer of 64 bits.
    public var int64: Int64? {
        switch storage {
        case .integer(let value): value
        case .bigInteger, .double: nil
        }
    }

    /// Whether this is an integer, however large.
    public var isInteger: Bool {
        if case .double = storage { false } else { true }
    }

    /// The nearest double; infinite for an integer beyond them all.
    public var double: Double {
        switch storage {
        case .integer(let value): Double(value)
        case .bigInteger(let text): Double(String(decoding: text, as: UTF8.self)) ?? .infinity
        case .double(let value): value
        }
    }

    /// Appends the number as CouchDB prints it.
    package func append(to output: inout [UInt8]) {
        switch storage {
        case .integer(let value): JSONText.appendInteger(value, to: &output)
        case .bigInteger(let text): output.append(contentsOf: text)
        case .double(let value): JSONText.appendDouble(value, to: &output)
        }
    }
}

extension JSONNumber {
    /// The number that a scanner moved over.
    init(_ token: JSONNumberToken, in scanner: JSONScanner) {
        if let value = token.int64 {
            storage = .integer(value)
        } else if token.isInteger {
            storage = .bigInteger(Array(scanner.input[token.range]))
        } else {
            storage = .double(scanner.double(token))
        }
    }
}
