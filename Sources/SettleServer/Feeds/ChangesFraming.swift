// How rows of changes are put on the wire, feed by feed:
//
//     normal, longpoll   {"results":[
//                        {"seq":…},
//                        {"seq":…}
//                        ],
//                        "last_seq":"5-…","pending":0}
//     continuous         {"seq":…}              a line each; an empty line is a sign of life
//                        {"last_seq":"5-…","pending":0}
//     eventsource        data: {"seq":…}
//                        id: 5-…
//                                               and `event: heartbeat` between

import SettleCore

/// Frames the rows of one feed.
struct ChangesFraming {
    let feed: ChangesQuery.Feed
    private var isFirst = true

    init(_ feed: ChangesQuery.Feed) {
        self.feed = feed
    }

    /// Appends what comes before everything.
    func begin(_ output: inout [UInt8]) {
        switch feed {
        case .normal, .longpoll: output.append(contentsOf: Self.start)
        case .continuous, .eventSource: break
        }
    }

    /// Appends what comes before a row.
    mutating func beginRow(_ output: inout [UInt8]) {
        switch feed {
        case .normal, .longpoll:
            if !isFirst { output.append(contentsOf: Self.comma) }
            isFirst = false
        case .continuous: break
        case .eventSource: output.append(contentsOf: Self.data)
        }
    }

    /// Appends what comes after a row.
    func endRow(sequence: UInt64, suffix: [UInt8], _ output: inout [UInt8]) {
        switch feed {
        case .normal, .longpoll: break
        case .continuous: output.append(UInt8(ascii: "\n"))
        case .eventSource:
            output.append(contentsOf: "\nid: ".utf8)
            JSONText.appendInteger(sequence, to: &output)
            output.append(contentsOf: suffix)
            output.append(contentsOf: "\n\n".utf8)
        }
    }

    /// Appends a sign of life.
    func heartbeat(_ output: inout [UInt8]) {
        switch feed {
        case .eventSource: output.append(contentsOf: "event: heartbeat\ndata: \n\n".utf8)
        default: output.append(UInt8(ascii: "\n"))
        }
    }

    /// Appends what comes after everything.
    func end(lastSequence: String, pending: Int, _ output: inout [UInt8]) {
        switch feed {
        case .normal, .longpoll: output.append(contentsOf: "\n],\n\"last_seq\":".utf8)
        case .continuous: output.append(contentsOf: "{\"last_seq\":".utf8)
        case .eventSource: return
        }
        JSONText.appendString(lastSequence, to: &output)
        output.append(contentsOf: ",\"pending\":\(pending)}\n".utf8)
    }

    private static let start = Array("{\"results\":[\n".utf8)
    private static let comma = Array(",\n".utf8)
    private static let data = Array("data: ".utf8)
}
