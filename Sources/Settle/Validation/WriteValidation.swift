// Asking whether documents may be written: design documents must be well formed, all others must pass the validators.
//
// The engine is asked once for a batch of documents and each validator; a document that one validator refuses is not
// shown to the next. `_local` documents never come here.

import SettleCore
import SettleStorage

/// What became of asking.
struct WriteValidation {
    /// What each edit replaces; nil where nobody had to be asked.
    private(set) var priors: [PriorRevision?]
    /// Why edits are refused; nil for those that may be written.
    private(set) var refusals: [SettleError?]

    private let database: Database
    private let rules: WriteRules
    private let context: WriteContext

    /// The documents and bytes that go into one question.
    private static let batchLimit = (documents: 128, bytes: 1 << 20)

    /// What is to be shown to validators.
    private struct Shown {
        let place: Int
        let write: ValidatedWrite
    }

    init(
        of edits: [DocumentEdit],
        by context: WriteContext,
        _ rules: WriteRules,
        in database: Database
    ) throws(SettleError) {
        self.database = database
        self.rules = rules
        self.context = context
        priors = Array(repeating: nil, count: edits.count)
        refusals = Array(repeating: nil, count: edits.count)
        var start = 0
        while start < edits.count {
            let (end, shown) = try look(at: edits, from: start)
            ask(shown)
            start = end
        }
        for (place, edit) in edits.enumerated() where edit.isOfDesignDocument && isAsked(place) {
            refusals[place] = refusal(ofDesignDocument: edit)
        }
    }

    /// Whether anybody is to be asked about an edit: a conflict, and a revision that is there, are the writer's business.
    private func isAsked(_ place: Int) -> Bool {
        switch priors[place] {
        case nil, .conflict, .known: false
        case .nothing, .revision: true
        }
    }

    /// Finds out what edits replace, and makes the texts that validators are shown, until a batch is full.
    private mutating func look(
        at edits: [DocumentEdit],
        from start: Int
    ) throws(SettleError) -> (end: Int, shown: [Shown]) {
        var (end, bytes) = (start, 0)
        var shown: [Shown] = []
        var priors = priors
        let rules = rules
        try database.read { snapshot in
            (end, bytes) = (start, 0)
            shown.removeAll()
            while end < edits.count, shown.count < Self.batchLimit.documents, bytes < Self.batchLimit.bytes {
                let (place, edit) = (end, edits[end])
                end += 1
                guard edit.isOfDesignDocument || !rules.validators.isEmpty else { continue }
                let prior = try snapshot.transaction.prior(of: edit, snapshot.tables)
                priors[place] = prior
                guard !edit.isOfDesignDocument else { continue }
                switch prior {
                case .conflict, .known: continue
                case .nothing, .revision: break
                }
                let write = try snapshot.validatedWrite(edit, prior)
                bytes += write.document.count + (write.previous?.count ?? 0)
                shown.append(Shown(place: place, write: write))
            }
        }
        self.priors = priors
        return (end, shown)
    }

    /// Asks one validator after the other about a batch.
    private mutating func ask(_ shown: [Shown]) {
        guard !shown.isEmpty else { return }
        let userContext = context.userContext(database: database.name)
        for validator in rules.validators {
            let asked = shown.filter { refusals[$0.place] == nil }
            guard !asked.isEmpty else { return }
            do throws(SettleError) {
                guard validator.language.utf8.elementsEqual("javascript".utf8) else {
                    throw SettleError(.unknownQueryLanguage, validator.language)
                }
                guard let engine = database.options.functionEngine else { throw Self.hasNoEngine }
                let verdicts = try engine.ask(
                    .validate(asked.map(\.write), userContext: userContext, security: rules.security),
                    of: validator.program
                )
                for (shown, verdict) in zip(asked, verdicts) { refusals[shown.place] = verdict }
            } catch {
                for shown in asked { refusals[shown.place] = error }
            }
        }
    }

    private static let hasNoEngine = SettleError(
        .notImplemented,
        "The database has validators, and nothing here runs design documents' functions."
    )

    /// Why a design document can't be written; nil if it can.
    private func refusal(ofDesignDocument edit: DocumentEdit) -> SettleError? {
        guard context.mayWriteDesignDocuments(security: try? JSONValue(parsing: rules.security)) else {
            return SettleError(.unauthorized, "You are not a db or server admin.")
        }
        do throws(SettleError) {
            let check = try DesignDocumentCheck(edit.body)
            guard let engine = database.options.functionEngine,
                check.language.utf8.elementsEqual("javascript".utf8)
            else { return nil }
            for function in check.functions {
                do throws(SettleError) {
                    try engine.ask(.compile(function.source), of: .empty)
                } catch {
                    throw function.failure(error)
                }
            }
            return nil
        } catch {
            return error
        }
    }
}

extension Snapshot {
    /// The texts that validators are shown of an edit.
    fileprivate func validatedWrite(_ edit: DocumentEdit, _ prior: PriorRevision) throws -> ValidatedWrite {
        var previous: [UInt8]?
        var known: [Attachment] = []
        if case .revision(let revision) = prior {
            var text: [UInt8] = []
            if let record = try document(edit.id),
                case .found = try append(edit.id, record, revision: revision, .revisions, to: &text)
            {
                previous = text
                if edit.attachments.contains(where: \.isTakenOver) {
                    known = try attachments(of: edit.id, at: revision) ?? []
                }
            }
        }
        return ValidatedWrite(document: edit.shown(takingOver: known), previous: previous)
    }
}

extension DocumentEdit {
    /// The document as validators see it: an interactive edit still has the revision that it was made from.
    fileprivate func shown(takingOver known: [Attachment]) -> [UInt8] {
        let path: [RevisionID]
        switch kind {
        case .interactive(let parent): path = parent.map { [$0] } ?? []
        case .replicated(let revisions): path = revisions
        }
        var text = documentStart
        JSONText.appendString(id.bytes, to: &text)
        if let newest = path.first {
            text.append(contentsOf: revisionStart)
            newest.append(to: &text)
            text.append(UInt8(ascii: "\""))
        }
        if body.count > 2 {
            text.append(UInt8(ascii: ","))
            text.append(contentsOf: body[1..<body.count - 1])
        }
        if isDeleted { text.append(contentsOf: deletedMember) }
        if let newest = path.first {
            text.append(contentsOf: ",\"_revisions\":{\"start\":\(newest.generation),\"ids\":[".utf8)
            for (index, revision) in path.enumerated() {
                text.append(contentsOf: index == 0 ? "\"".utf8 : ",\"".utf8)
                revision.digest.append(to: &text)
                text.append(UInt8(ascii: "\""))
            }
            text.append(contentsOf: "]}".utf8)
        }
        let generation = kind.isReplicated ? revision.generation : (path.first?.generation ?? 0) + 1
        AttachmentsMember.appendStubs(
            attachments.flatMap { $0.shown(generation: generation, takingOver: known, beside: attachments) },
            to: &text
        )
        text.append(UInt8(ascii: "}"))
        return text
    }
}

extension EditAttachment {
    /// The attachments that this stands for, as far as they are known before the transaction.
    fileprivate func shown(
        generation: UInt64,
        takingOver known: [Attachment],
        beside all: [EditAttachment]
    ) -> [Attachment] {
        switch self {
        case .staged, .stored: attachment(generation: generation).map { [$0] } ?? []
        case .stub(let name, _): known.filter { $0.name == name }
        case .others(let exception):
            known.filter { other in other.name != exception && !all.contains { $0.name == other.name } }
        }
    }
}

extension DocumentEdit.Kind {
    fileprivate var isReplicated: Bool { if case .replicated = self { true } else { false } }
}
