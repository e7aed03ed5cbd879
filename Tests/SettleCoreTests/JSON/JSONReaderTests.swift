import SettleCore
import Testing

@Suite("The pull reader")
struct JSONReaderTests {
    @Test("a body is walked member by member, and what nobody asks for is passed over")
    func walk() throws {
        let text = Array(
            #" {"x":[1,{"y":2}], "docs":[{"_id":"a"}, {"_id":"b"} ,3], "new_edits" : false} "#.utf8
        )
        var reader = JSONReader(text)
        var documents: [String] = []
        var newEdits: Bool?
        #expect(try reader.enterObject())
        while try reader.nextMember() {
            if reader.nameIs("docs") {
                #expect(try reader.enterArray())
                while try reader.nextElement() {
                    documents.append(String(decoding: text[try reader.skip()], as: UTF8.self))
                }
            } else if reader.nameIs("new_edits") {
                newEdits = try reader.bool()
            }
        }
        try reader.finish()
        #expect(documents == [#"{"_id":"a"}"#, #"{"_id":"b"}"#, "3"])
        #expect(newEdits == false)
    }

    @Test("values read as what they are, and as nil when asked for something else")
    func values() throws {
        var reader = JSONReader(Array(#"["a\n",12,-1.5,true,false,null,{"k":1},[2],"z",7]"#.utf8))
        #expect(try reader.enterArray())
        func step() throws { #expect(try reader.nextElement()) }
        try step()
        #expect(try reader.string() == "a\n")
        try step()
        #expect(try reader.int() == 12)
        try step()
        #expect(try reader.int() == nil)
        try step()
        #expect(try reader.bool() == true)
        try step()
        #expect(try reader.string() == nil)
        try step()
        #expect(try reader.kind() == .null)
        #expect(try reader.value() == nil)
        try step()
        #expect(try reader.enterArray() == false)
        #expect(try reader.value() == ["k": 1])
        try step()
        #expect(try reader.bool() == nil)
        try step()
        #expect(try reader.stringBytes() == Array("z".utf8))
        try step()
        #expect(try reader.number()?.int64 == 7)
        #expect(try reader.nextElement() == false)
        try reader.finish()
    }

    @Test("names are compared as what they stand for")
    func names() throws {
        var reader = JSONReader(Array(#"{"\u0064ocs":1,"e\u0301":2,"ab":3}"#.utf8))
        #expect(try reader.enterObject())
        #expect(try reader.nextMember())
        #expect(reader.nameIs("docs"))
        #expect(!reader.nameIs("doc"))
        #expect(try reader.nextMember())
        #expect(!reader.nameIs("\u{E9}"))
        #expect(reader.nameBytes == [0x65, 0xCC, 0x81])
        #expect(try reader.nextMember())
        #expect(reader.name == "ab")
        #expect(!reader.nameIs("abc"))
    }

    @Test("nested containers are entered and left")
    func nesting() throws {
        var reader = JSONReader(Array(#"{"a":{"b":[[],[1]]},"c":[]}"#.utf8))
        var path: [String] = []
        #expect(try reader.enterObject())
        while try reader.nextMember() {
            path.append(reader.name)
            if try reader.enterObject() {
                while try reader.nextMember() {
                    path.append(reader.name)
                    #expect(try reader.enterArray())
                    while try reader.nextElement() {
                        #expect(try reader.enterArray())
                        #expect(reader.depth == 4)
                        while try reader.nextElement() { path.append("\(try reader.int() ?? 0)") }
                    }
                }
            }
        }
        try reader.finish()
        #expect(path == ["a", "b", "1", "c"])
        #expect(reader.depth == 0)
    }

    @Test("a commas without a value, and a missing one, are errors")
    func commas() throws {
        for (text, offset) in [("[1,]", 3), ("[1 2]", 3), ("[,]", 1)] {
            var reader = JSONReader(Array(text.utf8))
            #expect(throws: JSONError(offset: offset, problem: .unexpectedByte)) {
                _ = try reader.enterArray()
                while try reader.nextElement() {}
            }
        }
    }
}
