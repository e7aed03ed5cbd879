import SettleCore
import Testing

@testable import SettleReplication

@Suite("A channel between source and target")
struct RevisionChannelTests {
    private static let piece = RevisionEvent.content([UInt8](repeating: 1, count: 100_000)[...])

    @Test("gives everything in order, to a slow target too")
    func order() async throws {
        let channel = RevisionChannel()
        async let sent: Void = {
            for number in 0..<50 {
                _ = await channel.send(.content([UInt8](repeating: UInt8(number), count: 100_000)[...]))
            }
            channel.finish(.success(()))
        }()
        var numbers: [UInt8] = []
        while case .content(let bytes) = try await channel.next() {
            numbers.append(bytes[0])
            await Task.yield()
        }
        await sent
        #expect(numbers == Array(0..<50))
    }

    @Test("lets a source go that nobody listens to any more")
    func closed() async {
        let channel = RevisionChannel()
        async let count: Int = {
            var count = 0
            while await channel.send(Self.piece) { count += 1 }
            return count
        }()
        _ = try? await channel.next()
        channel.close()
        // What fits, and the one that was taken out.
        #expect(await count <= 4)
        #expect(await !channel.send(.missing))
    }

    @Test("says why the source stopped, after what it sent")
    func failure() async throws {
        let channel = RevisionChannel()
        let cut = PeerFailure(.transport, name: "cut", reason: "by the test")
        _ = await channel.send(.contentEnd)
        channel.finish(.failure(cut))
        #expect(try await channel.next() == .contentEnd)
        await #expect(throws: cut) { try await channel.next() }
    }

    @Test("frees a source whose task is cancelled")
    func cancelled() async {
        let channel = RevisionChannel()
        let source = Task {
            while await channel.send(Self.piece) {}
            return true
        }
        source.cancel()
        #expect(await source.value)
        await #expect(throws: PeerFailure.self) { try await channel.next() }
    }
}
