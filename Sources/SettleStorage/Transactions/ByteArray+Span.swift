extension Array where Element == UInt8 {
    /// A copy of the bytes of `span`.
    package init(_ span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Appends a copy of the bytes of `span`.
    package mutating func append(_ span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

extension Span<UInt8> {
    /// Whether these are the bytes of `bytes`.
    package func isEqual(to bytes: [UInt8]) -> Bool {
        count == bytes.count && hasPrefix(bytes)
    }

    /// Whether these bytes begin with those of `prefix`.
    package func hasPrefix(_ prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}
