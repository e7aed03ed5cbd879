// How CouchDB names a revision: by a digest of what the edit says and what it changes.
//
//     MD5 of 131, [Deleted, ParentGeneration, ParentDigest, Body, Attachments] in Erlang's external term format
//
//     {} on a new document   83 6c 00000005  64 0005 "false"  61 00  61 00  68 01 6a  6a  6a
//                            967a00dff5e02add41819138abb3284d
//
// The same edit made anywhere gives the same revision, so replicas that make it independently have no conflict. That
// holds between Settle and CouchDB too, which is why every byte matters (couch_db:new_revid/1).
//
// The subtle things: the parent's digest is its bytes, 16 or however many a peer made up, and the integer 0 where
// there is no parent; and attachments are listed backwards.

import Crypto

extension RevisionDigest {
    /// What an attachment adds to a revision's digest.
    package struct Attachment: Hashable, Sendable {
        /// The name, as UTF-8.
        package let name: [UInt8]
        /// The media type, as UTF-8.
        package let contentType: [UInt8]
        /// The MD5 of the stored bytes: compressed, if they are stored so.
        package let md5: [UInt8]

        /// Describes an attachment.
        package init(name: [UInt8], contentType: [UInt8], md5: [UInt8]) {
            self.name = name
            self.contentType = contentType
            self.md5 = md5
        }
    }

    /// The digest of an edit: of the body's term, on top of a parent, with attachments in the order of `_attachments`.
    package init(
        isDeleted: Bool,
        parent: RevisionID?,
        bodyTerm: [UInt8],
        attachments: [Attachment] = []
    ) {
        var term: [UInt8] = []
        term.reserveCapacity(bodyTerm.count + 64)
        term.append(131)
        ErlangTerm.appendHeader(108, count: 5, to: &term)
        if isDeleted { ErlangTerm.appendTrue(to: &term) } else { ErlangTerm.appendFalse(to: &term) }
        if let parent {
            ErlangTerm.appendInteger(Int64(clamping: parent.generation), to: &term)
            parent.digest.appendBinary(to: &term)
        } else {
            term.append(contentsOf: [97, 0, 97, 0])
        }
        term.append(contentsOf: bodyTerm)
        let start = term.count
        ErlangTerm.openList(in: &term)
        for attachment in attachments.reversed() {
            term.append(contentsOf: [104, 3])
            ErlangTerm.appendBinary(attachment.name, to: &term)
            ErlangTerm.appendBinary(attachment.contentType, to: &term)
            ErlangTerm.appendBinary(attachment.md5, to: &term)
        }
        ErlangTerm.closeList(at: start, count: attachments.count, in: &term)
        term.append(106)
        self.init(bytes: Array(Insecure.MD5.hash(data: term)))
    }

    /// Appends the digest's bytes as a binary.
    private func appendBinary(to term: inout [UInt8]) {
        if let other {
            ErlangTerm.appendBinary(other, to: &term)
            return
        }
        ErlangTerm.appendHeader(109, count: 16, to: &term)
        for half in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                term.append(UInt8(truncatingIfNeeded: half >> UInt64(shift)))
            }
        }
    }
}
