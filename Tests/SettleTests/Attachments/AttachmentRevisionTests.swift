// Revisions of documents with attachments, as CouchDB 3.5 names them (recorded answers).

import SettleCore
import Testing

@testable import Settle

@Suite("Revisions with attachments")
struct AttachmentRevisionTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        "New documents get CouchDB's revisions",
        arguments: [
            ("text/plain", "hello", "1-379c887bbb58be1e84ef91d0c03d338f", "t.txt"),
            ("application/octet-stream", "hello", "1-52e3db0f67589340241a9870647f6af9", "t.bin"),
            ("text/plain", "", "1-9d1fac41a83da9e1c808133d62f4ac70", "z"),
            ("application/octet-stream", "hello", "1-9a8e43b2f5d6b824c57e7bb2d16a4036", "z"),
            ("text/plain", "version one", "1-b6d21cd6bf2fa4c8fab1b400f391a529", "f.txt"),
        ]
    )
    func newDocuments(type: String, content: String, revision: String, name: String) throws {
        let test = try TestDatabase()
        let outcome = try test.put("d", attachments: [test.new(name, bytes(content), type)])
        #expect(outcome.revision?.text == revision)
    }

    @Test("Order counts, a new attachment comes first, and stubs keep their digests")
    func chain() throws {
        let test = try TestDatabase()
        let png = "image/png"
        let first = try test.put(
            "two",
            attachments: [test.new("a", [0, 1, 2], png), test.new("b", [3, 4, 5], png)]
        ).revision
        #expect(first?.text == "1-646663d5abd14891b782d9f4af000fa4")
        let reversed = try test.put(
            "two2",
            attachments: [test.new("b", [3, 4, 5], png), test.new("a", [0, 1, 2], png)]
        )
        #expect(reversed.revision?.text == "1-0b83c52b42fb555a09448773cbaddff3")
        let added = try #require(
            try test.database.attachmentEdit(
                of: "two",
                at: first,
                [test.new("c", [6, 7, 8], png), .others()]
            )
        )
        let second = try test.write([added])[0].revision
        #expect(second?.text == "2-ce29c8d5d3916d35d6930d359a630116")
        #expect(try test.database.attachments(of: "two").map(\.name) == ["c", "a", "b"])
    }

    @Test("Edits with stubs and documents read like CouchDB's")
    func stubs() throws {
        let test = try TestDatabase()
        let hello = try test.new("hello.txt", bytes("Hello, world!"), "text/plain")
        let pixel = try test.new("pixel.bin", Array(0...9))
        let first = try test.put("d", attachments: [hello, pixel]).revision
        #expect(first?.text == "1-499ecde54a153effe1861fa9044e1b17")
        #expect(
            try test.get("d") == """
                {"_id":"d","_rev":"1-499ecde54a153effe1861fa9044e1b17","_attachments":{"hello.txt":{"content_type":\
                "text/plain","revpos":1,"digest":"md5-gSr8dSmynwAoomH7V6RVYw==","length":13,"stub":true},"pixel.bin":\
                {"content_type":"application/octet-stream","revpos":1,"digest":"md5-xWvVSA9uVBPLYqCtlmZhOg==",\
                "length":10,"stub":true}}}
                """
        )
        #expect(try test.get("d", .attachments)?.contains(#""data":"SGVsbG8sIHdvcmxkIQ==""#) == true)
        #expect(
            try test.get("d", .encodingInfo)?.contains(
                #""length":13,"stub":true,"encoding":"gzip","encoded_length":33}"#
            )
                == true
        )
        let second = try test.put("d", #"{"k":1}"#, parent: first, attachments: [.stub("hello.txt")]).revision
        #expect(second?.text == "2-f9493af9c0350e03784e108b0bcfea72")
        let third = try test.put(
            "d",
            parent: second,
            attachments: [.stub("hello.txt"), test.new("new.txt", bytes("new"), "text/plain")]
        )
        #expect(third.revision?.text == "3-1f22d5b70d84f1d27bd83547102d734e")
        let missing = try test.put("d", parent: third.revision, attachments: [.stub("gone.txt")])
        #expect(missing.error == SettleError(.missingStub, "Invalid attachment stub in d for gone.txt"))
        let wrongPosition = try test.put(
            "d",
            parent: third.revision,
            attachments: [.stub("hello.txt", revpos: 2)]
        )
        #expect(wrongPosition.error?.kind == .missingStub)
        #expect(try test.put("d", parent: second, attachments: [.stub("gone.txt")]).error?.kind == .conflict)
        #expect(
            try test.put("e", attachments: [.stub("x")]).error
                == SettleError(.missingStub, "Invalid attachment stub in e for x")
        )
        let html = try test.new("hello.txt", bytes("Hello, world!"), "text/html")
        #expect(
            try test.put("d", parent: third.revision, attachments: [html]).revision?.text
                == "4-14feeb7ab8691634fa058eda95666d9d"
        )
        #expect(try test.database.check() == [])
    }

    @Test("Content that arrives compressed is stored as it came")
    func precompressed() throws {
        let test = try TestDatabase()
        let data = try test.put("r", attachments: [test.new("data.bin", bytes("0123456789abcdefghij"))])
            .revision
        #expect(data?.text == "1-a5212609a972292631946bcfb3a399a3")
        let text = try test.new("text.txt", Array(repeating: UInt8(ascii: "a"), count: 60), "text/plain")
        let second = try test.write([
            #require(try test.database.attachmentEdit(of: "r", at: data, [text, .others()]))
        ])
        #expect(second[0].revision?.text == "2-b3902d1d03dc4809f0dfaf4b6ae6546f")
        let gzip = try #require(Base64.decode("H4sIAAAAAAACA0vMKUpNTKlUSM7PLShKLS5OTQEA/Co7NBIAAAA=".utf8))
        let staged = try test.stage(gzip, "text/plain", receivedEncoding: .gzip)
        let pre = EditAttachment.staged(name: bytes("pre.txt"), contentType: bytes("text/plain"), staged)
        let third = try test.write([
            #require(try test.database.attachmentEdit(of: "r", at: second[0].revision, [pre, .others()]))
        ])
        #expect(third[0].revision?.text == "3-522b6a2cd2ba21eaa6183ee6425f814e")
        #expect(try test.database.attachment("pre.txt", of: "r")?.bytes() == bytes("already compressed"))
        #expect(staged.length == 38)
        #expect(try test.database.check() == [])
    }

    @Test("A replicated revision's stubs stand for what the nearest stored ancestor has")
    func replicatedStubs() throws {
        let test = try TestDatabase()
        let content = EditAttachment.staged(
            name: bytes("x"),
            contentType: bytes("image/png"),
            revpos: 1,
            try test.stage(bytes("abcd"), "image/png")
        )
        #expect(try test.replicate("n", ["2-ab", "1-aa"], attachments: [content]).revision?.text == "2-ab")
        #expect(try test.get("n")?.contains(#""revpos":1,"#) == true)
        #expect(
            try test.replicate(
                "n",
                ["5-e", "4-d", "3-c", "2-ab", "1-aa"],
                attachments: [.stub("x", revpos: 1)]
            ).error == nil
        )
        #expect(try test.database.attachment("x", of: "n")?.bytes() == bytes("abcd"))
        let stranger = try test.replicate("n", ["6-z", "5-y"], attachments: [.stub("x")])
        #expect(stranger.error == SettleError(.missingStub, "Invalid attachment stub in n for x"))
        // One that is here already is not looked at again.
        #expect(try test.replicate("n", ["2-ab", "1-aa"], attachments: [.stub("nothing")]).error == nil)
        #expect(try test.database.check() == [])
    }

    @Test("A document that comes back after its deletion has no attachments to take over")
    func recreated() throws {
        let test = try TestDatabase()
        let first = try test.put("a", attachments: [test.new("f", bytes("one"))]).revision
        let deleted = try test.put("a", #"{"_deleted":true}"#, parent: first).revision
        #expect(try test.put("a", attachments: [.stub("f")]).error?.kind == .missingStub)
        let back = try test.put("a", #"{"n":1}"#, attachments: [.others()]).revision
        #expect(back?.generation == (deleted?.generation ?? 0) + 1)
        #expect(try test.database.attachments(of: "a") == [])
        #expect(try test.database.attachments(of: "a", revision: first).map(\.name) == ["f"])
    }

    @Test("`atts_since` leaves stubs for what the reader has")
    func since() throws {
        let test = try TestDatabase()
        let first = try #require(try test.put("d", attachments: [test.new("a", bytes("one"))]).revision)
        let second = try #require(
            try test.put("d", parent: first, attachments: [.stub("a"), test.new("b", bytes("two"))]).revision
        )
        func text(_ since: [RevisionID]) throws -> String {
            try test.database.read { snapshot in
                var output = SegmentedBytes(room: .max)
                let record = try #require(try snapshot.document("d"))
                _ = try snapshot.append(
                    "d",
                    record,
                    revision: nil,
                    .attachments,
                    attachmentsSince: since,
                    to: &output
                )
                return String(decoding: output.bytes, as: UTF8.self)
            }
        }
        #expect(try text([first]).contains(#""length":3,"stub":true},"b":{"#))
        #expect(try text([first]).contains(#""data":"dHdv""#))
        #expect(try text([second]).contains("data") == false)
        #expect(try text([]).contains(#""data":"b25l""#))
    }
}
