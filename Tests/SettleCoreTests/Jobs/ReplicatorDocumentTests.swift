import SettleCore
import Testing

@Suite("A document of a replicator database")
struct ReplicatorDocumentTests {
    private let asking: JSONObject = ["_id": "x", "source": "http://a/b", "target": "http://c/d"]

    @Test(
        "is told by the name of the database",
        arguments: [
            ("_replicator", true), ("a/_replicator", true), ("a/b/_replicator", true), ("replicator", false),
            ("a_replicator", false), ("_replicator/a", false), ("_replicators", false),
        ]
    )
    func names(name: String, isReplicator: Bool) {
        #expect(ReplicatorDocument.isReplicator(database: name) == isReplicator)
    }

    @Test("asks for a job until it says how that ended")
    func states() {
        guard case .job(let options, let user) = ReplicatorDocument(asking) else {
            Issue.record("asks for nothing")
            return
        }
        #expect(options.source.description == "http://a/b/" && user == nil)
        var ended = asking
        for state in ["completed", "failed"] {
            ended["_replication_state"] = .string(state)
            #expect(ReplicatorDocument(ended) == .ended(state: state))
        }
        // What older replicators wrote while a job ran.
        ended["_replication_state"] = "triggered"
        #expect(ReplicatorDocument(ended) == .job(options, user: nil))
        var other = asking
        other["user_ctx"] = ["name": "bob", "roles": []]
        #expect(ReplicatorDocument(other) == .job(options, user: "bob"))
        #expect(
            ReplicatorDocument(["source": "http://a/b"]) == .malformed(reason: "Missing replicator database")
        )
        #expect(
            ReplicatorDocument(["source": "ftp://a/b", "target": "c"])
                == .malformed(reason: "endpoint has an invalid url")
        )
    }

    private let admin = ReplicatorDocument.User(name: "admin", isAdministrator: true)
    private let nobody = ReplicatorDocument.User(name: nil, isAdministrator: true)
    private let ann = ReplicatorDocument.User(name: "ann", isAdministrator: false)
    private let bob = ReplicatorDocument.User(name: "bob", isAdministrator: false)

    @Test("gets an owner when it is written, and is refused when it can't become a job")
    func checking() throws {
        #expect(try ReplicatorDocument.checked(asking, writtenBy: bob)["owner"] == "bob")
        #expect(try ReplicatorDocument.checked(asking, writtenBy: nobody)["owner"]?.isNull == true)
        var owned = asking
        owned["owner"] = "ann"
        #expect(try ReplicatorDocument.checked(owned, writtenBy: ann)["owner"] == "ann")
        #expect(try ReplicatorDocument.checked(owned, writtenBy: admin)["owner"] == "ann")
        owned["continuous"] = "yes"
        #expect(throws: SettleError(.forbidden, "parameter `continuous` must be a boolean")) {
            try ReplicatorDocument.checked(owned, writtenBy: ann)
        }
        owned["_replication_state"] = "failed"
        #expect(try ReplicatorDocument.checked(owned, writtenBy: ann)["owner"] == "ann")
    }

    @Test("is written by its owner and by administrators, who own what nobody does")
    func owners() throws {
        var owned = asking
        for (owner, others) in [(JSONValue.string("ann"), [bob]), (.null, [ann, bob]), (5, [ann])] {
            owned["owner"] = owner
            for user in others {
                #expect(
                    throws: SettleError(.forbidden, "Can't update replication documents from other users.")
                ) {
                    try ReplicatorDocument.checked(owned, writtenBy: user)
                }
            }
        }
        owned["owner"] = .null
        #expect(try ReplicatorDocument.checked(owned, writtenBy: admin)["owner"] == "admin")
    }

    @Test("shows its credentials to its owner and to administrators only")
    func credentials() {
        let document: JSONObject = [
            "owner": "ann", "source": "http://bob:se:cr@et@host:1/a",
            "target": [
                "url": "https://u:p@h/b", "headers": ["Authorization": "Basic x"],
                "auth": ["basic": ["username": "u", "password": "p"]], "tls": ["verify": false],
            ],
            "source_proxy": "socks5://u:p@proxy:1080", "continuous": true,
        ]
        #expect(ReplicatorDocument.withoutCredentials(document, for: ann) == nil)
        #expect(ReplicatorDocument.withoutCredentials(document, for: admin) == nil)
        let stripped: JSONObject = [
            "owner": "ann", "source": "http://host:1/a",
            "target": ["url": "https://h/b", "tls": ["verify": false]], "source_proxy": "socks5://proxy:1080",
            "continuous": true,
        ]
        #expect(ReplicatorDocument.withoutCredentials(document, for: bob) == stripped)
        #expect(ReplicatorDocument.withoutCredentials(stripped, for: bob) == stripped)
    }

    @Test(
        "hides passwords wherever they stand in a URL",
        arguments: [
            ("http://bob:pw@host/db", "http://bob:*****@host/db", "http://host/db"),
            ("https://bob:p@w:x@host/", "https://bob:*****@host/", "https://host/"),
            ("http://bob@host/", "http://bob@host/", "http://host/"),
            ("http://bob:p/w@host/db", "http://bob:*****@host/db", "http://host/db"),
            ("socks5://u:p@h:1", "socks5://u:*****@h:1", "socks5://h:1"),
            ("http://[::1]:5984/a", "http://[::1]:5984/a", "http://[::1]:5984/a"),
            ("notes", "notes", "notes"),
            ("http://host:5984/a%40b", "http://host:5984/a%40b", "http://host:5984/a%40b"), ("", "", ""),
        ]
    )
    func passwords(url: String, masked: String, removed: String) {
        #expect(Credentials.maskingPassword(url) == masked)
        #expect(Credentials.removing(from: url) == removed)
    }

    @Test("is told how its job ended, and lists that")
    func endings() throws {
        let done = ReplicatorDocument.adding(
            .completed(statistics: ["docs_written": 3, "start_time": "t"]),
            to: asking,
            at: 1_700_000_000
        )
        #expect(done["_replication_state"] == "completed")
        #expect(done["_replication_state_time"] == "2023-11-14T22:13:20Z")
        #expect(done["_replication_id"] == nil)
        let listed = try #require(ReplicatorDocument.listing(done, database: "_replicator"))
        #expect(
            listed["info"] == ["docs_written": 3] && listed["start_time"] == "t" && listed["doc_id"] == "x"
        )
        // The same state again keeps its time.
        let again = ReplicatorDocument.adding(.completed(statistics: [:]), to: done, at: 0)
        #expect(again["_replication_state_time"] == "2023-11-14T22:13:20Z")
        var through = done
        (through["source"], through["proxy"]) = ("http://bob:pw@a/b", "http://bob:pw@proxy:3128")
        let proxied = try #require(ReplicatorDocument.listing(through, database: "_replicator"))
        #expect(proxied["source"] == "http://a/b/" && proxied["source_proxy"] == nil)
        let failed = ReplicatorDocument.adding(.failed(reason: "no"), to: done, at: 0)
        #expect(failed["_replication_state_reason"] == "no" && failed["_replication_stats"] == nil)
        #expect(failed["_replication_state_time"] == "1970-01-01T00:00:00Z")
        let shown = ReplicatorDocument.listing(failed, database: "_replicator")
        #expect(shown?["info"] == ["error": "no"] && shown?["error_count"] == 1)
        #expect(ReplicatorDocument.listing(asking, database: "_replicator") == nil)
    }
}
