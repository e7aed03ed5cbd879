// What the documentation shows on Debian's packages, checked against plain counting.

import Foundation
import SettleCore
import SettleTestSupport
import Testing

@testable import Settle

#if JavaScript
import SettleJavaScript
#endif

@Suite("Views of Debian's packages")
struct PackagesTests {
    private let test: TestDatabase
    private let packages: [JSONValue]
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../Fixtures/packages").standardized

    init() throws {
        var options = StoreOptions(syncsCommits: false)
        #if JavaScript
        options.functionEngine = InProcessEngine()
        #endif
        test = try TestDatabase(options: options)
        let lines = try String(contentsOf: Self.folder.appending(path: "sample.jsonl"), encoding: .utf8)
            .split(separator: "\n")
        packages = try lines.map { try JSONValue(parsing: Array($0.utf8)) }
        _ = try test.write(
            lines.map { line in
                let document = try IncomingDocument(parsing: Array(line.utf8))
                return try DocumentEdit(
                    id: try #require(document.id),
                    kind: .interactive(parent: nil),
                    document: document
                )
            }
        )
        let views = try JSONValue(
            parsing: Array(Data(contentsOf: Self.folder.appending(path: "views.json")))
        )
        try test.put("_design/packages", views.text)
    }

    /// How often each text occurs.
    private func counts(_ texts: [String]) -> [String: Int] {
        texts.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private func domain(_ package: JSONValue) -> String? {
        package["Maintainer"]?["email"]?.string.flatMap { $0.split(separator: "@").last?.lowercased() }
    }

    private func statistics(_ priority: String) -> ViewStatistics {
        let sizes = packages.filter { $0["Priority"]?.string == priority }.compactMap { $0["Size"]?.double }
        return ViewStatistics(
            sum: sizes.reduce(0, +),
            count: sizes.count,
            minimum: sizes.min() ?? 0,
            maximum: sizes.max() ?? 0,
            sumOfSquares: sizes.reduce(0) { $0 + $1 * $1 }
        )
    }

    private var dependencies: [String] {
        packages.flatMap { $0["Depends"]?.array ?? [] }.compactMap { $0["name"]?.string }
    }

    #if JavaScript
    @Test(
        "the design document's counts are those that one gets by counting",
        arguments: ["sections", "maintainer_domains", "dependents"]
    )
    func counting(name: String) async throws {
        let view = try test.database.view(
            of: "_design/packages",
            named: name,
            keys: String.self,
            reduced: Int.self
        )
        let texts =
            switch name {
            case "sections": packages.compactMap { $0["Section"]?.string }
            case "dependents": dependencies
            default: packages.compactMap(domain)
            }
        let expected = counts(texts)
        let groups = try await view.groups()
        #expect(Dictionary(uniqueKeysWithValues: groups.map { ($0.key, $0.value) }) == expected)
        #expect(try await view.reduction() == texts.count)
        #expect(try await view.count() == texts.count)
    }

    @Test("the sizes by priority are those that one gets by adding up")
    func sizes() async throws {
        let view = try test.database.view(
            of: "_design/packages",
            named: "sizes",
            keys: String.self,
            reduced: ViewStatistics.self
        )
        let groups = try await view.groups()
        #expect(groups.map(\.key) == ["extra", "important", "optional", "required", "standard"])
        for group in groups {
            let expected = statistics(group.key)
            #expect(group.value.count == expected.count)
            #expect(group.value.sum == expected.sum)
            #expect(group.value.minimum == expected.minimum)
            #expect(group.value.maximum == expected.maximum)
            // Exact there, rounded with every addition here.
            #expect(abs(group.value.sumOfSquares / expected.sumOfSquares - 1) < 1e-12)
        }
    }

    @Test("one row per dependency, with the version asked for as its value")
    func dependents() async throws {
        let view = try test.database.view(of: "_design/packages", named: "dependents", keys: String.self)
        let rows = try await view.rows(.key("libstdc++6"))
        let expected = packages.filter { package in
            package["Depends"]?.array?.contains { $0["name"] == "libstdc++6" } == true
        }
        #expect(rows.map(\.id.text) == expected.compactMap { $0["_id"]?.string }.sorted())
        #expect(rows.first { $0.id == "4ti2" }?.value == "5.2")
    }

    @Test("a function that is tried out finds the same as one that is kept")
    func tryingOut() async throws {
        let kept = try test.database.view(of: "_design/packages", named: "sections")
        let tried = try await test.database.temporaryView(
            javaScript: "function (doc) { emit(doc.Section, null) }",
            reduce: "function (k, v, r) { return r ? sum(v) : v.length }"
        )
        // The design document itself is not mapped.
        #expect(try await tried.groups().map(\.value) == kept.groups().map(\.value))
        let error = await #expect(throws: SettleError.self) {
            try await test.database.temporaryView(javaScript: "function (doc) {")
        }
        #expect(error?.name == "compilation_error")
    }
    #endif

    @Test("Swift's view of sections counts the same")
    func native() async throws {
        let sections = NativeView<String, Int, Never>("sections", version: 1) { document, emit in
            if let section = document["Section"]?.string { emit(section, document["Size"]?.int ?? 0) }
        }
        let groups = try await test.database.open(sections.reduced(by: .count)).groups()
        #expect(
            Dictionary(uniqueKeysWithValues: groups.map { ($0.key, $0.value) })
                == counts(packages.compactMap { $0["Section"]?.string })
        )
        let largest = packages.compactMap { $0["Size"]?.int }.max()
        #expect(
            try await test.database.open(sections.reduced(by: .greatest(1))).reduction()?.first == largest
        )
    }
}
