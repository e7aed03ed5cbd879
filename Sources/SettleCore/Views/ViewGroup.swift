// The views of one design document: they are one index, built in one pass over the documents.
//
//     "views": {"sum":   {"map": M, "reduce": "_sum"},
//               "count": {"map": M, "reduce": "_count"},       two trees: M with two reductions, N without
//               "by_n":  {"map": N}}
//
// Views with the same map function and options share a tree, whose nodes then carry a reduction for each. The signature
// names the index: it depends on everything that decides what rows there are, and on nothing else, so that two design
// documents that say the same share one index, and an edit of a filter or a `_rev` doesn't build anything anew.
//
// The subtle thing: sources are compared as bytes. `String` equality would take two spellings of "é" for one.

import Crypto

/// One named view.
package struct ViewDefinition: Sendable, Hashable {
    /// Its name's UTF-8 text.
    package let nameBytes: [UInt8]
    /// The source of its map function; in a design document of another language, the JSON text of its definition.
    package let map: [UInt8]
    /// The source or name of its reduce function; nil if it has none.
    package let reduce: [UInt8]?
    /// Which keys come before which: `"options":{"collation":"raw"}`.
    package let collation: CollationKey.Order
    /// Which tree of the index has its rows.
    package fileprivate(set) var tree = 0
    /// Which of the tree's reductions is its own; nil if it has none.
    package fileprivate(set) var reducer: Int?

    package init(name: [UInt8], map: [UInt8], reduce: [UInt8]?, collation: CollationKey.Order = .unicode) {
        nameBytes = name
        self.map = map
        self.reduce = reduce
        self.collation = collation
    }

    /// Its name.
    package var name: String { String(decoding: nameBytes, as: UTF8.self) }
}

/// The rows of one map function, with the reductions that views want of them.
package struct ViewTree: Sendable, Hashable {
    package let map: [UInt8]
    package let collation: CollationKey.Order
    package fileprivate(set) var reduces: [[UInt8]]
}

/// All views of one design document.
package struct ViewGroup: Sendable, Hashable {
    /// What the functions are written in: `javascript` unless the design document says otherwise.
    package let language: String
    /// In the order of their names' bytes.
    package let views: [ViewDefinition]
    package let trees: [ViewTree]
    /// `views.lib`, what map functions can `require`: canonical JSON text.
    package let library: [UInt8]?
    /// Whether design documents are mapped too.
    package let includesDesignDocuments: Bool
    /// Whether documents have `_local_seq` when they are mapped.
    package let includesLocalSequence: Bool
    /// Whether the index may be brought up to date before anybody asks; no part of the signature.
    package let updatesInBackground: Bool
    /// Names the index: 32 hexadecimal digits.
    package let signature: String

    package init(
        language: String = "javascript",
        views: [ViewDefinition],
        library: [UInt8]? = nil,
        includesDesignDocuments: Bool = false,
        includesLocalSequence: Bool = false,
        updatesInBackground: Bool = true
    ) {
        self.language = language
        self.library = library
        self.includesDesignDocuments = includesDesignDocuments
        self.includesLocalSequence = includesLocalSequence
        self.updatesInBackground = updatesInBackground
        var views = views.sorted { $0.nameBytes.lexicographicallyPrecedes($1.nameBytes) }
        var trees: [ViewTree] = []
        for index in views.indices {
            let view = views[index]
            let tree = trees.firstIndex { $0.map == view.map && $0.collation == view.collation }
            views[index].tree = tree ?? trees.count
            if tree == nil {
                trees.append(ViewTree(map: view.map, collation: view.collation, reduces: []))
            }
            guard let reduce = view.reduce else { continue }
            let place = views[index].tree
            let reducer = trees[place].reduces.firstIndex(of: reduce)
            views[index].reducer = reducer ?? trees[place].reduces.count
            if reducer == nil { trees[place].reduces.append(reduce) }
        }
        self.views = views
        self.trees = trees
        signature = Self.signature(
            language: language,
            views: views,
            library: library,
            flags: (includesDesignDocuments ? 1 : 0) | (includesLocalSequence ? 2 : 0)
        )
    }

    /// The view of a name; nil if there is none.
    package func view(_ name: String) -> ViewDefinition? {
        views.first { $0.nameBytes.elementsEqual(name.utf8) }
    }

    /// MD5 of every part with its length, so that no two groups run together.
    private static func signature(
        language: String,
        views: [ViewDefinition],
        library: [UInt8]?,
        flags: UInt64
    ) -> String {
        var bytes: [UInt8] = []
        func append(_ part: [UInt8]?) {
            appendVarint(part.map { UInt64($0.count) + 1 } ?? 0, to: &bytes)
            bytes.append(contentsOf: part ?? [])
        }
        append(Array(language.utf8))
        appendVarint(flags, to: &bytes)
        append(library)
        for view in views {
            append(view.nameBytes)
            append(view.map)
            append(view.reduce)
            appendVarint(UInt64(view.collation.rawValue), to: &bytes)
        }
        var text: [UInt8] = []
        let digits = Array("0123456789abcdef".utf8)
        for byte in Insecure.MD5.hash(data: bytes) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
