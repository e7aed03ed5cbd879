import SettleCore
import Testing

@Suite("Changes feeds")
struct ChangesFeedTests {
    private func feed(_ text: String, at position: UInt64 = 0) throws -> ChangesFeed {
        ChangesFeed(try ChangesQuery(parameters: RequestTarget("/?\(text)").query), position: position)
    }

    @Test("a normal feed reads piece by piece and ends")
    func normal() throws {
        var feed = try feed("")
        #expect(feed.didRead(rows: 10, through: 10, isExhausted: false) == .read)
        #expect(feed.position == 10)
        #expect(feed.didRead(rows: 3, through: 13, isExhausted: true) == .finish)
        #expect(!feed.isLive)
    }

    @Test("a longpoll waits only as long as it has nothing to say")
    func longpoll() throws {
        var feed = try feed("feed=longpoll&timeout=500", at: 5)
        #expect(feed.didRead(rows: 0, through: 5, isExhausted: true) == .wait(milliseconds: 500))
        #expect(feed.didRead(rows: 0, through: 9, isExhausted: true) == .wait(milliseconds: 500))
        #expect(feed.position == 9)
        #expect(feed.didRead(rows: 1, through: 10, isExhausted: true) == .finish)
    }

    @Test("a continuous feed goes on after rows, and ends by time or limit")
    func continuous() throws {
        var feed = try feed("feed=continuous&limit=3&timeout=500")
        #expect(feed.didRead(rows: 2, through: 2, isExhausted: true) == .wait(milliseconds: 500))
        #expect(feed.didElapse() == .finish)
        #expect(feed.didRead(rows: 1, through: 3, isExhausted: true) == .finish)
        #expect(feed.remaining == 0)
    }

    @Test("a heartbeat replaces the timeout")
    func heartbeat() throws {
        var feed = try feed("feed=eventsource&heartbeat=100&timeout=50")
        #expect(feed.didRead(rows: 0, through: 0, isExhausted: true) == .wait(milliseconds: 100))
        #expect(feed.didElapse() == .heartbeat)
        #expect(feed.didBeat() == .wait(milliseconds: 100))
    }

    @Test(
        "no wait is longer than a minute",
        arguments: ["timeout=100000", "heartbeat=100000", "heartbeat=true", ""]
    )
    func longestWait(text: String) throws {
        var feed = try feed("feed=continuous&\(text)")
        #expect(feed.didRead(rows: 0, through: 0, isExhausted: true) == .wait(milliseconds: 60_000))
    }

    @Test("a descending feed never waits")
    func descending() throws {
        var feed = try feed("feed=longpoll&descending=true")
        #expect(!feed.isLive)
        #expect(feed.didRead(rows: 0, through: 0, isExhausted: true) == .finish)
    }

    @Test("a limit of nothing ends at once")
    func noLimit() throws {
        var feed = try feed("feed=continuous&limit=0", at: 4)
        #expect(feed.didRead(rows: 0, through: 4, isExhausted: false) == .finish)
    }
}
