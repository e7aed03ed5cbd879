import SettleTestSupport
import Testing

@testable import SettleStorage

@Suite("Sorting more than fits in memory")
struct RunSorterTests {
    private func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        // Few different bytes: many keys share long prefixes, and some are equal to the end of shorter ones.
        (0..<count).map { _ in [0, 1, 0x61, 0xFF].randomElement(using: &generator) ?? 0 }
    }

    @Test(
        "Rows come out in the order of their keys, from memory and from files",
        arguments: [200, 4000, 1 << 30]
    )
    func sorts(memoryLimit: Int) throws {
        let directory = TemporaryDirectory(mayBeKept: false)
        var generator = SeededGenerator(seed: 7)
        var sorter = RunSorter(count: 2, directory: directory.path, memoryLimit: memoryLimit)
        var expected: [[[UInt8]]] = [[], []]
        for number in 0..<400 {
            let list = Int.random(in: 0..<2, using: &generator)
            let key = bytes(Int.random(in: 0...20, using: &generator), &generator)
            let value = Array("\(number)".utf8)
            expected[list].append(key)
            try sorter.append(to: list, key: key[...], value: value[...])
        }
        for list in 0..<2 {
            var rows = try sorter.finish(list)
            var keys: [[UInt8]] = []
            while try rows.next() { keys.append(Array(rows.key)) }
            #expect(keys == expected[list].sorted { $0.lexicographicallyPrecedes($1) })
        }
        #expect(try FileSystem.list(directory.path).isEmpty)
    }

    @Test("Every row keeps its value, however long")
    func keepsValues() throws {
        let directory = TemporaryDirectory(mayBeKept: false)
        var sorter = RunSorter(count: 1, directory: directory.path, memoryLimit: 1 << 20)
        var generator = SeededGenerator(seed: 8)
        for number in (0..<300).shuffled(using: &generator) {
            let value = [UInt8](repeating: UInt8(number % 251), count: number * 97)
            try sorter.append(to: 0, key: [UInt8(number / 256), UInt8(number % 256)], value: value[...])
        }
        var rows = try sorter.finish(0)
        var number = 0
        while try rows.next() {
            #expect(Array(rows.key) == [UInt8(number / 256), UInt8(number % 256)])
            #expect(rows.value.count == number * 97)
            #expect(rows.value.allSatisfy { $0 == UInt8(number % 251) })
            number += 1
        }
        #expect(number == 300)
    }
}
