import SettleCore
import Testing

@Suite("Accept headers")
struct AcceptHeaderTests {
    @Test(
        "types are accepted by name and by wildcard, unless their weight is 0",
        arguments: [
            (nil, true),
            ("*/*", true),
            ("application/json", true),
            ("application/*", true),
            ("text/html, application/json;q=0.5", true),
            ("Application/JSON", true),
            ("application/json; q=0", false),
            ("multipart/mixed", false),
            ("application/json;q=0, */*", false),
        ] as [(String?, Bool)]
    )
    func accepts(header: String?, expected: Bool) {
        #expect(AcceptHeader(header).accepts("application/json") == expected)
    }
}
