// The replications that a server runs because somebody asked it to: `POST /_replicate`.
//
// | request                          | answer |
// |----------------------------------|--------|
// | once                             | 200 with session and history, when everything is copied |
// | once, and the same one is running| the answer of that one |
// | `continuous`                     | 202 `{"ok":true,"_local_id":"…+continuous"}`, at once |
// | `cancel`                         | 200 with the name, or 404 |
// | it could not go on               | 500 with the reason, whatever it is: CouchDB's way |
//
// A name identifies a job: to ask twice for the same continuous replication starts it once.

public import Settle
public import SettleCore
import Synchronization

/// The running replications of a server.
public final class ReplicationJobs: Sendable {
    private let folder: DatabaseFolder
    private let serverUUID: String
    private let jobs = Mutex<[String: ReplicationJob]>([:])

    /// No replications yet, between databases of a folder and others behind URLs.
    ///
    /// - Parameters:
    ///   - folder: Where bare database names are looked up.
    ///   - serverUUID: The server's name in the names of its replications.
    public init(folder: DatabaseFolder, serverUUID: String) {
        self.folder = folder
        self.serverUUID = serverUUID
    }

    /// Does what the body of `POST /_replicate` asks for.
    ///
    /// - Parameter body: The request's body.
    /// - Returns: The status and the body of the answer.
    /// - Throws: `badRequest` if the body makes no sense, `notFound` if there is nothing to cancel.
    public func replicate(body: JSONValue) async throws(SettleError) -> (status: Int, body: JSONValue) {
        switch try ReplicationRequest(body) {
        case .cancel(let name): return (200, try await cancel(name))
        case .cancelSame(let options):
            let source = options.source.peer(in: folder, options)
            let name = try await ReplicationID(options, serverUUID: serverUUID, source: source)
            return (200, try await cancel(name.text))
        case .start(let options):
            do throws(SettleError) {
                return try await start(options)
            } catch {
                return (500, ["error": .string(error.name), "reason": .string(error.reason)])
            }
        }
    }

    private func start(_ options: ReplicationOptions) async throws(SettleError) -> (Int, JSONValue) {
        let source = options.source.peer(in: folder, options)
        let name = try await ReplicationID(options, serverUUID: serverUUID, source: source)
        let job = jobs.withLock { jobs in
            if let running = jobs[name.text] { return running }
            let replication = Replication(
                options,
                source: source,
                target: options.target.peer(in: folder, options),
                serverUUID: serverUUID,
                name: name
            )
            let job = ReplicationJob(name: name, replication) { [weak self] in
                self?.jobs.withLock { _ = $0.removeValue(forKey: name.text) }
            }
            jobs[name.text] = job
            return job
        }
        if options.isContinuous {
            return (202, ["ok": true, "_local_id": .string(name.text)])
        }
        let result = try await job.result
        guard !result.wasStopped else { throw SettleError(.internalError, "The replication was cancelled.") }
        return (200, .object(JSONObject([("ok", true)] + result.answer.members.map { ($0.name, $0.value) })))
    }

    private func cancel(_ name: String) async throws(SettleError) -> JSONValue {
        let found = jobs.withLock { jobs in jobs.first { $0.key.utf8.elementsEqual(name.utf8) }?.value }
        guard let found else { throw SettleError(.notFound) }
        await found.stop()
        return ["ok": true, "_local_id": .string(found.name.text)]
    }

    /// The entries of `GET /_active_tasks` for replications.
    ///
    /// - Returns: One object a replication, with CouchDB's members.
    public func activeTasks() -> [JSONValue] { sorted.map(\.activeTask) }

    /// The entries of `GET /_scheduler/jobs`.
    ///
    /// - Returns: One object a replication, with CouchDB's members, sorted by name.
    public func jobList() -> [JSONValue] { sorted.map(\.description) }

    private var sorted: [ReplicationJob] {
        jobs.withLock { Array($0.values) }.sorted { $0.name.text < $1.name.text }
    }

    /// Stops all replications, which note how far they came.
    public func shutdown() async {
        let all = sorted
        for job in all { job.replication.stop() }
        for job in all { await job.stop() }
    }
}
