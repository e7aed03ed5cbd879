/// Why a text is not JSON, and where it stops being it.
public struct JSONError: Error, Hashable, Sendable {
    /// The index of the byte at fault in the array that was read; the end of the text if something is missing there.
    public let offset: Int
    /// What is wrong with that byte.
    public let problem: Problem

    /// Places a problem.
    package init(offset: Int, problem: Problem) {
        self.offset = offset
        self.problem = problem
    }

    /// The ways in which a text can fail to be JSON.
    public enum Problem: String, Hashable, Sendable, CaseIterable {
        /// The text ends where a value, a name or a closing mark is missing.
        case unexpectedEnd
        /// A byte that can't stand here.
        case unexpectedByte
        /// Something other than white space follows the value.
        case trailingBytes
        /// A byte below 0x20 inside a string: it has to be escaped.
        case controlCharacter
        /// Bytes that are not UTF-8: stray, cut short, overlong, or half of a surrogate pair.
        case invalidUTF8
        /// A backslash followed by something that isn't an escape.
        case invalidEscape
        /// An escaped surrogate without its other half.
        case loneSurrogate
        /// A number beyond ±1.8e308, or an integer of more digits than `JSONScanner.maximumDigits`.
        case numberOutOfRange
        /// More than `JSONScanner.maximumDepth` arrays and objects inside each other.
        case tooDeep
    }
}

extension JSONError: CustomStringConvertible {
    /// `unexpectedByte at offset 12`, for logs.
    public var description: String { "\(problem.rawValue) at offset \(offset)" }
}

extension SettleError {
    /// What CouchDB answers to a body that isn't JSON, whatever is wrong with it.
    package init(_ error: JSONError) {
        self.init(.badRequest, "invalid UTF-8 JSON")
    }
}
