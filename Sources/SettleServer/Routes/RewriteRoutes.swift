// `/db/_design/name/_rewrite/…`: another path for the same server.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `/db/_design/name/_rewrite/…` as the request that it is rewritten to.
    func rewrite(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID
    ) throws(SettleError) -> Answer {
        guard request.rewriteCount < 100 else {
            throw SettleError(.badRequest, "Exceeded rewrite recursion limit")
        }
        let program = try DesignProgram(database, design)
        let place = Array(request.segments.prefix(3))
        switch try program.member("rewrites") {
        case nil: throw SettleError(function: "not_found", reason: "Invalid path.")
        case .string?:
            let object = try requestObject(request, database, nil)
            return .task { () throws(SettleError) in
                let answer = try await program.ask(.rewrite(request: object))
                return try self.answer(request, rewrittenTo: answer, place)
            }
        case let rules?:
            let path = request.segments.dropFirst(4).map { String(decoding: $0, as: UTF8.self) }
            let rewritten = try RewriteRules(rules).rewrite(
                method: request.method.rawValue,
                path: path,
                query: request.query
            )
            guard let rewritten else { throw SettleError(.notFound, "missing") }
            let target = RewriteRules.target(design: place, path: rewritten.path, query: rewritten.query)
            return try route(request.rewritten(to: target))
        }
    }

    /// Does what the function `rewrites` answered.
    private func answer(
        _ request: Request,
        rewrittenTo answer: JSONObject,
        _ place: [[UInt8]]
    ) throws(SettleError) -> Answer {
        guard let path = answer["path"]?.string else { return .now(Response(try FunctionResponse(answer))) }
        let isAbsolute = path.hasPrefix("/")
        let segments = path.split(separator: "/").map { String($0) }
        let query: [(name: String, value: String)] =
            answer["query"]?.object?.members.map { ($0.name, $0.value.string ?? $0.value.text) }
            ?? request.query.items
        let target = RewriteRules.target(design: isAbsolute ? [] : place, path: segments, query: query)
        let method = answer["method"]?.string.map { HTTPMethod(rawValue: $0.uppercased()) }
        var headers = request.headers
        for member in answer["headers"]?.object?.members ?? [] {
            headers.replaceOrAdd(name: member.name, value: member.value.string ?? member.value.text)
        }
        let body = answer["body"].map { Array(($0.string ?? $0.text).utf8) }
        return self.answer(request.rewritten(to: target, method: method, headers: headers, body: body))
    }
}

extension Request {
    /// The request with another target, and what else of it changed.
    fileprivate func rewritten(
        to target: RequestTarget,
        method: HTTPMethod? = nil,
        headers: HTTPHeaders? = nil,
        body: [UInt8]? = nil
    ) -> Request {
        var request = Request(
            method: method ?? self.method,
            target: target,
            headers: headers ?? self.headers,
            body: body ?? self.body,
            user: user,
            peer: peer,
            listeningAddress: listeningAddress
        )
        request.requestedTarget = requestedTarget ?? self.target
        request.rewriteCount = rewriteCount + 1
        return request
    }
}
