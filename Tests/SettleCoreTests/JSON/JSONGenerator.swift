import SettleCore

/// Makes random JSON, the same for the same seed.
struct JSONGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// A tree whose objects have each name once.
    mutating func value(depth: Int = 4) -> JSONValue {
        switch below(depth > 0 ? 12 : 8) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return .number(JSONNumber(Int.random(in: -300...300, using: &self)))
        case 3: return .number(JSONNumber(Int64(truncatingIfNeeded: next())))
        case 4: return .number(JSONNumber(Double(bitPattern: next()).finite))
        case 5: return .number(JSONNumber(Double(below(100_000)) / 100))
        case 6: return bigInteger(digits: 20 + below(60))
        case 7: return .string(string())
        case 8, 9: return .array((0..<below(6)).map { _ in value(depth: depth - 1) })
        default: return .object(JSONObject((0..<below(6)).map { _ in (string(), value(depth: depth - 1)) }))
        }
    }

    mutating func string() -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "_", "\"", "\\", "/", "\n", "\t", "\u{0}", "\u{1F}", "\u{7F}", "é", "e", "\u{301}", "日",
            "\u{FFFF}", "\u{10FFFF}", "😀", "\u{D7FF}", "\u{E000}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<below(8) { text.append(scalars[below(scalars.count)]) }
        return String(text)
    }

    private mutating func bigInteger(digits: Int) -> JSONValue {
        var text = Bool.random(using: &self) ? "-\(1 + below(9))" : "\(1 + below(9))"
        for _ in 1..<digits { text += "\(below(10))" }
        return (try? JSONValue(parsing: Array(text.utf8))) ?? .null
    }

    /// Changes some bytes of a text: overwrites, removes, repeats or inserts them.
    mutating func mutate(_ text: [UInt8]) -> [UInt8] {
        var text = text
        let interesting = Array("{}[]:,\"\\u0019dE+-. \n\u{1}tfnx_".utf8) + [0x80, 0xC3, 0xED, 0xF4, 0xFF]
        for _ in 0...below(3) {
            let index = below(text.count + 1)
            let byte = interesting[below(interesting.count)]
            switch below(4) {
            case 0 where index < text.count: text[index] = byte
            case 1 where index < text.count: text.remove(at: index)
            case 2 where index < text.count:
                text.insert(contentsOf: text[index...].prefix(below(8)), at: index)
            default: text.insert(byte, at: index)
            }
        }
        return text
    }

    /// The same value with random white space, escapes and number spellings that mean the same.
    mutating func respell(_ value: JSONValue) -> [UInt8] {
        var output = space()
        switch value {
        case .string(let text): output += respell(text)
        case .array(let elements):
            output += Array("[".utf8)
            for (index, element) in elements.enumerated() {
                output += (index > 0 ? Array(",".utf8) : []) + respell(element)
            }
            output += space() + Array("]".utf8)
        case .object(let object):
            output += Array("{".utf8)
            for (index, member) in object.members.enumerated() {
                output += (index > 0 ? Array(",".utf8) : []) + space() + respell(member.name) + space()
                output += Array(":".utf8) + respell(member.value)
            }
            output += space() + Array("}".utf8)
        case .number(let number) where !number.isInteger && number.double.magnitude >= 1e-300:
            output += Array("\(number.double)".utf8)
        default: value.append(to: &output)
        }
        return output + space()
    }

    private mutating func respell(_ text: String) -> [UInt8] {
        var output: [UInt8] = Array("\"".utf8)
        for scalar in text.unicodeScalars {
            if below(3) == 0 || scalar.value < 0x20 || scalar == "\"" || scalar == "\\" {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &self))
                    output += Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
                }
            } else {
                output += Array(String(scalar).utf8)
            }
        }
        return output + Array("\"".utf8)
    }

    private mutating func space() -> [UInt8] {
        (0..<max(0, below(5) - 2)).map { _ in [0x20, 0x0A, 0x0D, 0x09][below(4)] }
    }
}

extension Double {
    fileprivate var finite: Double { isFinite && (isNormal || isZero) ? self : 0.5 }
}
