extension IndexNode {
    /// The first item, from `start` on, whose key is `key` or greater; `count` if there is none.
    func lowerBound(_ key: Span<UInt8>, from start: Int = 0) -> Int {
        let node = bytes.span
        let shared = prefix
        switch ByteOrder.compareStart(key, node.extracting(shared)) {
        case .less: return start
        case .greater: return count
        case .equal: break
        }
        let rest = key.extracting(shared.count..<key.count)
        var low = start
        var high = count
        while low < high {
            let middle = (low &+ high) >> 1
            if ByteOrder.isLess(node.extracting(suffix(middle)), rest) {
                low = middle &+ 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// The same, for a place that is likely near `start`.
    func lowerBound(_ key: Span<UInt8>, near start: Int) -> Int {
        var step = 1
        var low = start
        // Gallop to a window whose end is not less, then search it.
        while low + step < count, isKey(low + step, lessThan: key) {
            low += step
            step *= 2
        }
        var high = min(low + step, count)
        while low < high {
            let middle = (low &+ high) >> 1
            if isKey(middle, lessThan: key) { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// The child of this inner node under which a row of `key` belongs.
    func child(for key: Span<UInt8>) -> Int {
        let node = bytes.span
        let shared = prefix
        switch ByteOrder.compareStart(key, node.extracting(shared)) {
        case .less: return 0
        case .greater: return count - 1
        case .equal: break
        }
        let rest = key.extracting(shared.count..<key.count)
        // The last child, after the first, whose separator is not greater.
        var low = 1
        var high = count
        while low < high {
            let middle = (low &+ high) >> 1
            if ByteOrder.isLess(rest, node.extracting(suffix(middle))) {
                high = middle
            } else {
                low = middle &+ 1
            }
        }
        return low - 1
    }

    /// The last child of this inner node that can have a row less than `end`.
    func child(before end: Span<UInt8>) -> Int {
        // The separators after the first that are less than the end; one equal to it has only rows beyond.
        lowerBound(end, from: 1) - 1
    }

    /// Whether an item's key is less than `key`.
    func isKey(_ index: Int, lessThan key: Span<UInt8>) -> Bool {
        let node = bytes.span
        let shared = prefix
        switch ByteOrder.compareStart(key, node.extracting(shared)) {
        case .less: return false
        case .greater: return true
        case .equal: break
        }
        return ByteOrder.isLess(
            node.extracting(suffix(index)),
            key.extracting(shared.count..<key.count)
        )
    }

    /// Whether an item's key is `key`.
    func isKey(_ index: Int, equalTo key: Span<UInt8>) -> Bool {
        let shared = prefix
        let rest = suffix(index)
        guard shared.count + rest.count == key.count else { return false }
        let node = bytes.span
        return ByteOrder.sharedLength(key, node.extracting(shared), limit: .max) == shared.count
            && ByteOrder.sharedLength(
                key.extracting(shared.count..<key.count),
                node.extracting(rest),
                limit: .max
            ) == rest.count
    }
}

/// Byte strings in order: byte by byte, a shorter one before its continuations.
enum ByteOrder {
    enum Order {
        case less, equal, greater
    }

    @inline(__always)
    static func isLess(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        let shared = min(left.count, right.count)
        for index in 0..<shared {
            let one = left[index]
            let other = right[index]
            if one != other { return one < other }
        }
        return left.count < right.count
    }

    /// How the start of `bytes` compares to a prefix; fewer bytes than that are less unless they differ before.
    static func compareStart(_ bytes: Span<UInt8>, _ prefix: Span<UInt8>) -> Order {
        let shared = min(bytes.count, prefix.count)
        for index in 0..<shared where bytes[index] != prefix[index] {
            return bytes[index] < prefix[index] ? .less : .greater
        }
        return bytes.count < prefix.count ? .less : .equal
    }

    /// How many bytes both begin with, at most `limit`.
    static func sharedLength(_ left: Span<UInt8>, _ right: Span<UInt8>, limit: Int) -> Int {
        let most = min(limit, min(left.count, right.count))
        var length = 0
        while length < most, left[length] == right[length] { length &+= 1 }
        return length
    }
}
