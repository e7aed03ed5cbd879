// `_approx_count_distinct`: how many different keys there are, within two per cent or so, from two kilobytes.
//
// Every key is hashed. The hash's first eleven bits choose one of 2048 registers, which keeps the longest run of zeros
// that any of its hashes has had at the bits behind them. Long runs are rare, so they tell how many different hashes
// there must have been. Registers of two sketches join to those of both by taking the greater ones.
//
// As a reduction:  01 00, then per register that isn't zero: number (2 bytes), value        while that is shorter
//                  01 01, then six bits per register
//
// The subtle thing: the count is CouchDB's, digit for digit. So the hash is SHA-1, over the key's Erlang term, and the
// estimate is corrected by the same measured bias (`DistinctSketch+Bias.swift`).

import Crypto

/// The registers of a sketch.
struct DistinctSketch {
    static let registerCount = 2048

    private var registers = [UInt8](repeating: 0, count: registerCount)

    /// Adds a key, canonical JSON text.
    mutating func insert(key: ArraySlice<UInt8>) {
        var hash = Insecure.SHA1()
        hash.update(data: [131])
        hash.update(data: IncomingDocument.term(of: Array(key)))
        var word: UInt64 = 0
        for byte in hash.finalize().prefix(8) { word = word << 8 | UInt64(byte) }
        let register = Int(word >> 53)
        // Of a run that fills all 53 bits one can't know more.
        let zeros = min((word << 11).leadingZeroBitCount, 53)
        registers[register] = max(registers[register], UInt8(zeros + 1))
    }

    /// Joins with a sketch in the form of a reduction.
    mutating func join(_ reduction: ArraySlice<UInt8>) {
        let content = reduction.dropFirst(2)
        if reduction.dropFirst().first == 0 {
            var place = content.startIndex
            while place + 2 < content.endIndex {
                let register = (Int(content[place]) << 8 | Int(content[place + 1])) % Self.registerCount
                registers[register] = max(registers[register], content[place + 2])
                place += 3
            }
        } else {
            var place = content.startIndex
            var register = 0
            while place + 2 < content.endIndex, register + 3 < Self.registerCount {
                let word =
                    UInt32(content[place]) << 16 | UInt32(content[place + 1]) << 8
                    | UInt32(content[place + 2])
                for offset in 0..<4 {
                    let value = UInt8(truncatingIfNeeded: word >> (18 - 6 * UInt32(offset)) & 63)
                    registers[register + offset] = max(registers[register + offset], value)
                }
                place += 3
                register += 4
            }
        }
    }

    /// The sketch as a reduction.
    var reduction: [UInt8] {
        let used = registers.count { $0 > 0 }
        var bytes: [UInt8] = [Reduction.sketchMark, 3 * used < Self.registerCount * 6 / 8 ? 0 : 1]
        if bytes[1] == 0 {
            for (register, value) in registers.enumerated() where value > 0 {
                bytes.append(UInt8(register >> 8))
                bytes.append(UInt8(register & 0xFF))
                bytes.append(value)
            }
        } else {
            for register in stride(from: 0, to: Self.registerCount, by: 4) {
                let word = registers[register..<register + 4].reduce(UInt32(0)) { $0 << 6 | UInt32($1) }
                bytes.append(UInt8(truncatingIfNeeded: word >> 16))
                bytes.append(UInt8(truncatingIfNeeded: word >> 8))
                bytes.append(UInt8(truncatingIfNeeded: word))
            }
        }
        return bytes
    }

    /// About how many different keys were inserted.
    var count: Int {
        let size = Double(Self.registerCount)
        let sum = registers.reduce(0.0) { $0 + Double(sign: .plus, exponent: -Int($1), significand: 1) }
        let raw = 0.7213 / (1 + 1.079 / size) * size * size / sum
        let estimate = raw <= 5 * size ? raw - Self.bias(of: raw) : raw
        let empty = registers.count { $0 == 0 }
        // Few keys are counted better by the registers that none of them met.
        let linear = empty == 0 ? estimate : size * Self.logarithm(size / Double(empty))
        return Int((linear <= 1800 ? linear : estimate).rounded(.toNearestOrAwayFromZero))
    }

    /// The natural logarithm of a number from 1 on.
    private static func logarithm(_ number: Double) -> Double {
        // number = m · 2^e with m from 1 to 2, and ln m = 2 artanh ((m - 1) / (m + 1)).
        let ratio = (number.significand - 1) / (number.significand + 1)
        var sum = 0.0
        for exponent in stride(from: 41, to: 0, by: -2) { sum = sum * ratio * ratio + 1 / Double(exponent) }
        return Double(number.exponent) * 0.693147180559945309 + 2 * ratio * sum
    }
}
