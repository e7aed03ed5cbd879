import Testing

@testable import SettleReplication

@Suite("The session with a peer")
struct PeerSessionTests {
    private let start = ContinuousClock.now

    @Test("is used until it grows old, and renewed while it is used")
    func lifetime() {
        var session = PeerSession()
        #expect(session.needsLogin(at: start))
        session.ended(.token("a"), at: start)
        #expect(session.token(at: start) == "a")
        #expect(!session.needsLogin(at: start + .seconds(549)))
        #expect(session.needsLogin(at: start + .seconds(550)))
        session.renewed("b", at: start + .seconds(100))
        #expect(session.token(at: start + .seconds(649)) == "b")
        #expect(session.token(at: start + .seconds(650)) == nil)
    }

    @Test("is opened anew when an old cookie is refused, but a new one's refusal means the password")
    func refusal() {
        var session = PeerSession()
        session.ended(.token("a"), at: start)
        let answer1 = session.refused("other", knowing: false, at: start + .seconds(60))
        #expect(answer1)
        #expect(session.token(at: start + .seconds(60)) == "a")
        let answer2 = session.refused("a", knowing: true, at: start + .seconds(60))
        #expect(answer2)
        #expect(session.needsLogin(at: start + .seconds(60)))
        session.ended(.token("b"), at: start + .seconds(61))
        let answer3 = session.refused("b", knowing: true, at: start + .seconds(62))
        #expect(!answer3)
        #expect(session.token(at: start + .seconds(62)) == "b")
        let answer4 = session.refused("b", knowing: false, at: start + .seconds(62))
        #expect(answer4)
        #expect(!session.needsLogin(at: start + .seconds(661)))
        #expect(session.token(at: start + .seconds(63)) == nil)
        #expect(session.needsLogin(at: start + .seconds(662)))
    }

    @Test("is not asked for again soon where there are none, but where nobody answered")
    func unsupported() {
        var session = PeerSession()
        session.ended(.unanswered, at: start)
        #expect(session.needsLogin(at: start))
        session.ended(.refused, at: start)
        #expect(!session.needsLogin(at: start))
    }

    @Test("is one for all who come at once")
    func sharing() async {
        let sessions = PeerSessions()
        let account = PeerAccount(origin: "http://x", user: "u", password: "p")
        let tokens = await withTaskGroup(of: String?.self) { group in
            for number in 0..<20 {
                group.addTask { await sessions.token(for: account) { .token("token\(number)") } }
            }
            var tokens: Set<String?> = []
            for await token in group { tokens.insert(token) }
            return tokens
        }
        #expect(tokens.count == 1)
        #expect(tokens.first??.hasPrefix("token") == true)
    }
}
