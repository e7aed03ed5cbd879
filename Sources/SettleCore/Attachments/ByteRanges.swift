// Which bytes of an attachment a `Range` header asks for, by CouchDB's rules:
//
//     of 20 bytes      bytes=0-4  →  0...4     bytes=5-  →  5...19    bytes=-3  →  17...19    bytes=10-100  →  10...19
//                      bytes=0-1,4-5  →  two ranges, which become a multipart/byteranges body
//                      bytes=7-3, bytes=20-  →  416
//                      lines=1-2, bytes=x, bytes=0-, ten ranges or more  →  everything, with status 200
//
// The subtle thing: what cannot be read is not an error but ignored, and ranges are judged in their order, so a `0-`
// before an impossible range means everything and after one comes too late.

/// What a `Range` header makes of content with a known length.
package enum ByteRanges: Hashable, Sendable {
    /// All of it, with status 200.
    case whole
    /// One range, with status 206 and `Content-Range`.
    case single(ClosedRange<UInt64>)
    /// Two to nine ranges, with status 206, as multipart/byteranges.
    case several([ClosedRange<UInt64>])

    /// Reads the header's value, where there is one; throws 416 if it asks for nothing that there is.
    package init(_ header: String?, length: UInt64) throws(SettleError) {
        guard let header, let specifications = Self.specifications(Array(header.utf8)) else {
            self = .whole
            return
        }
        var ranges: [ClosedRange<UInt64>] = []
        for specification in specifications {
            let first: UInt64
            var last = length
            switch specification {
            case .from(0):
                self = .whole
                return
            case .from(let start): first = start
            case .last(let count): first = length - min(count, length)
            case .between(let start, let end):
                first = start
                last = end
                guard first <= last else { throw SettleError(.rangeNotSatisfiable, Self.reason) }
            }
            guard first < length else { throw SettleError(.rangeNotSatisfiable, Self.reason) }
            ranges.append(first...min(last, length - 1))
        }
        switch ranges.count {
        case 1: self = .single(ranges[0])
        case 2..<10: self = .several(ranges)
        default: self = .whole
        }
    }

    /// The value of `Content-Range` for a range: `bytes 0-4/20`.
    package static func contentRange(_ range: ClosedRange<UInt64>, length: UInt64) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound)/\(length)"
    }

    private static let reason = "Requested range not satisfiable"

    private enum Specification {
        case from(UInt64)
        case last(UInt64)
        case between(UInt64, UInt64)
    }

    /// What stands after `bytes=`; nil if any of it makes no sense.
    private static func specifications(_ header: [UInt8]) -> [Specification]? {
        let unit = Array("bytes=".utf8)
        guard header.starts(with: unit) else { return nil }
        var specifications: [Specification] = []
        for element in header.dropFirst(unit.count).split(separator: UInt8(ascii: ",")) {
            let text = element.trimmed
            guard !text.isEmpty else { continue }
            if text.first == UInt8(ascii: "-") {
                guard let count = number(text.dropFirst()) else { return nil }
                specifications.append(.last(count))
                continue
            }
            let bounds = text.split(separator: UInt8(ascii: "-"))
            guard bounds.count <= 2, let start = number(bounds[0]) else { return nil }
            if bounds.count == 1 {
                specifications.append(.from(start))
            } else {
                guard let end = number(bounds[1]) else { return nil }
                specifications.append(.between(start, end))
            }
        }
        return specifications
    }

    /// Reads decimal digits; a number too large to be a length is as good as the largest.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (scaled, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooLarge) = scaled.addingReportingOverflow(UInt64(digit - 0x30))
            value = isTooLarge || isStillTooLarge ? .max : sum
        }
        return value
    }
}

extension ArraySlice<UInt8> {
    /// Without spaces and tabs at both ends.
    var trimmed: ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        return drop(while: isBlank).reversed().drop(while: isBlank).reversed()[...]
    }
}
