import Testing

@testable import SettleCore

@Suite("A redirection")
struct RedirectionTests {
    private func target(_ location: String, from url: String = "http://a.example:5984/db/_changes?since=0")
        -> String?
    {
        Redirection(status: 302, location: location, from: url)?.url
    }

    @Test("is resolved as RFC 3986 says")
    func resolution() {
        #expect(target("https://b.example/x?y=1#z") == "https://b.example/x?y=1")
        #expect(target("//b.example/x") == "http://b.example/x")
        #expect(target("/other/_changes?since=1") == "http://a.example:5984/other/_changes?since=1")
        #expect(target("other") == "http://a.example:5984/db/other")
        #expect(target("../x/./y/../z") == "http://a.example:5984/x/z")
        #expect(target("../../../x") == "http://a.example:5984/x")
        #expect(target("..") == "http://a.example:5984/")
        #expect(target("?since=2") == "http://a.example:5984/db/_changes?since=2")
        #expect(target("HTTP://B.example") == "http://B.example/")
        #expect(target("http://eve:pass@b.example/x") == "http://b.example/x")
    }

    @Test("goes nowhere without a place that HTTP can reach")
    func nowhere() {
        for location in [
            "", "file:///etc/passwd", "ftp://b.example/", "javascript:x", "http://", "a b", "x\r\nY: z",
        ] {
            #expect(target(location) == nil, "\(location)")
        }
        #expect(Redirection(status: 302, location: nil, from: "http://a.example/") == nil)
        #expect(Redirection(status: 304, location: "/x", from: "http://a.example/") == nil)
        #expect(Redirection(status: 200, location: "/x", from: "http://a.example/") == nil)
    }

    @Test("keeps the method but after a 303")
    func method() {
        let statuses = [301, 302, 303, 307, 308]
        let kept = statuses.filter {
            Redirection(status: $0, location: "/x", from: "http://a.example/")?.keepsMethod == true
        }
        #expect(kept == [301, 302, 307, 308])
        let permanent = statuses.filter {
            Redirection(status: $0, location: "/x", from: "http://a.example/")?.isPermanent == true
        }
        #expect(permanent == [301, 308])
    }

    @Test(
        "knows whether it stays with the same server",
        arguments: [
            ("/x", true), ("http://a.example:5984/x", true), ("http://A.EXAMPLE:5984/", true),
            ("http://a.example/", false), ("https://a.example:5984/", false), ("//b.example:5984/", false),
            ("http://a.example:5984.evil.example/", false),
        ]
    )
    func origin(location: String, isSame: Bool) {
        let url = "http://a.example:5984/db/"
        #expect(Redirection(status: 307, location: location, from: url)?.isSameOrigin == isSame)
        let usual = Redirection(status: 307, location: "https://a.example:443/x", from: "https://a.example/")
        #expect(usual?.isSameOrigin == true)
    }

    @Test("tells where a database has moved to")
    func base() {
        let from = "http://a/db/_changes?x"
        #expect(
            Redirection.base(moving: from, suffix: "_changes?x", to: "http://b/new/_changes?x")
                == "http://b/new/"
        )
        #expect(Redirection.base(moving: from, suffix: "_changes?x", to: "http://b/login") == nil)
        #expect(Redirection.base(moving: from, suffix: "_changes?x", to: "http://b/my_changes?x") == nil)
    }
}
