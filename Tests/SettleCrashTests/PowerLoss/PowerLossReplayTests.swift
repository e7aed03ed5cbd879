import Testing

@Suite("Playing out a power failure")
struct PowerLossReplayTests {
    private static let created: [DiskEvent] = [
        .create(inode: 2, path: "d", isFolder: true), .create(inode: 3, path: "d/f", isFolder: false),
    ]
    private static let namesSynced: [DiskEvent] = [
        .syncBegin(id: 1, inode: 1), .syncEnd(id: 1), .syncBegin(id: 2, inode: 2), .syncEnd(id: 2),
    ]

    private func disk(_ events: [DiskEvent], _ survival: Survival = .nothing) -> [String: DiskEntry] {
        PowerLossReplay(DiskRecord(events: events)).disk(before: events.count, survival)
    }

    @Test("names and bytes that were not synced are gone, or there, as survival has it")
    func unsynced() {
        let events = Self.created + [.write(inode: 3, offset: 0, bytes: [1, 2], isDurable: false)]
        #expect(disk(events) == [:])
        #expect(disk(events, .everything) == ["d": .folder, "d/f": .file([1, 2])])
    }

    @Test("a name needs a sync of its folder, bytes a sync of their file")
    func twoSyncs() {
        let write = DiskEvent.write(inode: 3, offset: 0, bytes: [1], isDurable: false)
        let sync: [DiskEvent] = [.syncBegin(id: 3, inode: 3), .syncEnd(id: 3)]
        #expect(disk(Self.created + [write] + sync) == [:])
        #expect(
            disk(Self.created + Self.namesSynced + [write, .say([])]) == ["d": .folder, "d/f": .file([])]
        )
        #expect(disk(Self.created + Self.namesSynced + [write] + sync + [.say([])])["d/f"] == .file([1]))
    }

    @Test("a sync covers what came before it began, once it has ended")
    func whatASyncCovers() {
        let base = Self.created + Self.namesSynced
        let first = DiskEvent.write(inode: 3, offset: 0, bytes: [1], isDurable: false)
        let second = DiskEvent.write(inode: 3, offset: 1, bytes: [2], isDurable: false)
        let events = base + [first, .syncBegin(id: 3, inode: 3), second, .syncEnd(id: 3), .say([])]
        #expect(disk(events)["d/f"] == .file([1]))
        #expect(disk(base + [first, .syncBegin(id: 3, inode: 3), .say([])])["d/f"] == .file([]))
        #expect(
            PowerLossReplay(DiskRecord(events: events)).disk(before: events.count - 2, .nothing)["d/f"]
                == .file([])
        )
    }

    @Test("a durable write is on disk once it has returned, not while it is under way")
    func durableWrite() {
        let write = DiskEvent.write(inode: 3, offset: 2, bytes: [9], isDurable: true)
        let events = Self.created + Self.namesSynced + [write]
        #expect(disk(events)["d/f"] == .file([]))
        #expect(disk(events + [.say([])])["d/f"] == .file([0, 0, 9]))
    }

    @Test("a renamed file has its old name until the folder is synced")
    func rename() {
        let events = Self.created + Self.namesSynced + [.rename(from: "d/f", to: "d/g")]
        #expect(disk(events) == ["d": .folder, "d/f": .file([])])
        #expect(disk(events, .everything) == ["d": .folder, "d/g": .file([])])
        #expect(
            disk(events + [.syncBegin(id: 3, inode: 2), .syncEnd(id: 3), .say([])]) == [
                "d": .folder, "d/g": .file([]),
            ]
        )
    }

    @Test("a removed file comes back until the folder is synced; an inode used again is another file")
    func removal() {
        let removed = Self.created + Self.namesSynced + [.remove(path: "d/f")]
        #expect(disk(removed) == ["d": .folder, "d/f": .file([])])
        let again =
            removed + [
                .create(inode: 3, path: "d/g", isFolder: false),
                .write(inode: 3, offset: 0, bytes: [7], isDurable: false),
            ]
        #expect(disk(again, .everything) == ["d": .folder, "d/g": .file([7])])
    }

    @Test("a truncation counts when it was synced")
    func truncation() {
        let write = DiskEvent.write(inode: 3, offset: 0, bytes: [1, 2, 3], isDurable: true)
        let events = Self.created + Self.namesSynced + [write, .truncate(inode: 3, size: 1)]
        #expect(disk(events)["d/f"] == .file([1, 2, 3]))
        #expect(disk(events + [.syncBegin(id: 3, inode: 3), .syncEnd(id: 3), .say([])])["d/f"] == .file([1]))
    }

    @Test("what survives by chance is a choice of sectors, the same for the same seed")
    func randomSurvival() {
        let bytes = [UInt8](repeating: 1, count: 4096)
        let events =
            Self.created + Self.namesSynced
            + (0..<8).map { .write(inode: 3, offset: $0 * 4096, bytes: bytes, isDurable: false) }
        var seen = Set<Int>()
        for seed in 0..<50 as Range<UInt64> {
            let found = disk(events, .random(seed: seed))
            #expect(found == disk(events, .random(seed: seed)))
            guard case .file(let content)? = found["d/f"] else { continue }
            let sectors = stride(from: 0, to: content.count, by: 512).map {
                content[$0..<min($0 + 512, content.count)]
            }
            #expect(sectors.allSatisfy { Set($0).count == 1 })
            seen.insert(content.count { $0 == 1 })
        }
        #expect(seen.count > 10)
    }

    @Test("a log is read back, up to where it was cut off")
    func parsing() throws {
        let log = """
            mkdir 2 /r/d
            create 3 /r/d/f x
            write 3 10 3 1 /r/d/f x
            a\nb
            truncate 3 5 /r/d/f x
            rename /r/d/f x\t/r/d/g
            sync-begin 4 1 /r
            sync-end 4
            map 5 /r/data.mdb-lock
            say 2
            ok
            unlink /r/d/g
            write 3 0 9 0 /r/d/f
            cut
            """
        let record = try DiskRecord(parsing: Array(log.utf8), root: "/r")
        #expect(
            record.events == [
                .create(inode: 2, path: "d", isFolder: true),
                .create(inode: 3, path: "d/f x", isFolder: false),
                .write(inode: 3, offset: 10, bytes: Array("a\nb".utf8), isDurable: true),
                .truncate(inode: 3, size: 5), .rename(from: "d/f x", to: "d/g"),
                .syncBegin(id: 4, inode: 1), .syncEnd(id: 4), .map(path: "data.mdb-lock"),
                .say(Array("ok".utf8)),
                .remove(path: "d/g"),
            ]
        )
        #expect(throws: DiskRecordError.self) {
            try DiskRecord(parsing: Array("nonsense\n".utf8), root: "/r")
        }
    }
}
