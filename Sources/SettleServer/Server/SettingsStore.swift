// The settings that clients read and write under `/_node/_local/_config`: sections of names and texts, kept in a file
// so that they survive a restart. The file is replaced as a whole; it is small.

import SettleCore
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Sections of settings.
final class SettingsStore: Sendable {
    private let path: String
    private let sections: Mutex<[String: [String: String]]>

    /// Reads the file, if there is one.
    init(path: String) throws(SettleError) {
        self.path = path
        var sections: [String: [String: String]] = [:]
        if let data = FileManager.default.contents(atPath: path) {
            guard let object = try? JSONValue(parsing: Array(data)).object else {
                throw SettleError(.internalError, "The settings in \(path) can't be read.")
            }
            for section in object.members {
                for entry in section.value.object?.members ?? [] {
                    sections[section.name, default: [:]][entry.name] = entry.value.string
                }
            }
        }
        self.sections = Mutex(sections)
    }

    /// All sections.
    var all: JSONObject {
        sections.withLock { sections in
            JSONObject(sections.sorted { $0.key < $1.key }.map { ($0.key, .object(Self.object($0.value))) })
        }
    }

    /// The settings of one section, none if there is no such section.
    func section(_ name: String) -> JSONObject {
        sections.withLock { Self.object($0[name] ?? [:]) }
    }

    /// One setting.
    func value(_ section: String, _ name: String) -> String? {
        sections.withLock { $0[section]?[name] }
    }

    /// Changes or, with nil, removes a setting, and gives what it was.
    func set(_ section: String, _ name: String, to value: String?) throws(SettleError) -> String? {
        let old = sections.withLock { sections in
            let old = sections[section]?[name]
            sections[section, default: [:]][name] = value
            if sections[section]?.isEmpty == true { sections[section] = nil }
            return old
        }
        try write()
        return old
    }

    /// A setting that is made up where there is none.
    func keep(_ section: String, _ name: String, _ value: String) throws(SettleError) -> String {
        let (kept, isNew) = sections.withLock { sections in
            if let known = sections[section]?[name] { return (known, false) }
            sections[section, default: [:]][name] = value
            return (value, true)
        }
        if isNew { try write() }
        return kept
    }

    private func write() throws(SettleError) {
        do {
            try Data(JSONValue.object(all).bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw SettleError(.internalError, "The settings can't be written to \(path): \(error)")
        }
    }

    private static func object(_ entries: [String: String]) -> JSONObject {
        JSONObject(entries.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }
}
