import Testing

@testable import SettleCore

@Suite("How a replication's ends are reached")
struct ConnectionOptionsTests {
    private func options(_ more: String) throws -> ReplicationOptions {
        let text =
            #"{"source":"https://s.example/a","target":{"url":"http://t.example/b","tls":{"verify":false}},\#(more)}"#
        guard case .start(let options) = try ReplicationRequest(try JSONValue(parsing: Array(text.utf8)))
        else {
            throw SettleError(.internalError)
        }
        return options
    }

    private func remote(_ endpoint: ReplicationEndpoint) throws -> RemoteEndpoint {
        guard case .remote(let remote) = endpoint else { throw SettleError(.internalError) }
        return remote
    }

    @Test("is read from CouchDB's options")
    func reading() throws {
        let both = try options(
            #""proxy":"http://bob:x@proxy:3128","worker_processes":2,"http_connections":1"#
        )
        #expect(try remote(both.source).proxy == ProxyEndpoint(url: "http://bob:x@proxy:3128"))
        #expect(try remote(both.target).proxy?.user == "bob")
        #expect(try !remote(both.target).tls.verifiesPeer)
        #expect(both.workers == 2)
        #expect(both.connections == 2)
        let one = try options(#""target_proxy":"socks5://127.0.0.1:1080","socket_options":"[]""#)
        #expect(try remote(one.source).proxy == nil)
        #expect(try remote(one.target).proxy?.kind == .socks5)
    }

    @Test(
        "is refused where it makes no sense",
        arguments: [
            #""proxy":"http://p:1","source_proxy":"http://q:1""#, #""proxy":"ftp://p""#, #""proxy":5"#,
            #""source_proxy":"socks5://bob:x@p:1""#, #""retract":true"#,
            #""retract":true,"selector":{"a":1}"#,
            #""selector":{"a":{"$bad":1}}"#,
        ]
    )
    func refused(more: String) {
        let error = #expect(throws: SettleError.self) { try options(more) }
        #expect(error?.kind == .badRequest)
    }

    @Test("leaves the replication's name alone; the selector's normal form is what names it")
    func name() throws {
        func base(_ more: String) throws -> String {
            let options = try options(more)
            return ReplicationID(
                serverUUID: "u",
                source: options.source,
                target: options.target,
                narrowing: options.narrowing(filterCode: nil)
            ).base
        }
        let plain = try base(#""selector":{"a":{"b":1}}"#)
        #expect(try base(#""selector":{"a.b":{"$eq":1}},"proxy":"http://p:1","worker_processes":9"#) == plain)
        #expect(try base(#""selector":{"a.b":{"$gt":1}}"#) != plain)
        let term = try options(#""selector":{"a":{"b":1}}"#).narrowing(filterCode: nil)
        let equals = ErlangValue.tuple([.list([.tuple([.binary("$eq"), .integer(1)])])])
        #expect(term == [.tuple([.list([.tuple([.binary("a.b"), equals])])])])
    }

    @Test("a peer that is asked too often is asked ever more slowly, then faster again")
    func pace() {
        var pace = RequestPace()
        pace.wasRefused()
        #expect(pace.interval == .milliseconds(20))
        pace.wasRefused()
        #expect(pace.interval == .milliseconds(24))
        for _ in 0..<100 { pace.wasRefused() }
        #expect(pace.interval == .seconds(25))
        for _ in 0..<1_250 { pace.wasServed() }
        #expect(pace.interval == .zero)
    }

    @Test("sequences tell that a source was set back by the number in front")
    func rewinding() {
        func sequence(_ text: String) -> SourceSequence { SourceSequence(json: Array(text.utf8)) }
        #expect(sequence(#""12-abc""#).isAhead(of: sequence("11")))
        #expect(!sequence(#""12-abc""#).isAhead(of: sequence(#""12-def""#)))
        #expect(!sequence(#""x""#).isAhead(of: sequence("1")))
        #expect(sequence("12").isBeyond(sequence("11")) && !sequence("11").isBeyond(sequence("11")))
        #expect(sequence(#""12-9f0c22b1""#).isBeyond(sequence(#""11-9f0c22b1""#)))
        #expect(sequence(#""1-9f0c22b1""#).isBeyond(sequence(#""11-00000001""#)))
        // Copies of a database in a cluster count on their own.
        #expect(!sequence(#""12-g1AAAACTeJz""#).isBeyond(sequence(#""11-g1AAAACTeJz""#)))
        #expect(sequence(#""12-9f0c22b1""#).incarnation == "9f0c22b1")
        for text in ["12", #""12""#, #""12-9F0C22B1""#, #""12-9f0c22b""#, #""x-9f0c22b1""#, "null"] {
            #expect(sequence(text).incarnation == nil, "\(text)")
        }
        #expect(SourceSequence(parameter: "12-abc") == sequence(#""12-abc""#))
        #expect(SourceSequence(parameter: "12") == sequence("12"))
    }
}
