package import SettleCore
import SettleStorage

/// What `_info` tells of an index.
package struct ViewIndexInfo: Sendable, Hashable {
    package var signature: String
    package var language: String
    /// The sequence the index has followed to; 0 if it was never built.
    package var updateSequence: UInt64
    package var purgeSequence: UInt64
    /// Changes that the index does not have yet.
    package var pendingChanges: Int
    /// Bytes of the file, and of that what holds rows now.
    package var fileSize: Int
    package var activeSize: Int
    package var isUpdating: Bool
    package var isCompacting: Bool
    /// Requests that wait for the index.
    package var waiterCount: Int
    /// What the index's keys are sorted by.
    package var collatorVersion: String
}

extension ViewIndex {
    /// What there is to tell about the index.
    package func info() throws(SettleError) -> ViewIndexInfo {
        var info = ViewIndexInfo(
            signature: signature,
            language: group.language,
            updateSequence: 0,
            purgeSequence: 0,
            pendingChanges: 0,
            fileSize: 0,
            activeSize: 0,
            isUpdating: shared.isUpdating,
            isCompacting: shared.isCompacting,
            waiterCount: shared.waiterCount,
            collatorVersion: String(decoding: try database.collatorVersion, as: UTF8.self)
        )
        _ = try read { reading, file, header in
            info.updateSequence = header.state.updateSequence
            info.purgeSequence = header.state.purgeSequence
            info.fileSize = file.environment.usedBytes
            info.activeSize = try reading.count(file.nodes) * 4096
        }
        let sequence = info.updateSequence
        info.pendingChanges = try database.read { snapshot in try snapshot.changes(after: sequence) }
        return info
    }

    /// Rewrites the index's file without free pages; a second call while one is under way does nothing.
    package func compact() async throws(SettleError) {
        guard shared.beginCompaction() else { return }
        defer { shared.endCompaction() }
        while true {
            let isDone = try await database.onWorkerThread { () throws(SettleError) in try self.compactNow() }
            if isDone { return }
            // Another process is updating it.
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    /// Compacts unless an updater is at work; false if one is.
    private func compactNow() throws(SettleError) -> Bool {
        guard let lock = try lockFile() else { return false }
        defer { lock.unlock() }
        guard let open = try shared.environment() else { return true }
        try settling { () throws in
            let generation = open.generation + 1
            let draft = IndexEnvironment.draftPath(shared.directory, generation)
            try IndexEnvironment.removeDraft(shared.directory, generation)
            try open.environment.copy(to: draft, compacting: true)
            if database.options.syncsCommits { try FileSystem.syncFile(draft) }
            try FileSystem.rename(draft, to: IndexEnvironment.path(shared.directory, generation))
            if database.options.syncsCommits { try FileSystem.syncDirectory(shared.directory) }
            try open.retire(in: shared.directory)
            shared.release(open)
        }
        return true
    }
}

extension Database {
    /// Removes the indexes that no design document names any more; how many went.
    ///
    /// One that is being updated stays. Indexes of native views are nobody's to name, and stay too.
    package func cleanUpViews() async throws(SettleError) -> Int {
        try await onWorkerThread { () throws(SettleError) in try self.cleanUpViewsNow() }
    }

    private func cleanUpViewsNow() throws(SettleError) -> Int {
        let named = Set(try viewSources().map(\.directoryName))
        return try settling { () throws in
            let folder = "\(directory)/views"
            guard FileSystem.exists(folder) else { return 0 }
            var count = 0
            for name in try FileSystem.list(folder) where !named.contains(name) && !name.hasPrefix("native-")
            {
                if try removeIndex(name) { count += 1 }
            }
            return count
        }
    }

    /// Removes one index, unless an updater is at work on it.
    func removeIndex(_ name: String) throws -> Bool {
        let path = "\(directory)/views/\(name)"
        let lock = try FileLock(path: "\(path)/update.lock")
        guard try lock.tryLock() else { return false }
        defer { lock.unlock() }
        let index = views.index(name, of: self)
        if let open = try index.environment() {
            try open.retire(in: path)
            index.release(open)
        }
        try FileSystem.removeTree(path)
        return true
    }

    /// The views of every design document there is.
    func viewSources() throws(SettleError) -> [ViewSource] {
        try read { snapshot in
            var ids: [DocumentID] = []
            var cursor = try snapshot.documentCursor()
            var found = try cursor.seek(atLeast: "_design/")
            while found, cursor.id.isDesign {
                if !cursor.isDeleted { ids.append(cursor.id) }
                found = try cursor.next()
            }
            return try ids.map { try snapshot.viewSource($0) }
        }
    }
}
