// Reads the body of `_replicate`, with CouchDB's words for what is wrong with it. Members it does not know it passes over.

extension ReplicationRequest {
    /// The request that a body makes.
    package init(_ body: JSONValue) throws(SettleError) {
        guard let object = body.object else {
            throw SettleError(.badRequest, "Request body must be a JSON object")
        }
        let cancels = try object.flag("cancel") ?? false
        let name = ["id", "replication_id", "_local_id"].lazy.compactMap { object[$0]?.string }.first
        if cancels, let name {
            // A plus sign that came through a URL is a space.
            self = .cancel(name: String(decoding: name.utf8.map { $0 == 32 ? 43 : $0 }, as: UTF8.self))
            return
        }
        var named = object
        for side in ["source", "target"] { named[side] = Self.databaseName(in: object[side]) ?? object[side] }
        let options = try ReplicationOptions(named)
        self = cancels ? .cancelSame(options) : .start(options)
    }

    /// The name of a database of this server; nil for a URL, or for nothing.
    ///
    /// Whatever is no URL counts as a name here, even a number; that there is no such database is found out later.
    private static func databaseName(in value: JSONValue?) -> JSONValue? {
        guard let place = value?.object.map({ $0["url"] }) ?? value else { return nil }
        guard let text = place.string else { return .string(place.array?.isEmpty == true ? "" : place.text) }
        return ReplicationEndpoint.isURL(text) ? nil : .string(text)
    }
}

extension ReplicationOptions {
    /// The options that the body of `_replicate`, or a document of a replicator database, holds.
    package init(_ object: JSONObject) throws(SettleError) {
        self.init(
            source: try ReplicationEndpoint(object["source"]),
            target: try ReplicationEndpoint(object["target"])
        )
        createsTarget = try object.flag("create_target") ?? false
        creationParameters = try Self.creationParameters(object["create_target_params"])
        isContinuous = try object.flag("continuous") ?? false
        winningRevisionsOnly = try object.flag("winning_revs_only") ?? false
        usesCheckpoints = try object.flag("use_checkpoints") ?? true
        usesBulkGet = try object.flag("use_bulk_get") ?? true
        selection = try Self.selection(object)
        retracts = try object.flag("retract") ?? false
        try checkRetracting()
        if let since = object["since_seq"], !since.isNull {
            sinceSequence = SourceSequence(json: since.bytes)
        }
        batchSize = try object.positive("worker_batch_size") ?? batchSize
        retries = try object.positive("retries_per_request", orZero: true) ?? retries
        if let interval = try object.positive("checkpoint_interval") {
            checkpointInterval = .milliseconds(interval)
        }
        workers = try object.positive("worker_processes") ?? workers
        connections = try object.positive("http_connections").map { max($0, 2) }
        try readProxies(object)
        if let timeout = try object.positive("connection_timeout") {
            connectionTimeout = .milliseconds(timeout)
        }
    }

    /// Makes sure that a copy that is to retract can.
    package func checkRetracting() throws(SettleError) {
        guard retracts else { return }
        guard case .selector = selection else {
            throw SettleError(.badRequest, "`retract` needs a `selector`")
        }
        guard case .local = target else {
            throw SettleError(.badRequest, "`retract` needs a target that is a database of this server")
        }
    }

    private mutating func readProxies(_ object: JSONObject) throws(SettleError) {
        let common = try object.proxy("proxy")
        let ours = try object.proxy("source_proxy")
        let theirs = try object.proxy("target_proxy")
        guard common == nil || ours == nil && theirs == nil else {
            throw SettleError(
                .badRequest,
                "`proxy` is mutually exclusive with `source_proxy` and `target_proxy`"
            )
        }
        source.setProxy(ours ?? common)
        target.setProxy(theirs ?? common)
    }

    private static func selection(_ object: JSONObject) throws(SettleError) -> Selection {
        let parameters: JSONObject
        switch object["query_params"] {
        case nil: parameters = JSONObject()
        case .object(let given)?: parameters = given
        case _?: throw SettleError(.badRequest, "parameter `query_params` must be an object")
        }
        var found: [Selection] = []
        switch object["doc_ids"] {
        case nil, .null?: break
        case .array(let elements)?:
            found.append(.documents(try documentIDs(elements)))
        case _?: throw SettleError(.badRequest, "parameter `doc_ids` must be an array")
        }
        if let filter = object["filter"] {
            guard let name = filter.string else {
                throw SettleError(.badRequest, "parameter `filter` must be a string")
            }
            try check(filter: name, parameters)
            found.append(.filter(name: name, parameters: parameters))
        }
        switch object["selector"] {
        case nil: break
        case .object(let selector)?:
            do throws(SettleError) {
                _ = try Selector(selector)
            } catch {
                throw SettleError(.badRequest, error.reason)
            }
            found.append(.selector(selector))
        case _?: throw SettleError(.badRequest, "parameter `selector` must be a JSON object")
        }
        guard found.count <= 1 else {
            throw SettleError(.badRequest, "`doc_ids`,`filter`,`selector` are mutually exclusive")
        }
        return found.first ?? .everything
    }

    /// A filter is one of the server's own, or has to name a function of a design document.
    private static func check(filter name: String, _ parameters: JSONObject) throws(SettleError) {
        if name == "_view" {
            let parts = parameters["view"]?.string?.utf8
                .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            guard parts?.count == 2 else { throw SettleError(.badRequest, "Invalid `view` parameter.") }
        }
        guard name.utf8.first == UInt8(ascii: "_") || name.utf8.contains(UInt8(ascii: "/")) else {
            throw SettleError(.replicationFailed, "Invalid filter. Must match `ddocname/filtername`.")
        }
    }

    /// Ids, which may be percent-encoded, as they were in the first replicators; each once, sorted.
    private static func documentIDs(_ elements: [JSONValue]) throws(SettleError) -> [DocumentID] {
        var ids: Set<DocumentID> = []
        for element in elements {
            guard let id = element.string else {
                throw SettleError(.badRequest, "parameter `doc_ids` must be an array of strings")
            }
            ids.insert(DocumentID(bytes: PercentEncoding.decode(Array(id.utf8)[...])))
        }
        return ids.sorted()
    }

    private static func creationParameters(_ value: JSONValue?) throws(SettleError) -> [NamedText] {
        guard let value else { return [] }
        guard let object = value.object else {
            throw SettleError(.badRequest, "parameter `create_target_params` must be a JSON object")
        }
        return object.members.map {
            NamedText(name: $0.name, value: $0.value.string ?? $0.value.text)
        }
    }
}

extension ReplicationEndpoint {
    /// The endpoint that a `source` or `target` member names: a database's name, a URL, or an object with `url`.
    package init(_ value: JSONValue?) throws(SettleError) {
        switch value {
        case .string(let text)?:
            self = Self.isURL(text) ? .remote(try Self.remote(text)) : .local(name: text)
        case .object(let object)?:
            guard let url = object["url"]?.string else { throw Self.invalidURL }
            var remote = try Self.remote(url)
            try remote.read(headers: object["headers"])
            try remote.read(authentication: object["auth"])
            if let tls = object["tls"], !tls.isNull { remote.tls = try TLSOptions(tls) }
            self = .remote(remote)
        case nil, .null?: throw SettleError(.replicationFailed, "Missing replicator database")
        case _?: throw Self.invalidURL
        }
    }

    private static let invalidURL = SettleError(.invalidReplication, "endpoint has an invalid url")

    /// Whether a text is meant to be a URL; what is not is the name of a database of this server.
    package static func isURL(_ text: String) -> Bool {
        text.utf8.starts(with: "http://".utf8) || text.utf8.starts(with: "https://".utf8)
    }

    /// Sets the proxy of an endpoint that is not here.
    fileprivate mutating func setProxy(_ proxy: ProxyEndpoint?) {
        if let proxy { configure { $0.proxy = proxy } }
    }

    /// Changes how an endpoint is reached, if it is behind a URL.
    ///
    /// - Parameter change: Changes it.
    public mutating func configure(_ change: (inout RemoteEndpoint) -> Void) {
        guard case .remote(var remote) = self else { return }
        change(&remote)
        self = .remote(remote)
    }

    private static func remote(_ url: String) throws(SettleError) -> RemoteEndpoint {
        guard let remote = RemoteEndpoint(url: url) else {
            throw invalidURL
        }
        return remote
    }
}

extension RemoteEndpoint {
    /// Sets a header that goes with every request; a Basic authorization becomes user and password.
    ///
    /// - Parameters:
    ///   - name: The header's name.
    ///   - value: Its text.
    public mutating func setHeader(_ name: String, _ value: String) {
        if name.lowercased() == "authorization", let (user, password) = Self.basic(value) {
            (self.user, self.password) = (self.user ?? user, self.password ?? password)
        } else {
            headers.append(NamedText(name: name, value: value))
            headers.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
    }

    /// Takes `{"name":"value"}`; a Basic authorization among them becomes user and password.
    fileprivate mutating func read(headers value: JSONValue?) throws(SettleError) {
        guard let value, !value.isNull else { return }
        guard let object = value.object else {
            throw SettleError(.badRequest, "`headers` must be a JSON object")
        }
        for member in object.members {
            guard let text = member.value.string else {
                throw SettleError(.badRequest, "the header `\(member.name)` must be a string")
            }
            guard !(member.name + text).utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }),
                !member.name.isEmpty
            else {
                throw SettleError(
                    .badRequest,
                    "the header `\(member.name)` has characters that headers can't have"
                )
            }
            setHeader(member.name, text)
        }
    }

    /// Takes `{"basic":{"username":…,"password":…}}`.
    fileprivate mutating func read(authentication value: JSONValue?) throws(SettleError) {
        guard let basic = value?["basic"] else { return }
        guard let user = basic["username"]?.string, let password = basic["password"]?.string else {
            throw SettleError(.badRequest, "`auth.basic` needs `username` and `password`")
        }
        (self.user, self.password) = (user, password)
    }

    /// User and password of a Basic authorization.
    private static func basic(_ header: String) -> (String, String)? {
        let bytes = Array(header.utf8)
        guard bytes.count > 6, String(decoding: bytes[..<6], as: UTF8.self).lowercased() == "basic " else {
            return nil
        }
        guard let plain = Base64.decode(bytes[6...]), let colon = plain.firstIndex(of: UInt8(ascii: ":"))
        else {
            return nil
        }
        return (
            String(decoding: plain[..<colon], as: UTF8.self),
            String(decoding: plain[(colon + 1)...], as: UTF8.self)
        )
    }
}

extension JSONObject {
    fileprivate func flag(_ name: String) throws(SettleError) -> Bool? {
        guard let value = self[name] else { return nil }
        guard let flag = value.bool else {
            throw SettleError(.badRequest, "parameter `\(name)` must be a boolean")
        }
        return flag
    }

    fileprivate func proxy(_ name: String) throws(SettleError) -> ProxyEndpoint? {
        guard let value = self[name], !value.isNull else { return nil }
        guard let url = value.string else {
            throw SettleError(.badRequest, "parameter `\(name)` must be a string")
        }
        if url.utf8.isEmpty { return nil }
        guard let proxy = ProxyEndpoint(url: url) else {
            throw SettleError(
                .badRequest,
                "parameter `\(name)` must be the URL of an http proxy, or of a socks5 proxy without credentials"
            )
        }
        return proxy
    }

    /// A whole number above 0, or also 0, which may be written as a string.
    fileprivate func positive(_ name: String, orZero: Bool = false) throws(SettleError) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.int ?? value.string.flatMap({ Int($0) }), number > (orZero ? -1 : 0) else {
            throw SettleError(.badRequest, "parameter `\(name)` must be a positive integer")
        }
        return number
    }
}
