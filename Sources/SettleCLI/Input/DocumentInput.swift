// A file, or standard input, as documents.

import Foundation

final class DocumentInput {
    /// What is wrong with the input, for people.
    struct Problem: Error {
        let reason: String
    }

    private static let portion = 1 << 18

    /// Bytes of the whole input, where that can be known.
    let size: Int?
    private(set) var bytesRead = 0
    private let handle: FileHandle
    private var splitter = DocumentSplitter()
    /// What is wrong after the documents that were given last.
    private var problem: Problem?

    init(_ file: String) throws {
        guard file != "-" else {
            handle = .standardInput
            size = nil
            return
        }
        guard let opened = FileHandle(forReadingAtPath: file) else {
            throw CommandFailure("cannot read \(file)")
        }
        handle = opened
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        let isRegular = attributes?[.type] as? FileAttributeType == .typeRegular
        size = isRegular ? attributes?[.size] as? Int : nil
    }

    /// The documents of the next portion; nil at the end.
    func next() throws -> [[UInt8]]? {
        if let problem { throw problem }
        let portion: Data?
        do {
            portion = try handle.read(upToCount: Self.portion)
        } catch {
            throw Problem(reason: "cannot read on: \(error.localizedDescription)")
        }
        var documents: [[UInt8]] = []
        do throws(DocumentSplitter.Failure) {
            guard let portion, !portion.isEmpty else {
                try splitter.finish()
                return nil
            }
            bytesRead += portion.count
            try splitter.split(portion, into: &documents)
        } catch {
            problem = Problem(reason: Self.reason(error))
            if documents.isEmpty { return try next() }
        }
        return documents
    }

    private static func reason(_ failure: DocumentSplitter.Failure) -> String {
        switch failure {
        case .unfinished:
            return "the input ends inside a document or an array"
        case .unexpected(let byte, let offset):
            let shown = (0x21..<0x7F).contains(byte) ? "“\(Character(UnicodeScalar(byte)))”" : "byte \(byte)"
            return "\(shown) at offset \(offset) is neither a document nor what stands between two"
        }
    }
}
