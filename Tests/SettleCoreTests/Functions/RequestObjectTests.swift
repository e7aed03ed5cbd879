import SettleCore
import Testing

@Suite("Request objects of design functions")
struct RequestObjectTests {
    private func object(
        _ target: String,
        id: DocumentID? = nil,
        headers: [(name: String, value: String)] = [],
        body: String = ""
    ) throws -> JSONValue {
        let text = RequestObject(
            information: Array(#"{"db_name":"db"}"#.utf8),
            uuid: "0123",
            documentID: id,
            method: "POST",
            target: RequestTarget(target),
            requestedTarget: RequestTarget(target),
            headers: headers,
            body: Array(body.utf8),
            peer: "127.0.0.1",
            userContext: Array(#"{"db":"db","name":"ann","roles":[]}"#.utf8),
            security: []
        ).text
        return try JSONValue(parsing: text)
    }

    @Test("paths are segments, decoded, the query an object of strings")
    func paths() throws {
        let object = try object("/db/_design/u/_update/f/some%2Fid?k=v%20w", id: "some/id")
        #expect(object["path"]?.text == #"["db","_design","u","_update","f","some/id"]"#)
        #expect(object["raw_path"]?.string == "/db/_design/u/_update/f/some%2Fid?k=v%20w")
        #expect(object["query"]?.text == #"{"k":"v w"}"#)
        #expect(object["id"]?.string == "some/id")
        #expect(object["secObj"]?.text == "{}")
        #expect(object["userCtx"]?["name"]?.string == "ann")
        #expect(object["info"]?["db_name"]?.string == "db")
    }

    @Test("no document is null, no body is the text undefined")
    func absent() throws {
        let object = try object("/db")
        #expect(object["id"]?.isNull == true)
        #expect(object["body"]?.string == "undefined")
        #expect(object["form"]?.text == "{}")
        #expect(object["cookie"]?.text == "{}")
    }

    @Test("forms and cookies are taken apart")
    func formsAndCookies() throws {
        let object = try object(
            "/db",
            headers: [
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("Cookie", "a=1; b=x=y"),
            ],
            body: "a=1&b=two+words%21"
        )
        #expect(object["form"]?.text == #"{"a":"1","b":"two words!"}"#)
        #expect(object["cookie"]?.text == #"{"a":"1","b":"x=y"}"#)
        #expect(object["body"]?.string == "a=1&b=two+words%21")
    }
}
