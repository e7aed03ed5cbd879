/// The keys that groups of rows are shown under.
package enum GroupKey {
    /// The JSON text of a key cut to its first `level` elements; of one that is no array, all of it.
    package static func text(_ key: ArraySlice<UInt8>, level: Int) -> [UInt8] {
        guard level < .max, key.first == UInt8(ascii: "[") else { return Array(key) }
        var reader = JSONReader(Array(key))
        var text: [UInt8] = [UInt8(ascii: "[")]
        do throws(JSONError) {
            guard try reader.enterArray() else { return Array(key) }
            var count = 0
            while count < level, try reader.nextElement() {
                if count > 0 { text.append(UInt8(ascii: ",")) }
                text.append(contentsOf: reader.input[try reader.skip()])
                count += 1
            }
        } catch {
            // Rows hold valid JSON only.
            return Array(key)
        }
        text.append(UInt8(ascii: "]"))
        return text
    }
}
