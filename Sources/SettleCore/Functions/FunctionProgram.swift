// What an engine compiles: one design document's functions, or the ad-hoc functions of one question.
//
// A program is a JSON object. A design document is one as it stands: its functions are named by where they are in it
// (`filters.big`), and `require` walks it. The views of an index make another, which is the same for all design
// documents with these views:
//
//     {"maps": ["function(doc){…}", …], "reduces": ["function(keys,values){…}", …], "views": {"lib": {…}}}
//
// The subtle thing is the scope: programs never share anything that a function could change, and two databases may hold
// the same design document. So whom a program belongs to is part of what it is.

import Crypto

/// The functions that requests ask about, and what they can `require`.
package struct FunctionProgram: Sendable {
    /// The JSON object's text.
    package let text: [UInt8]
    /// Names the program: 16 bytes, different for different texts and scopes.
    package let identifier: [UInt8]

    /// The functions of a design document, or of any object of that form.
    ///
    /// - Parameters:
    ///   - designDocument: The design document's JSON text, with its `_id`.
    ///   - scope: Whose it is: the database's name.
    package init(designDocument: [UInt8], scope: String) {
        self.init(text: designDocument, scope: scope)
    }

    /// The map and reduce functions of one index, in the order in which questions number them.
    ///
    /// - Parameters:
    ///   - maps: Their sources.
    ///   - reduces: Their sources.
    ///   - library: `views.lib`, JSON text; nil if there is none.
    ///   - scope: Whose they are: the database's name.
    package init(maps: [[UInt8]], reduces: [[UInt8]], library: [UInt8]?, scope: String) {
        var text = Array(#"{"maps":"#.utf8)
        Self.append(maps, to: &text)
        text.append(contentsOf: #","reduces":"#.utf8)
        Self.append(reduces, to: &text)
        if let library {
            text.append(contentsOf: #","views":{"lib":"#.utf8)
            text.append(contentsOf: library)
            text.append(0x7D)
        }
        text.append(0x7D)
        self.init(text: text, scope: scope)
    }

    /// A program without functions, to check the sources of others with.
    package static let empty = FunctionProgram(maps: [], reduces: [], library: nil, scope: "")

    /// A program that was made elsewhere.
    package init(text: [UInt8], identifier: [UInt8]) {
        self.text = text
        self.identifier = identifier
    }

    private init(text: [UInt8], scope: String) {
        self.text = text
        var hash = Insecure.MD5()
        var length: [UInt8] = []
        appendVarint(UInt64(scope.utf8.count), to: &length)
        hash.update(data: length)
        hash.update(data: Array(scope.utf8))
        hash.update(data: text)
        identifier = Array(hash.finalize())
    }

    private static func append(_ sources: [[UInt8]], to text: inout [UInt8]) {
        text.append(0x5B)
        for (index, source) in sources.enumerated() {
            if index > 0 { text.append(0x2C) }
            JSONText.appendString(source, to: &text)
        }
        text.append(0x5D)
    }
}

extension FunctionProgram: Hashable {
    /// Whether both have the same text and scope.
    package static func == (left: FunctionProgram, right: FunctionProgram) -> Bool {
        left.identifier == right.identifier
    }

    /// Feeds the identifier.
    package func hash(into hasher: inout Hasher) { hasher.combine(identifier) }
}
