// What a process did to its files, in order: the log that `recorder.c` writes, read back.

/// One thing that happened; inodes name files, whatever their names become.
enum DiskEvent: Equatable, Sendable {
    case create(inode: UInt64, path: String, isFolder: Bool)
    /// Durable: on disk when the call returned.
    case write(inode: UInt64, offset: Int, bytes: [UInt8], isDurable: Bool)
    case truncate(inode: UInt64, size: Int)
    case rename(from: String, to: String)
    case link(from: String, to: String)
    case remove(path: String)
    /// What came before the beginning is on disk after the end.
    case syncBegin(id: Int, inode: UInt64)
    case syncEnd(id: Int)
    /// A writable mapping: writes through it are not in the log.
    case map(path: String)
    /// Bytes that left the process.
    case say([UInt8])
}

enum DiskRecordError: Error {
    case malformed(String)
}

/// The events of one run, paths relative to the recorded folder.
struct DiskRecord: Sendable {
    let events: [DiskEvent]

    init(events: [DiskEvent]) {
        self.events = events
    }

    /// Reads a log, whose last event may be cut off: the process was killed while it wrote it.
    init(parsing log: [UInt8], root: String) throws {
        var parser = DiskRecordParser(log: log, root: root)
        var events: [DiskEvent] = []
        while let event = try parser.next() {
            events.append(event)
        }
        self.events = events
    }
}

private struct DiskRecordParser {
    private let log: [UInt8]
    private let root: String
    private var position = 0

    init(log: [UInt8], root: String) {
        self.log = log
        self.root = root
    }

    mutating func next() throws -> DiskEvent? {
        guard let end = log[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = String(decoding: log[position..<end], as: UTF8.self)
        position = end + 1
        let kind = line.prefix { $0 != " " }
        let rest = line.dropFirst(kind.count + 1)
        switch kind {
        case "create", "mkdir":
            let words = try split(rest, 2)
            return .create(inode: try number(words[0]), path: relative(words[1]), isFolder: kind == "mkdir")
        case "write":
            let words = try split(rest, 5)
            guard let bytes = payload(try number(words[2])) else { return nil }
            return .write(
                inode: try number(words[0]),
                offset: try number(words[1]),
                bytes: bytes,
                isDurable: words[3] == "1"
            )
        case "truncate":
            let words = try split(rest, 3)
            return .truncate(inode: try number(words[0]), size: try number(words[1]))
        case "rename", "link":
            let paths = rest.split(separator: "\t", maxSplits: 1)
            guard paths.count == 2 else { throw DiskRecordError.malformed(line) }
            let (from, to) = (relative(paths[0]), relative(paths[1]))
            return kind == "link" ? .link(from: from, to: to) : .rename(from: from, to: to)
        case "unlink", "rmdir":
            return .remove(path: relative(rest))
        case "sync-begin":
            let words = try split(rest, 3)
            return .syncBegin(id: try number(words[0]), inode: try number(words[1]))
        case "sync-end":
            return .syncEnd(id: try number(rest))
        case "map":
            return .map(path: relative(try split(rest, 2)[1]))
        case "say":
            return payload(try number(rest)).map(DiskEvent.say)
        default:
            throw DiskRecordError.malformed(line)
        }
    }

    /// The bytes that follow a line, and their line feed.
    private mutating func payload(_ length: Int) -> [UInt8]? {
        guard position + length < log.count else { return nil }
        defer { position += length + 1 }
        return Array(log[position..<position + length])
    }

    private func split(_ text: Substring, _ count: Int) throws -> [Substring] {
        let words = text.split(separator: " ", maxSplits: count - 1)
        guard words.count == count else { throw DiskRecordError.malformed(String(text)) }
        return words
    }

    private func number<T: FixedWidthInteger>(_ text: Substring) throws -> T {
        guard let value = T(text, radix: 10) else { throw DiskRecordError.malformed(String(text)) }
        return value
    }

    private func relative(_ path: Substring) -> String {
        path == root ? "" : String(path.dropFirst(root.count + 1))
    }
}
