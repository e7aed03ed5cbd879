import SettleCore
import Testing

/// Bodies that were put into CouchDB 3.5.0 as new documents, and the revisions it answered.
private let recorded: [(String, String)] = [
    (#"{"a":0}"#, "dcf485487e051d7f9b7c62bd4265a425"),
    (#"{"a":255}"#, "0fbe827385026714fdd09b847ebde3ac"),
    (#"{"a":256}"#, "6528e394d3c2502a646ee64043be6186"),
    (#"{"a":-1}"#, "36263f269caa4db3b190ba9d68b9bdf8"),
    (#"{"a":2147483647}"#, "534f6b37e49de94740083e676abba387"),
    (#"{"a":2147483648}"#, "b4f640a52110ec1afa2f52256780e40e"),
    (#"{"a":-2147483648}"#, "199e39432186df98ba32343ab606e80c"),
    (#"{"a":-2147483649}"#, "6d036e2911065ed899639be9adb508c3"),
    (#"{"a":134217728}"#, "9098ec25320a438c4d82b19db4c7f19d"),
    (#"{"a":1152921504606846976}"#, "93a172cf6bf74af46adac0302019b925"),
    (#"{"a":18446744073709551616}"#, "02621d7913faebde4c9d1efebd8500b4"),
    (#"{"a":123456789012345678901234567890123456789}"#, "a8789277338fc6a964c6d1dbb1cf8b42"),
    (#"{"a":-123456789012345678901234567890123456789}"#, "84f8a8f7616f5d81991af6de3e9051a3"),
    (#"{"a":\#(String(repeating: "7", count: 300))}"#, "6c6fe13e1a750e65efbb9f4907d9f08b"),
    (#"{"a":[65535,-128,-129,32768]}"#, "b163b5b8ab4bf3da4e3cc84a5f7d0c95"),
    (#"{"a":1.0}"#, "8a159b695bf2bd957f1a435bfd6e1739"),
    (#"{"a":1.5}"#, "c2d94f8474340cfb2476ac9ac18efe99"),
    (#"{"a":0.1}"#, "5974d01f385519e930e5a28349efba27"),
    (#"{"a":1e3}"#, "c2c73c729063d25a7690bf8c863c4568"),
    (#"{"a":1E+3}"#, "c2c73c729063d25a7690bf8c863c4568"),
    (#"{"a":1.5e-7}"#, "f1bbfdd6238748d9c369d72a25194422"),
    (#"{"a":1.7976931348623157e308}"#, "659564c6549b246f4f078d46978ad9d3"),
    (#"{"a":5e-324}"#, "f8fc1b07134fb0e1af62a5cb42046ee1"),
    (#"{"a":1e-400}"#, "f8fc1b07134fb0e1af62a5cb42046ee1"),
    (#"{"a":-0}"#, "dcf485487e051d7f9b7c62bd4265a425"),
    (#"{"a":-0.0}"#, "79e62e17829588afea5328e32c7e34af"),
    (#"{"a":0.0}"#, "f8fc1b07134fb0e1af62a5cb42046ee1"),
    (#"{}"#, "967a00dff5e02add41819138abb3284d"),
    (#"{"a":{}}"#, "3a998deb00874a1aa37c51ab7d1665df"),
    (#"{"a":[]}"#, "d49a64a623a0fcc15fb2a4e9edf20834"),
    (#"{"a":[[],{}]}"#, "698f0394b840313856d31b0c0b764888"),
    (#"{"a":""}"#, "3fe7f4b6b29eed3be78583c464d8fb8b"),
    (#"{"a":null,"b":true,"c":false}"#, "9ee24fc5101a7ad908e495035b5c47dc"),
    (#"{"x":1,"y":2}"#, "cd90201763f897aa0178b7ff05eb80cb"),
    (#"{"y":2,"x":1}"#, "fa2e8f0d2a833a1d388141f6be1462a0"),
    (#"{"a":1,"b":2,"a":3}"#, "cf8195ee4268460f49235c8e98d42c6f"),
    (#"{"a":"é"}"#, "a84b195a8ccf4e92812a4f2bb2272b90"),
    (#"{"a":"\u00e9"}"#, "a84b195a8ccf4e92812a4f2bb2272b90"),
    (#"{"a":"e\u0301"}"#, "0348f3e57ea9d2d002d3c88d285c3f7b"),
    (#"{"a":"\ud83d\ude00"}"#, "6209036231a849bef7b48602e7245033"),
    (#"{"a":"😀"}"#, "6209036231a849bef7b48602e7245033"),
    (#"{"a":"\n\t\"\\\/\b\f\r"}"#, "fabd881adf3cb5101ea64d4a52082535"),
    (#"{"a":"\u0000\u001f\u007f"}"#, "bb650f656c93141d254b0a595d080da0"),
    (#"{"\u0061":1}"#, "23202479633c2b380f79507a776743d5"),
    (#"{"a":[1,2,3]}"#, "308048961a84beb0c9e99e07facf0f5f"),
    (#"{"a":[1,2,256]}"#, "30a0188439169c59799fe98f4939d410"),
    (#"{"a":[1,-2]}"#, "18fff4e76f40d700c28c454334c5993a"),
    (#"{"a":[1,"2"]}"#, "d11fefe25df53af78ab218d58e478c1d"),
    (#"{"a":[65,66,67]}"#, "8e4d5f3b1581b187976438dad6935e52"),
    (#"{"a":[true,false,null]}"#, "89da3ed7abc31ef880bd70d92afa2fd1"),
    (#"{"a":[[1,2],[3,[4]]]}"#, "b0507e4e4f73387663daa7c3abf52371"),
    (#"{"a":{"b":{"c":{"d":{"e":[{"f":[{"g":1}]}]}}}}}"#, "6544586e2f23450f011eb3ea4fd09f9d"),
    (
        #"{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
        "6cafeccf0f89951fd241be8949ebeb4d"
    ),
    (#"{"a":[1,2.5,"three",{"four":4}],"b":null}"#, "0a2568781f2b15eb220696a7e83b465c"),
    (#"{"_deleted":true,"reason":"kept"}"#, "a5b5183e8c1486be7bb4dbe0bbcf9961"),
    (#"{"reason":"kept","_deleted":true}"#, "a5b5183e8c1486be7bb4dbe0bbcf9961"),
    (
        #"{"f01":1,"f02":"two","f03":[3],"f04":{"n":4},"f05":5.5,"f06":null,"f07":true,"#
            + #""f08":false,"f09":"","f10":[],"f11":{},"f12":"éß日","f13":-13,"f14":1e-3,"f15":"a\tb","#
            + #""f16":[[[]]],"f17":{"a":{"b":{"c":[]}}},"f18":"\"quoted\"","f19":"back\\slash","#
            + #""f20":"/slash/"}"#,
        "c4be0c718e3b736ac24b2b2c12813591"
    ),
    (#"{"a":[\#((0...60).map(String.init).joined(separator: ","))]}"#, "102cf1e43fd5e881231f058790cc8334"),
    (#"{"a":[0,255,256,65535,65536,"x",null,[1],{"b":2}]}"#, "c9bfb609fd4fd271953e67f9f60c1512"),
    (#"{"nested":{"_fine":true}}"#, "314d9997d77fea67a2d4a5bc7ac44771"),
    (
        #"{"_revs_info":[],"_local_seq":1,"_conflicts":["1-a"],"_deleted_conflicts":["1-b"],"k":1}"#,
        "795511030f27ec9ac8d170077c9ed133"
    ),
    (#"{"_deleted":false,"k":1}"#, "795511030f27ec9ac8d170077c9ed133"),
    (#"{"_attachments":{}}"#, "967a00dff5e02add41819138abb3284d"),
    (#"{"_replication_state":"done","_replication_id":"x"}"#, "7e1d5089464f28d4287f65f387d62a9c"),
    (#"{"zip":false}"#, "69e059250293867841f6b740eba67ecb"),
    (#"{"chunks":"a body sent in several chunks","n":12345}"#, "c2fa64fb5a0a78a7c0c6e7c3be0f04f2"),
]

/// The terms that were hashed on Erlang itself.
private let verified: [(String, String)] = [
    ("{}", "967a00dff5e02add41819138abb3284d"),
    (#"{"a":1}"#, "23202479633c2b380f79507a776743d5"),
    (#"{"a":[1,2,3]}"#, "308048961a84beb0c9e99e07facf0f5f"),
    (#"{"a":[]}"#, "d49a64a623a0fcc15fb2a4e9edf20834"),
    (#"{"a":[1,2,256]}"#, "30a0188439169c59799fe98f4939d410"),
    (#"{"a":[1,-2]}"#, "18fff4e76f40d700c28c454334c5993a"),
    (
        #"{"a":true,"b":null,"c":1.5,"d":256,"e":-1,"f":134217728,"f2":2147483647,"g":2147483648,"#
            + #""h":-2147483648,"h2":-2147483649,"i":1152921504606846976,"#
            + #""j":123456789012345678901234567890,"k":{"x":"é"},"l":-0.0}"#,
        "14206de16d739b66a1a4a23baf7b2a9b"
    ),
]

@Suite("Revision digests")
struct RevisionDigestHashingTests {
    @Test("a new document gets CouchDB's revision", arguments: recorded + verified)
    func newDocument(body: String, digest: String) throws {
        let document = try IncomingDocument(parsing: Array(body.utf8))
        #expect(RevisionID(1, document.digest(parent: nil)).text == "1-" + digest)
    }

    @Test("white space makes no difference", arguments: recorded)
    func whiteSpace(body: String, digest: String) throws {
        var spaced = body
        for mark in ["{", "}", "[", "]", ","] {
            spaced = spaced.split(separator: mark, omittingEmptySubsequences: false).joined(
                separator: " \(mark)\n\t"
            )
        }
        let document = try IncomingDocument(parsing: Array(spaced.utf8))
        #expect(RevisionID(1, document.digest(parent: nil)).text == "1-" + digest)
    }

    @Test("without a term made while reading, the body gives the same digest", arguments: recorded)
    func termOfBody(body: String, digest: String) throws {
        // The sign of a negative zero isn't in the text that CouchDB prints.
        guard !body.contains("-0.0") else { return }
        let document = try IncomingDocument(parsing: Array(body.utf8), makingTerm: false)
        #expect(document.bodyTerm.isEmpty)
        #expect(RevisionID(1, document.digest(parent: nil)).text == "1-" + digest)
    }

    @Test("each edit hashes its parent's generation and digest")
    func chain() throws {
        let edit = try IncomingDocument(parsing: Array(#"{"n":1}"#.utf8))
        let deletion = try IncomingDocument(parsing: Array(#"{"_deleted":true}"#.utf8))
        var parent: RevisionID?
        for (document, expected) in [
            (edit, "1-731bef401491606a3b246ed178e697c1"),
            (edit, "2-628fc992f514f9fe826006d9f5019e2e"),
            (edit, "3-30293962d0692358d7aad36678802889"),
            (deletion, "4-4e9169f6993039df389fe01ff4755d58"),
            (edit, "5-860bdc4ae2156e063ab8e3d936f6e4a8"),
        ] {
            let revision = RevisionID((parent?.generation ?? 0) + 1, document.digest(parent: parent))
            #expect(revision.text == expected)
            parent = revision
        }
    }

    @Test("a tombstone hashes as deleted, with what it says")
    func tombstones() throws {
        let empty = try IncomingDocument(parsing: Array(#"{"_deleted":true}"#.utf8))
        let parent = try #require(RevisionID("1-967a00dff5e02add41819138abb3284d"))
        #expect(RevisionID(2, empty.digest(parent: parent)).text == "2-eec205a9d413992850a6e32678485900")
        let speaking = try IncomingDocument(
            parsing: Array(
                #"{"_rev":"1-795511030f27ec9ac8d170077c9ed133","_deleted":true,"why":"kept in the tombstone"}"#
                    .utf8
            )
        )
        #expect(
            RevisionID(2, speaking.digest(parent: speaking.revision)).text
                == "2-d8e7c70944d9bfdcffcf71163ac0d4d2"
        )
    }

    @Test("a parent whose digest isn't 16 bytes is hashed as the text it is")
    func shortParent() throws {
        let document = try IncomingDocument(parsing: Array(#"{"_rev":"1-ab","n":1}"#.utf8))
        #expect(
            RevisionID(2, document.digest(parent: document.revision)).text
                == "2-e864f0799397e6febd69d5997b303fbc"
        )
    }

    @Test("attachments are hashed backwards, with type and MD5")
    func attachments() throws {
        let hello: [UInt8] = [
            0x5D, 0x41, 0x40, 0x2A, 0xBC, 0x4B, 0x2A, 0x76, 0xB9, 0x71, 0x9D, 0x91, 0x10, 0x17, 0xC5, 0x92,
        ]
        func digest(_ name: String, _ type: String, _ md5: [UInt8]) -> RevisionDigest.Attachment {
            RevisionDigest.Attachment(name: Array(name.utf8), contentType: Array(type.utf8), md5: md5)
        }
        let document = try IncomingDocument(parsing: Array("{}".utf8))
        func revision(_ attachments: [RevisionDigest.Attachment]) -> String {
            RevisionID(1, document.digest(parent: nil, attachments: attachments)).text
        }
        #expect(revision([digest("foo.txt", "text/plain", hello)]) == "1-6b436043de0f8bc324799c7c45db8e4f")
        #expect(
            revision([digest("t.bin", "application/octet-stream", hello)])
                == "1-52e3db0f67589340241a9870647f6af9"
        )
        // MD5 of 00 01 02 and of 03 04 05.
        let first: [UInt8] = [
            0xB9, 0x5F, 0x67, 0xF6, 0x1E, 0xBB, 0x03, 0x61, 0x96, 0x22, 0xD7, 0x98, 0xF4, 0x5F, 0xC2, 0xD3,
        ]
        let second: [UInt8] = [
            0x15, 0x07, 0x85, 0x69, 0x16, 0x92, 0x2D, 0x15, 0x6D, 0xE0, 0xC9, 0xD7, 0x5B, 0xB2, 0xB2, 0x59,
        ]
        let (a, b) = (digest("a", "image/png", first), digest("b", "image/png", second))
        #expect(revision([a, b]) == "1-646663d5abd14891b782d9f4af000fa4")
        #expect(revision([b, a]) == "1-0b83c52b42fb555a09448773cbaddff3")
    }
}
