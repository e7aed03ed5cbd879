// A failing list of steps made short: what is left all matters.

/// Drops elements as long as what is left still fails; first large parts, then single ones.
///
/// - Parameters:
///   - elements: A list that fails.
///   - attempts: How many lists to try at most.
///   - fails: Whether a list fails.
/// - Returns: A part of the list, in its order, that fails.
func shrunk<Element>(
    _ elements: [Element],
    attempts: Int,
    fails: ([Element]) async throws -> Bool
) async rethrows -> [Element] {
    var elements = elements
    var left = attempts
    var size = max(elements.count / 2, 1)
    while true {
        var start = 0
        var hasShrunk = false
        while start < elements.count, left > 0 {
            left -= 1
            var shorter = elements
            shorter.removeSubrange(start..<min(start + size, elements.count))
            if try await fails(shorter) {
                elements = shorter
                hasShrunk = true
            } else {
                start += size
            }
        }
        if left == 0 || size == 1 && !hasShrunk { return elements }
        if !hasShrunk || size > 1 { size = max(size / 2, 1) }
    }
}
