import SettleCore
import Testing

@Suite("Responses of design functions")
struct FunctionResponseTests {
    private func response(_ text: String, isList: Bool = false) throws -> FunctionResponse {
        let object = try #require(try JSONValue(parsing: Array(text.utf8)).object)
        return try FunctionResponse(object, isList: isList)
    }

    @Test(
        "the form of the content decides its type unless the function names one",
        arguments: [
            (#"{"body":"x"}"#, "text/html; charset=utf-8", "x"),
            (#"{"json":{"a":[1]}}"#, "application/json", "{\"a\":[1]}\n"),
            (#"{"base64":"aGVsbG8="}"#, "application/binary", "hello"),
            (#"{"body":"x","headers":{"content-type":"text/x-y"}}"#, "text/x-y", "x"),
            ("{}", "application/json", ""),
        ]
    )
    func types(text: String, type: String, body: String) throws {
        let response = try response(text)
        #expect(response.contentType == type)
        #expect(String(decoding: response.body, as: UTF8.self) == body)
        #expect(response.headers.isEmpty)
        #expect(response.status == nil)
    }

    @Test("a list's body is JSON unless the function says otherwise")
    func lists() throws {
        #expect(try response(#"{"body":"x"}"#, isList: true).contentType == "application/json")
        #expect(
            try response(#"{"body":"x","headers":{"Content-Type":"text/csv"}}"#, isList: true).contentType
                == "text/csv"
        )
    }

    @Test("status and other header fields are the function's, framing is not, nor are split lines")
    func heads() throws {
        let response = try response(
            #"{"code":202,"headers":{"X-A":"1","Content-Length":"9","X-B":"a\r\nX-C: b","X-D":5}}"#
        )
        #expect(response.status == 202)
        #expect(response.headers.map(\.name) == ["X-A", "X-D"])
        #expect(response.headers.map(\.value) == ["1", "5"])
    }

    @Test("members that mean nothing are refused")
    func unknown() {
        #expect(throws: SettleError.self) { try response(#"{"bdy":"x"}"#) }
        #expect(throws: SettleError.self) { try response(#"{"base64":"%%%"}"#) }
    }
}
