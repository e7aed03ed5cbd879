import SettleCore
import Testing

@Suite("Forms")
struct MultipartFormTests {
    private func part(_ disposition: String, _ content: String, type: String? = nil) -> String {
        let type = type.map { "Content-Type: \($0)\r\n" } ?? ""
        return "--b\r\nContent-Disposition: form-data; \(disposition)\r\n\(type)\r\n\(content)\r\n"
    }

    @Test("fields have values, files names, types and content; a field without a choice has no file")
    func parts() throws {
        let body =
            part(#"name="_rev""#, "1-abc") + part(#"name="_rev""#, "2-later")
            + part(#"name="f"; filename="a b.txt""#, "one\r\ntwo", type: "text/plain; charset=utf-8")
            + part(#"name="f"; filename="x""#, "untyped") + part(#"name="f"; filename="""#, "")
            + part(#"name="g"; filename="y""#, "", type: "image/png") + "--b--"
        let form = try MultipartForm(Array(body.utf8), boundary: "b")
        #expect(form["_rev"] == Array("1-abc".utf8))
        #expect(form["none"] == nil)
        let files = form.files("f")
        #expect(files.map(\.name) == [Array("a b.txt".utf8), Array("x".utf8)])
        #expect(
            files.map(\.contentType) == [Array("text/plain".utf8), Array("application/octet-stream".utf8)]
        )
        #expect(files.map(\.content) == [Array("one\r\ntwo".utf8), Array("untyped".utf8)])
        #expect(form.files("g").map(\.content) == [[]])
    }

    @Test("a form that is cut off is refused")
    func cut() {
        let body = part(#"name="a""#, "1")
        #expect(throws: SettleError.self) { try MultipartForm(Array(body.utf8), boundary: "b") }
    }
}
