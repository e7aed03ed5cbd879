// Bytes with content of attachments between them that is read when its turn comes.
//
//     {"_id":"a","_attachments":{"f":{…,"data":"  ⟨f in base64⟩  "},"g":{…,"data":"  ⟨g in base64⟩  "}}}
//     --b…{json}…--b…  ⟨stored bytes of f⟩  --b…  ⟨stored bytes of g⟩  --b--
//
// Whatever shows content appends to one of these, be it a document, rows of documents or a multipart body. As long as
// there is room the content is put together with the text: small things are complete at once. What has no room is left
// out, its place is remembered, and `take` reads it piece by piece: an answer of any length takes little memory.
//
// The subtle thing: bytes are made within a snapshot and taken long after it. Content that is left out is opened within
// the snapshot, so what happens to its document meanwhile doesn't matter. But files and memory are not there without
// end: beyond some dozens of attachments the rest is looked up again in its turn, and if it is gone by then, which takes
// a purge or a compaction, taking it fails.

package import SettleCore

/// Text or other bytes, and what belongs in between.
package struct SegmentedBytes: Sendable {
    /// Content that was left out.
    private struct Omission: Sendable {
        /// Where among the bytes it belongs.
        var place: Int
        var content: OmittedContent
    }

    /// What is at hand.
    package var bytes: [UInt8]
    /// How many bytes are put together before content is left out.
    private let room: Int
    private var omissions: ArraySlice<Omission> = []
    /// How many of the bytes have been taken.
    private var taken = 0
    private var openFiles = 0
    private var heldBytes = 0

    /// No more files than this are kept open, and no more bytes kept in memory, for content that is left out.
    private static let openFilesLimit = 32
    private static let heldBytesLimit = 256 << 10

    /// Begins with some bytes.
    package init(_ bytes: [UInt8] = [], room: Int) {
        self.bytes = bytes
        self.room = room
    }

    /// Whether content was left out that has not been taken yet.
    package var omitsContent: Bool { !omissions.isEmpty }
    /// Whether there is no room for more.
    package var isFull: Bool { bytes.count >= room || omitsContent }
    /// Whether everything has been taken.
    package var isEmpty: Bool { taken == bytes.count && omissions.isEmpty }

    /// How many bytes there are still to take; nil where only reading would tell.
    package var length: UInt64? {
        var length = UInt64(bytes.count - taken)
        for omission in omissions {
            guard let count = omission.content.length else { return nil }
            length += count
        }
        return length
    }

    // MARK: Appending

    /// Appends stored bytes of an attachment.
    package mutating func append(
        _ reader: AttachmentReader,
        _ range: Range<UInt64>
    ) throws(SettleError) {
        guard !range.isEmpty else { return }
        try append(.stored(reader, range))
    }

    /// Appends the decoded content of an attachment.
    ///
    /// Who sent compressed content may have lied about its length, and more bytes than announced would look like the
    /// next response: where a length is given, content that has another breaks off.
    package mutating func append(decoding reader: AttachmentReader, length: UInt64? = nil) throws(SettleError)
    {
        try append(.decoded(try reader.decoded(), length))
    }

    /// Appends what a snapshot has of an attachment: its stored bytes, or its decoded content in base64.
    package mutating func append(
        _ attachment: Attachment,
        inBase64: Bool,
        of snapshot: borrowing Snapshot
    ) throws {
        guard attachment.storedLength > 0 else { return }
        let isHeld = openFiles >= Self.openFilesLimit || heldBytes >= Self.heldBytesLimit
        if isFull, isHeld {
            return omit(.unopened(attachment, snapshot.database, inBase64: inBase64))
        }
        guard let reader = try snapshot.reader(of: attachment) else { throw OmittedContent.isMissing }
        try append(.opened(reader, inBase64: inBase64))
    }

    private mutating func append(_ content: OmittedContent) throws(SettleError) {
        var content = content
        if !isFull, content.length.map({ $0 <= UInt64(room - bytes.count) }) ?? true {
            while bytes.count < room {
                guard try content.take(room - bytes.count, into: &bytes) else { return }
            }
        }
        switch content.memory {
        case .file: openFiles += 1
        case .bytes(let count): heldBytes += count
        }
        omit(content)
    }

    private mutating func omit(_ content: OmittedContent) {
        omissions.append(Omission(place: bytes.count, content: content))
    }

    /// Appends what a function makes of a text.
    ///
    /// In the place of content for which there is no room the function sees a mark that nobody could foresee. Wherever
    /// it leaves one, the content goes.
    package mutating func append(
        _ appendText: (inout SegmentedBytes) throws -> Void,
        transformed transform: ([UInt8]) throws -> [UInt8]
    ) throws {
        var text = SegmentedBytes(room: max(0, room - bytes.count))
        try appendText(&text)
        let mark = Array(
            (0..<4).map { _ in String(UInt64.random(in: 1 << 63 ... .max), radix: 36) }.joined().utf8
        )
        var marked: [UInt8] = []
        var start = 0
        for (index, omission) in text.omissions.enumerated() {
            marked += text.bytes[start..<omission.place] + mark + "\(index):".utf8
            start = omission.place
        }
        marked += text.bytes[start...]
        var rest = try transform(marked)[...]
        while !text.omissions.isEmpty, let place = rest.firstRange(of: mark),
            let end = rest[place.upperBound...].firstIndex(of: UInt8(ascii: ":")),
            let index = Int(String(decoding: rest[place.upperBound..<end], as: UTF8.self))
        {
            bytes += rest[..<place.lowerBound]
            omit(text.omissions[text.omissions.startIndex + index].content)
            rest = rest[(end + 1)...]
        }
        bytes += rest
    }

    // MARK: Taking

    /// Takes the next bytes, about as many as asked for.
    package mutating func take(_ count: Int, into output: inout [UInt8]) throws(SettleError) {
        let end = output.count + count
        while output.count < end, !isEmpty {
            let place = omissions.first?.place ?? bytes.count
            if taken < place {
                let next = min(place, taken + end - output.count)
                output += bytes[taken..<next]
                taken = next
            } else if try !omissions[omissions.startIndex].content.take(end - output.count, into: &output) {
                omissions.removeFirst()
            }
        }
    }
}
