import SettleCore
import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite("Native views")
struct NativeViewTests {
    struct Book: Codable {
        var author: String
        var title: String
        var pages: Int
    }

    let test: TestDatabase
    let pages = NativeView<[String], Int, Never>("pages", version: 1, of: Book.self) { book, _, emit in
        emit([book.author, book.title], book.pages)
    }

    init() throws {
        test = try TestDatabase()
        for (id, author, title, pages) in [
            ("1", "Austen", "Emma", 474), ("2", "Austen", "Persuasion", 249),
            ("3", "Eliot", "Middlemarch", 880),
            ("4", "Gaskell", "Cranford", 257),
        ] {
            try test.put(DocumentID(id), #"{"author":"\#(author)","title":"\#(title)","pages":\#(pages)}"#)
        }
        try test.put("note", #"{"text":"no book"}"#)
    }

    @Test("rows come with typed keys and values, in the order of keys, and follow the documents")
    func rows() async throws {
        let view = test.database.open(pages)
        #expect(try await view.rows().map(\.key[1]) == ["Emma", "Persuasion", "Middlemarch", "Cranford"])
        #expect(try await view.rows(descending: true, skip: 1, limit: 2).map(\.value) == [880, 249])
        #expect(try await view.rows(.prefix("Austen")).map(\.id) == ["1", "2"])
        #expect(try await view.rows(.key(["Eliot", "Middlemarch"])).map(\.value) == [880])
        #expect(
            try await view.rows(.keys([["Gaskell", "Cranford"], ["no"], ["Austen", "Emma"]])).map(\.id) == [
                "4", "1",
            ]
        )
        #expect(try await view.rows(.from(["B"], to: ["Gaskell", "Cranford"])).map(\.id) == ["3"])
        #expect(try await view.rows(.from(["B"], through: ["Gaskell", "Cranford"])).map(\.id) == ["3", "4"])
        #expect(try await view.rows(.from(["Eliot"])).count == 2)
        #expect(try await view.rows(.through(["Eliot"])).count == 2)
        #expect(try await view.count(.prefix("Austen")) == 2)
        try test.put("5", #"{"author":"Austen","title":"Sanditon","pages":1}"#)
        #expect(try await view.rows(.prefix("Austen")).map(\.id) == ["1", "2", "5"])
        #expect(try await view.count() == 5)
    }

    @Test("values are reduced as a whole, by key, and by the first elements of keys")
    func reductions() async throws {
        let sum = test.database.open(pages.reduced(by: .sum))
        #expect(try await sum.reduction() == 474 + 249 + 880 + 257)
        #expect(try await sum.reduction(.prefix("Austen")) == 474 + 249)
        #expect(try await sum.reduction(.prefix("Zola")) == nil)
        let authors = try await sum.groups(level: 1)
        #expect(authors.map(\.key) == [["Austen"], ["Eliot"], ["Gaskell"]])
        #expect(authors.map(\.value) == [723, 880, 257])
        #expect(
            try await sum.groups(level: 1, as: [JSONValue].self).map(\.key[0].string) == [
                "Austen", "Eliot", "Gaskell",
            ]
        )
        #expect(try await sum.groups(descending: true, limit: 1).map(\.key) == [["Gaskell", "Cranford"]])
        let statistics = try await test.database.open(pages.reduced(by: .statistics)).reduction()
        #expect(statistics?.count == 4)
        #expect(statistics?.maximum == 880)
        #expect(
            try await test.database.open(pages.reduced(by: .count)).groups(level: 1).map(\.value) == [
                2, 1, 1,
            ]
        )
        #expect(try await test.database.open(pages.reduced(by: .greatest(2))).reduction() == [880, 474])
        #expect(try await test.database.open(pages.reduced(by: .first)).reduction() == 474)
        #expect(try await test.database.open(pages.reduced(by: .approximateKeyCount)).reduction() == 4)
    }

    @Test("a reducer of closures reduces rows and then what came of them")
    func closures() async throws {
        let longest = ViewReducer<Int, [Int]>.closure("longest", version: 1) { values in
            [values.max() ?? 0]
        } combine: { parts in
            [parts.joined().max() ?? 0]
        }
        let view = test.database.open(pages.reduced(by: longest))
        #expect(try await view.reduction() == [880])
        #expect(try await view.groups(level: 1).map(\.value) == [[474], [880], [257]])
        for number in 0..<500 {
            try test.put(DocumentID("x\(number)"), #"{"author":"X","title":"\#(number)","pages":\#(number)}"#)
        }
        #expect(try await view.reduction(.prefix("X")) == [499])
    }

    @Test("another version of a view is another index")
    func versions() async throws {
        func view(_ version: Int) -> OpenView<String, Int, Never> {
            test.database.open(
                NativeView("titles", version: version) { document, emit in
                    emit((document["title"]?.string ?? "") + "\(version)", version)
                }
            )
        }
        #expect(try await view(1).rows().map(\.key).last == "Persuasion1")
        #expect(try await view(2).rows().map(\.key).last == "Persuasion2")
        #expect(try await view(1).rows().map(\.value) == [1, 1, 1, 1, 1])
    }

    @Test(
        "a document that a map function throws on, or that is of another type, has no rows, and others have theirs"
    )
    func failures() async throws {
        let view = test.database.open(
            NativeView<String, Double, Never>("odd", version: 1) { document, emit in
                emit("before", 1)
                guard document.id != "2" else { throw SettleError(.badRequest) }
                if document.id == "3" { emit("nan", .nan) }
            }
        )
        #expect(try await view.rows().map(\.id) == ["1", "4", "note"])
    }

    @Test("values of another type than asked for are an error that says so")
    func types() async throws {
        _ = try await test.database.open(pages).rows()
        let other = NativeView<[String], String, Never>("pages", version: 1, of: Book.self) { _, _, _ in }
        let error = await #expect(throws: SettleError.self) { try await test.database.open(other).rows() }
        #expect(error?.kind == .badRequest)
    }

    @Test("long ranges are read in pages, both ways")
    func pagesOfRows() async throws {
        let edits = try (0..<2500).map { number in
            try test.edit(DocumentID("n\(number)"), #"{"author":"N","title":"t","pages":\#(number)}"#)
        }
        _ = try test.write(edits)
        let view = test.database.open(
            NativeView<Int, Int, Never>("by pages", version: 1, of: Book.self) { book, _, emit in
                emit(book.pages, book.pages)
            }
        )
        let rows = try await view.rows(.from(0, to: 2400), skip: 5)
        #expect(rows.count == 2400 + 4 - 5)
        #expect(rows.map(\.key) == rows.map(\.key).sorted())
        #expect(try await view.rows(descending: true).map(\.key) == view.rows().map(\.key).reversed())
        let groups = try await test.database.open(
            NativeView<Int, Int, Never>("by pages", version: 1, of: Book.self) { book, _, emit in
                emit(book.pages, book.pages)
            }.reduced(by: .count)
        ).groups()
        #expect(groups.count == 2500)
        #expect(groups.reduce(0) { $0 + $1.value } == 2504)
    }

    @Test("a temporary view has the documents of its moment, and leaves nothing behind")
    func temporary() async throws {
        func present() throws -> [String] {
            try FileSystem.list("\(test.database.directory)/views").filter { $0.contains("temporary") }
        }
        do {
            let view = try await test.database.temporaryView(pages.reduced(by: .sum))
            #expect(try present().count == 1)
            try test.put("5", #"{"author":"Austen","title":"Sanditon","pages":1}"#)
            #expect(try await view.rows(.prefix("Austen")).count == 2)
            #expect(try await view.reduction() == 1860)
            let other = try await test.database.temporaryView(pages)
            #expect(try await other.rows().count == 5)
            #expect(try present().count == 2)
        }
        #expect(try present() == [])
    }

    @Test("what a killed process has left of a temporary view is removed by the next one")
    func leftovers() async throws {
        let left = "\(test.database.directory)/views/native-temporary-1-1"
        try FileSystem.createDirectory("\(test.database.directory)/views")
        try FileSystem.createDirectory(left)
        _ = try FileLock(path: "\(left)/owner.lock")
        let view = try await test.database.temporaryView(pages)
        #expect(try await view.count() == 4)
        #expect(!FileSystem.exists(left))
    }

    @Test("JavaScript without an engine is a clear error")
    func noEngine() async {
        let error = await #expect(throws: SettleError.self) {
            try await test.database.temporaryView(javaScript: "function(doc) { emit(doc._id) }")
        }
        #expect(error?.kind == .notImplemented)
    }
}
