import SettleCore
import Testing

@Suite("JSON values as Swift types")
struct JSONValueCodingTests {
    struct Book: Codable, Equatable {
        enum Kind: String, Codable { case novel, other }
        struct Place: Codable, Equatable { var shelf: Int, box: UInt8? }

        var title: String
        var year: Int?
        var price: Double
        var kinds: [Kind]
        var place: Place
        var extra: JSONValue
        var lent: [String: Bool]
    }

    class Base: Codable {
        var a = 1
        init() {}
    }

    final class Derived: Base {
        var b = [2]
        override init() { super.init() }
        enum Keys: CodingKey { case b }
        required init(from decoder: any Decoder) throws {
            b = try decoder.container(keyedBy: Keys.self).decode([Int].self, forKey: .b)
            try super.init(from: try decoder.container(keyedBy: Keys.self).superDecoder())
        }
        override func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: Keys.self)
            try members.encode(b, forKey: .b)
            try super.encode(to: members.superEncoder())
        }
    }

    let book = Book(
        title: "Emma",
        year: nil,
        price: 3,
        kinds: [.novel, .other],
        place: Book.Place(shelf: -4, box: 255),
        extra: ["n": 123, "list": [nil, 1.5, "é"]],
        lent: ["now": true]
    )

    @Test("a value becomes the tree that its declaration says")
    func encoding() throws {
        let text = try JSONValue(encoding: book).text
        #expect(
            text == #"{"title":"Emma","price":3.0,"kinds":["novel","other"],"place":{"shelf":-4,"box":255},"#
                + #""extra":{"n":123,"list":[null,1.5,"é"]},"lent":{"now":true}}"#
        )
        #expect(try JSONValue(encoding: [String?.none, "a"]).text == #"[null,"a"]"#)
        #expect(try JSONValue(encoding: UInt64.max).text == "18446744073709551615")
        #expect(try JSONValue(encoding: [[Int]]()).text == "[]")
        #expect(try JSONValue(encoding: [String: Int]()).text == "{}")
        #expect(try JSONValue(encoding: Derived()).text == #"{"b":[2],"super":{"a":1}}"#)
    }

    @Test("what was encoded is decoded again")
    func roundTrip() throws {
        #expect(try JSONValue(encoding: book).decoded(as: Book.self) == book)
        let big = try JSONValue(parsing: Array("[123456789012345678901234567890,1.0,1]".utf8))
        #expect(try JSONValue(encoding: [big]).decoded(as: [JSONValue].self) == [big])
        #expect(try JSONValue(encoding: Derived()).decoded(as: Derived.self).a == 1)
        #expect(try JSONValue(encoding: UInt64.max).decoded(as: UInt64.self) == .max)
    }

    @Test("whole doubles read as integers and integers as doubles")
    func numbers() throws {
        #expect(try JSONValue(3.0).decoded(as: Int.self) == 3)
        #expect(try JSONValue(3).decoded(as: Double.self) == 3)
    }

    @Test("what does not fit is an error that says where")
    func mismatches() throws {
        let tree = try JSONValue(parsing: Array(#"{"title":"x","price":1,"kinds":["novel","no"]}"#.utf8))
        #expect(throws: DecodingError.self) { try tree.decoded(as: Book.self) }
        #expect(throws: DecodingError.self) { try JSONValue(300).decoded(as: UInt8.self) }
        #expect(throws: DecodingError.self) { try JSONValue(1.5).decoded(as: Int.self) }
        #expect(throws: DecodingError.self) { try (["a"] as JSONValue).decoded(as: [Int].self) }
        #expect(throws: EncodingError.self) { try JSONValue(encoding: Double.nan) }
        do {
            _ = try (["a": ["b": [1, "x"]]] as JSONValue).decoded(as: [String: [String: [Int]]].self)
        } catch DecodingError.typeMismatch(_, let context) {
            #expect(context.codingPath.map(\.stringValue) == ["a", "b", "1"])
        }
    }
}
