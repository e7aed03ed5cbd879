// One schedule carried out: a new database on each peer, the steps, the healing, the comparison.

import Settle
import SettleCore
import SettleTestSupport

@testable import SettleReplication

/// What came of a schedule.
struct ConvergenceOutcome: Sendable {
    /// What is not as it should be; nothing, if all peers agree.
    var complaints: [String] = []
    /// How much they agree on.
    var documents = 0
    var leaves = 0
    var attachments = 0
}

/// A schedule in a world.
struct ConvergenceRun {
    let world: ConvergenceWorld
    let schedule: ConvergenceSchedule
    /// The name of the databases.
    let database: String

    /// Carries everything out.
    func run() async throws -> ConvergenceOutcome {
        for peer in schedule.peers { try await create(at: peer) }
        for step in schedule.steps { try await perform(step) }
        var outcome = ConvergenceOutcome(complaints: try await heal())
        if outcome.complaints.isEmpty { try await compare(&outcome) }
        for peer in schedule.peers {
            let stored = try Database.open(at: await world.path(database, of: peer))
            outcome.complaints += try stored.check().map { "peer \(peer): \($0)" }
        }
        for peer in schedule.peers { _ = try await request(peer, "DELETE", "") }
        return outcome
    }

    /// A server that was killed a moment ago may not have had the time.
    private func create(at peer: Int) async throws {
        let answer = try await request(peer, "PUT", "")
        guard answer.status == 201 else { throw SettleError(.internalError, answer.text) }
    }

    private func perform(_ step: ConvergenceSchedule.Step) async throws {
        switch step {
        case .edit(let peer, let edit): try? await perform(edit, at: peer)
        case .copy(let copy): _ = await perform(copy)
        case .kill(let peer): try await world.kill(peer)
        case .compact(let peer): _ = try? await request(peer, "POST", "/_compact", json: "{}")
        case .lose(let peer, let document): try await lose(document, at: peer)
        case .together(let steps):
            try await withThrowingTaskGroup(of: Void.self) { group in
                for step in steps { group.addTask { try await perform(step) } }
                try await group.waitForAll()
            }
        }
    }

    // MARK: Copies

    /// Replicates; why not, if it failed.
    private func perform(_ copy: ConvergenceSchedule.Copy, insisting: Bool = false) async -> String? {
        do {
            switch copy.runner {
            case .here: return try await copyHere(copy, insisting)
            case .source: return try await copyThere(copy, by: copy.from, insisting)
            case .target: return try await copyThere(copy, by: copy.to, insisting)
            }
        } catch {
            return "\(error)"
        }
    }

    private func copyHere(_ copy: ConvergenceSchedule.Copy, _ insists: Bool) async throws -> String? {
        var ends: [(peer: any Peer, endpoint: ReplicationEndpoint)] = []
        for peer in [copy.from, copy.to] {
            if let folder = await world.folder(peer) {
                ends.append((LocalPeer(folder, name: database), .local(name: "\(peer)/\(database)")))
            } else {
                let url = try await world.url(database, of: peer, seenBy: nil, cuts: copy.cuts)
                guard let remote = RemoteEndpoint(url: url) else { throw SettleError(.internalError, url) }
                ends.append((HTTPPeer(remote), .remote(remote)))
            }
        }
        var options = ReplicationOptions(source: ends[0].endpoint, target: ends[1].endpoint)
        options.batchSize = copy.batch
        options.retries = insists ? 5 : 1
        let replication = Replication(
            options,
            source: ends[0].peer,
            target: ends[1].peer,
            serverUUID: "convergence"
        )
        let result = try await replication.run()
        return result.failures.isEmpty ? nil : "\(result.failures)"
    }

    private func copyThere(
        _ copy: ConvergenceSchedule.Copy,
        by peer: Int,
        _ insists: Bool
    ) async throws -> String? {
        func side(_ other: Int) async throws -> JSONValue {
            guard other != peer else { return .string(database) }
            return .string(try await world.url(database, of: other, seenBy: peer, cuts: copy.cuts))
        }
        let body: JSONObject = [
            "source": try await side(copy.from), "target": try await side(copy.to),
            "worker_batch_size": .number(JSONNumber(copy.batch)),
            "retries_per_request": .number(JSONNumber(insists ? 5 : 1)),
        ]
        let answer = try await world.endpoint(peer).send(
            HTTPRequest(
                "POST",
                "/_replicate",
                headers: [authorization, (name: "Content-Type", value: "application/json")],
                body: JSONValue.object(body).bytes
            )
        )
        let history = (try? JSONValue(parsing: answer.body))?["history"]?.array?.first
        let failures = history?["doc_write_failures"]?.int ?? 0
        return answer.status == 200 && failures == 0 ? nil : "\(answer.status) \(answer.text)"
    }

    /// Copies from each to the next over a good network, around twice: then everything has been everywhere.
    private func heal() async throws -> [String] {
        let peers = schedule.peers
        for turn in 0..<2 * peers.count {
            let (from, to) = (peers[turn % peers.count], peers[(turn + 1) % peers.count])
            let copy = ConvergenceSchedule.Copy(
                from: from,
                to: to,
                runner: schedule.healers[turn % schedule.healers.count],
                cuts: nil,
                batch: 500
            )
            if let failure = await perform(copy, insisting: true) {
                return ["copying from \(from) to \(to) over a good network by \(copy.runner): \(failure)"]
            }
        }
        return []
    }

    // MARK: Comparing

    private func compare(_ outcome: inout ConvergenceOutcome) async throws {
        var first: [String: String] = [:]
        for (index, peer) in schedule.peers.enumerated() {
            let contents = try await contents(of: peer, &outcome)
            if index == 0 { first = contents }
            for id in Set(first.keys).union(contents.keys).sorted() where first[id] != contents[id] {
                outcome.complaints.append(
                    """
                    \(id): peer \(schedule.peers[0]) has \(first[id] ?? "nothing")
                    but peer \(peer) has \(contents[id] ?? "nothing")
                    """
                )
            }
        }
    }

    /// Of every document the winner and the text of every leaf, attachments included.
    private func contents(
        of peer: Int,
        _ outcome: inout ConvergenceOutcome
    ) async throws -> [String: String] {
        let rows = try await value(request(peer, "GET", "/_changes?style=all_docs"))["results"]?.array ?? []
        var contents: [String: String] = [:]
        var questions: [JSONValue] = []
        for row in rows {
            guard let id = row["id"]?.string else { continue }
            contents[id] = "winner \(row["changes"]?.array?.first?["rev"]?.string ?? "-")"
            questions.append(["id": .string(id)])
        }
        let answer = try await value(
            request(
                peer,
                "POST",
                "/_bulk_get?revs=true&attachments=true",
                json: JSONValue.object(["docs": .array(questions)]).text
            )
        )
        for result in answer["results"]?.array ?? [] {
            guard let id = result["id"]?.string else { continue }
            let leaves = result["docs"]?.array ?? []
            outcome.leaves += leaves.count
            outcome.attachments += leaves.reduce(0) {
                $0 + ($1["ok"]?["_attachments"]?.object?.members.count ?? 0)
            }
            contents[id, default: "no row"] += ", leaves "
            contents[id]? += leaves.map(\.text).sorted().joined(separator: "\n")
        }
        outcome.documents += contents.count
        return contents
    }

    private func value(_ answer: HTTPAnswer) throws -> JSONValue {
        guard answer.status == 200 else { throw SettleError(.internalError, answer.text) }
        return try JSONValue(parsing: answer.body)
    }
}

let authorization = (name: "Authorization", value: "Basic YWRtaW46YWRtaW5wdw==")

extension ConvergenceRun {
    /// A request about the databases, on a straight line.
    func request(
        _ peer: Int,
        _ method: String,
        _ path: String,
        json: String? = nil
    ) async throws -> HTTPAnswer {
        let type = "application/json"
        let request = HTTPRequest(
            method,
            "/\(database)\(path)",
            headers: [
                authorization, (name: "Content-Type", value: type), (name: "Accept", value: type),
            ],
            body: json.map { Array($0.utf8) }
        )
        return try await world.endpoint(peer).send(request)
    }
}
