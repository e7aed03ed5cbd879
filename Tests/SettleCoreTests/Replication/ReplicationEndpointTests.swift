import Testing

@testable import SettleCore

@Suite("A replication's endpoint")
struct ReplicationEndpointTests {
    @Test("is taken apart as written")
    func parts() throws {
        let url = "https://b%40b:se%3Acret@Peer.Example:6984/a%2Fb"
        let endpoint = try #require(RemoteEndpoint(url: url))
        #expect(endpoint.isSecure)
        #expect(endpoint.host == "Peer.Example")
        #expect(endpoint.port == 6_984)
        #expect(endpoint.path == "/a%2Fb/")
        #expect(endpoint.user == "b@b")
        #expect(endpoint.password == "se:cret")
        #expect(endpoint.url == "https://Peer.Example:6984/a%2Fb/")
        #expect(endpoint.shownURL == "https://Peer.Example:6984/a%2Fb/")
    }

    @Test("may be an IPv6 address")
    func ipv6() throws {
        let endpoint = try #require(RemoteEndpoint(url: "http://[::1]:5984/x/"))
        #expect(endpoint.host == "[::1]")
        #expect(endpoint.port == 5_984)
        #expect(endpoint.unusualPort == nil)
        #expect(try #require(RemoteEndpoint(url: "http://[::1]/x")).port == nil)
    }

    @Test(
        "is refused",
        arguments: ["ftp://x/y", "http:///db", "x", "", "http://host:99999/x", "http://host:x/y"]
    )
    func refused(url: String) {
        #expect(RemoteEndpoint(url: url) == nil)
    }

    @Test("percent-encoding keeps the slash of design and local documents")
    func paths() {
        #expect(PercentEncoding.encodedPath("_design/a/b") == "_design/a%2Fb")
        #expect(PercentEncoding.encodedPath("_local/a+b") == "_local/a%2Bb")
        #expect(PercentEncoding.encodedPath("ü/1") == "%C3%BC%2F1")
        #expect(PercentEncoding.decode(Array("a%2Fb%zz%4".utf8)[...]) == Array("a/b%zz%4".utf8))
    }
}

@Suite("A time")
struct HTTPDateTests {
    @Test(
        "is written as RFC 1123 says",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ]
    )
    func text(seconds: Int, text: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == text)
    }

    @Test("is written as the scheduler shows it")
    func timestamp() {
        #expect(HTTPDate.timestamp(unixSeconds: 784_111_777) == "1994-11-06T08:49:37Z")
    }
}
