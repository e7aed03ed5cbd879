// What `settle replicate` and `settle sync` can be told about a copy.

import ArgumentParser
import SettleCore

/// The options of a replication on a command line.
struct ReplicationArguments: ParsableArguments {
    @Flag(help: "Wait for further changes at the end, until a signal.")
    var continuous = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Copy only the documents with these ids.", valueName: "id")
    )
    var docIds: [String] = []

    @Option(
        help: ArgumentHelp(
            #"Copy only documents that match a Mango selector, such as '{"type":"task"}'."#,
            valueName: "json"
        )
    )
    var selector: String?

    @Option(
        help: ArgumentHelp(
            "Copy only documents that a filter function of the source lets through.",
            valueName: "design/name"
        )
    )
    var filter: String?

    @Option(
        help: ArgumentHelp(
            "Copy only documents for which a view of the source has rows.",
            valueName: "design/view"
        )
    )
    var view: String?

    @Option(
        help: ArgumentHelp("A parameter for the filter function; may be repeated.", valueName: "name=value")
    )
    var param: [String] = []

    @Flag(
        help: ArgumentHelp(
            "Remove documents from the target that the selector does not describe.",
            discussion: "Never those that the source does not know. The target has to be a database on disk."
        )
    )
    var retract = false

    @Flag(help: "Copy only the winning revision of each document.")
    var winningRevsOnly = false

    @Option(help: ArgumentHelp("Begin after this sequence if there is no checkpoint.", valueName: "seq"))
    var since: String?

    @Flag(help: "Neither use nor leave checkpoints.")
    var noCheckpoints = false

    @Option(help: ArgumentHelp("Seconds between two checkpoints (30).", valueName: "seconds"))
    var checkpointInterval: Int?

    @Option(help: ArgumentHelp("Changes and documents in one request (500).", valueName: "n"))
    var batchSize: Int?

    @Option(help: ArgumentHelp("Requests that run at once (4).", valueName: "n"))
    var workers: Int?

    @OptionGroup(title: "Connections") var connections: ConnectionArguments

    func validate() throws {
        let choices = [!docIds.isEmpty, selector != nil, filter != nil, view != nil]
        guard choices.count(where: { $0 }) <= 1 else {
            throw ValidationError("--doc-ids, --selector, --filter and --view exclude each other.")
        }
        guard param.isEmpty || filter != nil else { throw ValidationError("--param needs --filter.") }
        guard !retract || selector != nil else { throw ValidationError("--retract needs --selector.") }
        for (name, value) in [
            ("checkpoint-interval", checkpointInterval), ("batch-size", batchSize), ("workers", workers),
        ] {
            guard value ?? 1 > 0 else { throw ValidationError("--\(name) must be above 0.") }
        }
        _ = try selection()
    }

    /// Changes a replication's options as the arguments say.
    func configure(_ options: inout ReplicationOptions) {
        options.isContinuous = continuous
        options.selection = (try? selection()) ?? .everything
        options.retracts = retract
        options.winningRevisionsOnly = winningRevsOnly
        if let since { options.sinceSequence = SourceSequence(parameter: since) }
        options.usesCheckpoints = !noCheckpoints
        if let checkpointInterval { options.checkpointInterval = .seconds(checkpointInterval) }
        options.batchSize = batchSize ?? options.batchSize
        options.workers = workers ?? options.workers
        connections.configure(&options)
    }

    private func selection() throws -> ReplicationOptions.Selection {
        if !docIds.isEmpty { return .documents(docIds.map { DocumentID($0) }) }
        if let selector {
            guard let object = (try? JSONValue(parsing: Array(selector.utf8)))?.object else {
                throw ValidationError("--selector must be a JSON object.")
            }
            do {
                _ = try Selector(object)
            } catch {
                throw ValidationError(error.reason)
            }
            return .selector(object)
        }
        if let view { return .filter(name: "_view", parameters: ["view": .string(view)]) }
        guard let filter else { return .everything }
        var parameters = JSONObject()
        for text in param {
            guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw ValidationError("--param must be of the form name=value.")
            }
            parameters[String(text[..<sign])] = .string(String(text[text.utf8.index(after: sign)...]))
        }
        return .filter(name: filter, parameters: parameters)
    }
}

/// How URLs are connected to.
struct ConnectionArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("A header for every request; may be repeated.", valueName: "name: value")
    )
    var header: [String] = []

    @Option(help: ArgumentHelp("An http or socks5 proxy on the way to URLs.", valueName: "url"))
    var proxy: String?

    @Option(help: ArgumentHelp("Trust the certificates of this file, not the system's.", valueName: "file"))
    var caFile: String?

    @Flag(help: "Do not check who the other side is.")
    var insecure = false

    @Option(help: ArgumentHelp("Our certificate and those above it, in PEM form.", valueName: "file"))
    var certificateFile: String?

    @Option(help: ArgumentHelp("The private key of our certificate, in PEM form.", valueName: "file"))
    var keyFile: String?

    @Option(help: ArgumentHelp("Seconds to wait for an answer (30).", valueName: "seconds"))
    var timeout: Int?

    @Option(help: ArgumentHelp("How often a request is tried again (5).", valueName: "n"))
    var retries: Int?

    @Option(help: ArgumentHelp("Connections that are kept to one host.", valueName: "n"))
    var httpConnections: Int?

    func validate() throws {
        for header in header where !header.utf8.contains(UInt8(ascii: ":")) {
            throw ValidationError("--header must be of the form 'name: value'.")
        }
        if let proxy, ProxyEndpoint(url: proxy) == nil {
            throw ValidationError(
                "--proxy must be the URL of an http proxy, or of a socks5 proxy without credentials."
            )
        }
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw ValidationError("--certificate-file and --key-file belong together.")
        }
        guard timeout ?? 1 > 0, retries ?? 1 > 0, httpConnections ?? 1 > 0 else {
            throw ValidationError("--timeout, --retries and --http-connections must be above 0.")
        }
    }

    /// Changes a replication's options as the arguments say.
    func configure(_ options: inout ReplicationOptions) {
        if let timeout { options.connectionTimeout = .seconds(timeout) }
        options.retries = retries ?? options.retries
        options.connections = httpConnections
        options.source.configure(configure)
        options.target.configure(configure)
    }

    private func configure(_ remote: inout RemoteEndpoint) {
        remote.proxy = proxy.flatMap { ProxyEndpoint(url: $0) }
        remote.tls.authoritiesFile = caFile
        remote.tls.verifiesPeer = !insecure
        (remote.tls.certificateFile, remote.tls.keyFile) = (certificateFile, keyFile)
        for header in header {
            guard let colon = header.utf8.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = header[header.utf8.index(after: colon)...].drop { $0 == " " }
            remote.setHeader(String(header[..<colon]), String(value))
        }
    }
}
