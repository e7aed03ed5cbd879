// Runs a server under the recorder and reads back what it did.

import Foundation
import SettleTestSupport

/// Compiles `recorder.c` once and gives servers the environment in which they are recorded.
struct DiskRecorder {
    /// Holds the compiled recorder and the log.
    private let folder: TemporaryDirectory
    private var library: String { "\(folder.path)/recorder.so" }
    private var log: String { "\(folder.path)/log" }
    /// The recorded folder; empty to begin with.
    let root: String

    init() throws {
        folder = TemporaryDirectory(mayBeKept: false)
        root = "\(folder.path)/data"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "recorder.c")
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source.path(percentEncoded: false),
            "-ldl",
        ]
        try start(compiler)
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else {
            throw DiskRecordError.malformed("recorder.c does not compile")
        }
    }

    var environment: [String: String] {
        ["LD_PRELOAD": library, "RECORD_ROOT": root, "RECORD_LOG": log]
    }

    /// What was recorded.
    func record() throws -> DiskRecord {
        let resolved = URL(filePath: root).resolvingSymlinksInPath().path(percentEncoded: false)
        return try DiskRecord(parsing: [UInt8](try Data(contentsOf: URL(filePath: log))), root: resolved)
    }

    /// What is in the recorded folder now.
    func disk() throws -> [String: DiskEntry] {
        var disk: [String: DiskEntry] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
            let file = URL(filePath: root).appending(path: path)
            let isFolder = try file.resourceValues(forKeys: [.isDirectoryKey]).isDirectory ?? false
            disk[path] = isFolder ? .folder : .file([UInt8](try Data(contentsOf: file)))
        }
        return disk
    }
}

extension [String: DiskEntry] {
    /// Makes the files and folders below a folder.
    func write(to folder: String) throws {
        for (path, entry) in self.sorted(by: { $0.key < $1.key }) {
            let file = URL(filePath: folder).appending(path: path)
            switch entry {
            case .folder: try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
            case .file(let bytes): try Data(bytes).write(to: file)
            }
        }
    }
}
