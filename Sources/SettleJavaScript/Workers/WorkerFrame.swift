// What a server and its workers say to each other: frames over a socket.
//
//     kind 1 byte · length of the payload 8 bytes, big-endian · payload
//
//     program   identifier 16 · JSON text                           →  (no answer)
//     ask       identifier 16 · seconds 8 (an IEEE double) · JSON   →  any number of `log`, then one of
//                                                                      answer, failure, unknownProgram
//     log       UTF-8 text
//     answer    JSON text
//     failure   name and reason of an error: ["os_process_error","OS process timed out."]
//
// A worker forgets programs; the server then sends them again. Both ends are the same executable.

import SettleCore

/// The frames of both directions.
enum WorkerFrame {
    enum Kind: UInt8 {
        case program = 1
        case ask, answer, failure, unknownProgram, log
    }

    static let headerLength = 9
    static let identifierLength = 16

    /// The bytes before the payload.
    static func header(_ kind: Kind, payloadLength: Int) -> [UInt8] {
        [kind.rawValue] + bigEndian(UInt64(payloadLength))
    }

    /// What a header says; nil if it is none.
    static func read(header: [UInt8]) -> (kind: Kind, payloadLength: Int)? {
        guard header.count == headerLength, let kind = Kind(rawValue: header[0]),
            let length = Int(exactly: number(header[1...]))
        else { return nil }
        return (kind, length)
    }

    /// What comes before the text in a question's payload.
    static func askPrefix(_ identifier: [UInt8], seconds: Double) -> [UInt8] {
        identifier + bigEndian(seconds.bitPattern)
    }

    /// The parts of a question's payload.
    static func readAsk(_ payload: [UInt8]) -> (identifier: [UInt8], seconds: Double, request: [UInt8])? {
        guard payload.count >= identifierLength + 8 else { return nil }
        let request = identifierLength + 8
        return (
            Array(payload[..<identifierLength]),
            Double(bitPattern: number(payload[identifierLength..<request])),
            Array(payload[request...])
        )
    }

    /// The parts of a program's payload.
    static func readProgram(_ payload: [UInt8]) -> FunctionProgram? {
        guard payload.count >= identifierLength else { return nil }
        return FunctionProgram(
            text: Array(payload[identifierLength...]),
            identifier: Array(payload[..<identifierLength])
        )
    }

    /// An error's payload.
    static func failure(_ error: SettleError) -> [UInt8] {
        JSONValue.array([.string(error.name), .string(error.reason)]).bytes
    }

    /// The error of a payload.
    static func readFailure(_ payload: [UInt8]) -> SettleError {
        guard let value = try? JSONValue(parsing: payload), let name = value[0]?.string,
            let reason = value[1]?.string
        else { return .functionsBroke }
        return SettleError(function: name, reason: reason)
    }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
