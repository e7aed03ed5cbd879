// What a disk may hold after the power fails at some moment of a recorded run.
//
// A write is certainly on disk once a sync of its file that began after it has ended, or when it went through a
// descriptor opened with O_DSYNC. Every other write may be there, may be missing, or may be there in part, sector by
// sector and in any order. Names behave alike, by folder: a new, renamed or removed entry is certain once its folder
// was synced; uncertain ones keep their order, as in every journalling file system.
//
// So a moment has many possible disks. `Survival` picks one: nothing uncertain survives, everything does, or a
// random choice.

import SettleTestSupport

/// Which of the uncertain writes reach the disk.
enum Survival: Sendable, CustomStringConvertible {
    case nothing
    case everything
    case random(seed: UInt64)

    var description: String {
        switch self {
        case .nothing: "nothing unsynced survives"
        case .everything: "everything survives"
        case .random(let seed): "random part survives (seed \(seed))"
        }
    }
}

/// A file or folder as it is found after the failure.
enum DiskEntry: Equatable, Sendable {
    case file([UInt8])
    case folder
}

struct PowerLossReplay: Sendable {
    private static let sector = 512

    private struct FileChange {
        let index: Int
        let event: DiskEvent
        /// The event after which the change is on disk for certain.
        var certainAfter: Int?
    }

    private struct NameChange {
        let index: Int
        /// Name in the folder and the object it stands for from now on; nil: none.
        let entries: [(name: String, object: Int?)]
        var certainAfter: Int?
    }

    private struct DiskObject {
        let isFolder: Bool
        var changes: [FileChange] = []
        var names: [NameChange] = []
    }

    /// The recorded folder is the first object; it was there, empty, before the first event.
    private var objects = [DiskObject(isFolder: true)]
    private var objectsByInode: [UInt64: Int] = [:]
    /// The names as the process saw them.
    private var paths: [String: Int] = ["": 0]
    /// Files that were written through a mapping, which leaves no trace in the record.
    private(set) var mappedPaths: Set<String> = []

    init(_ record: DiskRecord) {
        var syncs: [Int: (inode: UInt64, begin: Int)] = [:]
        for (index, event) in record.events.enumerated() {
            switch event {
            case .create(let inode, let path, let isFolder):
                objects.append(DiskObject(isFolder: isFolder))
                objectsByInode[inode] = objects.count - 1
                setNames(index, [(path, objects.count - 1)])
            case .write(let inode, _, _, let isDurable):
                guard let object = objectsByInode[inode] else { continue }
                let certainAfter = isDurable ? index + 1 : nil
                objects[object].changes.append(
                    FileChange(index: index, event: event, certainAfter: certainAfter)
                )
            case .truncate(let inode, _):
                guard let object = objectsByInode[inode] else { continue }
                objects[object].changes.append(FileChange(index: index, event: event))
            case .rename(let from, let to):
                setNames(index, [(from, nil), (to, paths[from])])
            case .link(let from, let to):
                setNames(index, [(to, paths[from])])
            case .remove(let path):
                setNames(index, [(path, nil)])
            case .syncBegin(let id, let inode):
                syncs[id] = (inode, index)
            case .syncEnd(let id):
                if let sync = syncs.removeValue(forKey: id) {
                    markCertain(sync.inode, from: sync.begin, at: index)
                }
            case .map(let path):
                mappedPaths.insert(path)
            case .say:
                break
            }
        }
    }

    /// Notes changed names in their folders.
    ///
    /// A rename within a folder is one change: both names or neither.
    private mutating func setNames(_ index: Int, _ entries: [(path: String, object: Int?)]) {
        var byFolder: [(folder: Int, entries: [(name: String, object: Int?)])] = []
        for (path, object) in entries {
            if let object, objects[object].isFolder { moveNames(below: path, object) }
            paths[path] = object
            let slash = path.lastIndex(of: "/")
            let folder = paths[slash.map { String(path[..<$0]) } ?? ""] ?? 0
            let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
            if let known = byFolder.firstIndex(where: { $0.folder == folder }) {
                byFolder[known].entries.append((name, object))
            } else {
                byFolder.append((folder, [(name, object)]))
            }
        }
        for (folder, entries) in byFolder {
            objects[folder].names.append(NameChange(index: index, entries: entries))
        }
    }

    /// A renamed folder takes the paths of what it holds along.
    private mutating func moveNames(below path: String, _ folder: Int) {
        guard let old = paths.first(where: { $0.value == folder && $0.key != path })?.key else { return }
        for (inner, object) in paths where inner.hasPrefix("\(old)/") {
            paths[inner] = nil
            paths[path + inner.dropFirst(old.count)] = object
        }
        paths[old] = nil
    }

    private mutating func markCertain(_ inode: UInt64, from begin: Int, at end: Int) {
        let object = objectsByInode[inode] ?? 0
        for place in objects[object].changes.indices
        where objects[object].changes[place].certainAfter == nil
            && objects[object].changes[place].index < begin
        {
            objects[object].changes[place].certainAfter = end
        }
        for place in objects[object].names.indices
        where objects[object].names[place].certainAfter == nil && objects[object].names[place].index < begin {
            objects[object].names[place].certainAfter = end
        }
    }
}

extension PowerLossReplay {
    /// The disk when the power fails just before the event of this number; paths relative to the folder.
    func disk(before cut: Int, _ survival: Survival) -> [String: DiskEntry] {
        var choice = SurvivalChoice(survival)
        var disk: [String: DiskEntry] = [:]
        var folders = [(path: "", object: 0)]
        while let folder = folders.popLast() {
            for (name, object) in names(of: objects[folder.object], before: cut, &choice) {
                let path = folder.path.isEmpty ? name : "\(folder.path)/\(name)"
                if objects[object].isFolder {
                    disk[path] = .folder
                    folders.append((path, object))
                } else {
                    disk[path] = .file(contents(of: objects[object], before: cut, &choice))
                }
            }
        }
        return disk
    }

    private func names(
        of folder: DiskObject,
        before cut: Int,
        _ choice: inout SurvivalChoice
    ) -> [(String, Int)] {
        var entries: [String: Int] = [:]
        for change in folder.names where change.index < cut {
            // Uncertain changes of names reach the disk in order: the first that does not is the last considered.
            let isCertain = change.certainAfter.map { $0 < cut } ?? false
            guard isCertain || choice.survives() else { break }
            for (name, object) in change.entries {
                entries[name] = object
            }
        }
        return entries.sorted { $0.key < $1.key }
    }

    private func contents(of file: DiskObject, before cut: Int, _ choice: inout SurvivalChoice) -> [UInt8] {
        var bytes: [UInt8] = []
        for change in file.changes where change.index < cut {
            let isCertain = change.certainAfter.map { $0 < cut } ?? false
            switch change.event {
            case .write(_, let offset, let written, _) where isCertain:
                Self.put(written[...], at: offset, in: &bytes)
            case .write(_, let offset, let written, _):
                putSome(of: written, at: offset, in: &bytes, &choice)
            case .truncate(_, let size):
                guard isCertain || choice.survives() else { continue }
                bytes = Array(bytes.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - bytes.count))
            default:
                continue
            }
        }
        return bytes
    }

    /// Writes none, some or all sectors of an uncertain write.
    private func putSome(
        of written: [UInt8],
        at offset: Int,
        in bytes: inout [UInt8],
        _ choice: inout SurvivalChoice
    ) {
        guard choice.survives() else { return }
        guard choice.tears() else {
            Self.put(written[...], at: offset, in: &bytes)
            return
        }
        var start = 0
        while start < written.count {
            let end = min(written.count, ((offset + start) / Self.sector + 1) * Self.sector - offset)
            if choice.survives() { Self.put(written[start..<end], at: offset + start, in: &bytes) }
            start = end
        }
    }

    private static func put(_ part: ArraySlice<UInt8>, at offset: Int, in bytes: inout [UInt8]) {
        let end = offset + part.count
        if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
        bytes.replaceSubrange(offset..<end, with: part)
    }
}

/// Decides, uncertain change by uncertain change.
private struct SurvivalChoice {
    private let survival: Survival
    private var generator: SeededGenerator

    init(_ survival: Survival) {
        self.survival = survival
        if case .random(let seed) = survival {
            generator = SeededGenerator(seed: seed)
        } else {
            generator = SeededGenerator(seed: 0)
        }
    }

    mutating func survives() -> Bool {
        switch survival {
        case .nothing: false
        case .everything: true
        case .random: Bool.random(using: &generator)
        }
    }

    mutating func tears() -> Bool {
        if case .random = survival { Int.random(in: 0..<4, using: &generator) == 0 } else { false }
    }
}
