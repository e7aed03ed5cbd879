// What it costs to make view keys sortable: processor time per key.
//
//     swift run -c release SettleBenchmarks collation

import SettleCollation
import SettleCore

enum CollationBenchmark {
    static func main() throws {
        let count = 1_000_000
        let (table, icu) = (try ICUCollator.shared, try ICUCollator(usesASCIITable: false))
        let words = (0..<1_000).map { "Customer \($0 * 7_919 % 100_000)" }
        let names = (0..<1_000).map { "Väinö Ahonen \($0 * 7_919 % 100_000)" }
        try measure("ASCII strings of 14, through the table", count, words.map { "\"\($0)\"" }, table)
        try measure("ASCII strings of 14, through ICU", count, words.map { "\"\($0)\"" }, icu)
        try measure("strings of 18 with accents", count, names.map { "\"\($0)\"" }, table)
        try measure("integers", count, (0..<1_000).map { "\($0 * 7_919 % 100_000)" }, table)
        try measure("doubles", count, (0..<1_000).map { "\(Double($0 * 7_919 % 100_000) / 64)" }, table)
        try measure("[\"string\",2026,11,21]", count, words.map { "[\"\($0)\",2026,11,21]" }, table)
    }

    private static func measure(
        _ name: String,
        _ count: Int,
        _ values: [String],
        _ collator: ICUCollator
    ) throws {
        let texts = values.map { Array($0.utf8) }
        var key: [UInt8] = []
        try StoreBenchmark.measure("keys of \(name)", count) {
            for index in 0..<count {
                key.removeAll(keepingCapacity: true)
                try CollationKey.append(texts[index % texts.count], to: &key, collator: collator)
            }
        }
    }
}
