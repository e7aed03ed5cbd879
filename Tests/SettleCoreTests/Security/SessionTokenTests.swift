import SettleCore
import SettleTestSupport
import Testing

@Suite("Session tokens")
struct SessionTokenTests {
    @Test("are read as they were written, and no other key has signed them", arguments: UInt64(1)...20)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let name = ["admin", "ünal", "a b", ""].randomElement(using: &random) ?? ""
        let key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let time = Int.random(in: 0...4_000_000_000, using: &random)
        let text = SessionToken.text(name: name, time: time, key: key)
        #expect(text.utf8.allSatisfy { ![43, 47, 61].contains($0) }, "seed \(seed)")
        let token = try SessionToken(parsing: text)
        #expect(token.name == name && token.time == time, "seed \(seed)")
        #expect(token.isSigned(with: key), "seed \(seed)")
        #expect(!token.isSigned(with: key.reversed() + [1]), "seed \(seed)")
    }

    @Test("are refused where they are none", arguments: ["garbage", "YTpi", "!!!", "YTp6ejpj"])
    func malformed(text: String) {
        #expect(throws: SettleError(.badRequest, "Malformed AuthSession cookie. Please clear your cookies."))
        {
            try SessionToken(parsing: text)
        }
    }

    @Test("are found in cookie fields by their whole name")
    func fields() {
        #expect(SessionCookie.value(in: "a=1; AuthSession=x-y; b=2") == "x-y")
        #expect(SessionCookie.value(in: "AuthSession=\"q\"; Path=/") == "q")
        #expect(SessionCookie.value(in: "XAuthSession=1; AuthSessionX=2; AuthSession=") == nil)
        #expect(SessionCookie.value(in: SessionCookie.field("t")) == "t")
    }
}
