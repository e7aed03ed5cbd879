/// `_top_N` and `_bottom_N`: the greatest or least values in the order of keys; of values that are equal in it, such as 1
/// and 1.0, the first.
struct RankedReducer {
    private let limit: Int
    private let isAscending: Bool
    private var ranked: [(key: [UInt8], text: ArraySlice<UInt8>)] = []

    init(limit: Int, isAscending: Bool) {
        self.limit = limit
        self.isAscending = isAscending
    }

    /// Takes a value and its collation key.
    mutating func add(_ text: ArraySlice<UInt8>, key: [UInt8]) {
        var low = 0
        var high = ranked.count
        while low < high {
            let middle = (low + high) / 2
            if ranked[middle].key == key { return }
            if ranked[middle].key.lexicographicallyPrecedes(key) == isAscending {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < limit else { return }
        ranked.insert((key, text), at: low)
        if ranked.count > limit { ranked.removeLast() }
    }

    /// A JSON array of the values, the greatest or least first.
    var reduction: [UInt8] {
        var text: [UInt8] = [0x5B]
        for (index, value) in ranked.enumerated() {
            if index > 0 { text.append(0x2C) }
            text.append(contentsOf: value.text)
        }
        text.append(0x5D)
        return text
    }
}
