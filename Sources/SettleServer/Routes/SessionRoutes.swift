// `/_session`: logging in, who one is, logging out.
//
//     POST name=admin&password=…     200, and the cookie; 401 takes the cookie away
//     GET                            who the request comes from, however it showed that
//     DELETE                         takes the cookie away
//
// The server keeps no list of sessions: what logs a client out is that it forgets its cookie.

import NIOHTTP1
import SettleCore

extension ServerCore {
    /// Answers `/_session`.
    func session(_ request: Request) throws(SettleError) -> Answer {
        switch request.method {
        case .GET: try getSession(request)
        case .POST: try postSession(request)
        case .DELETE: try deleteSession(request)
        default: throw request.notAllowed("GET,HEAD,POST,DELETE")
        }
    }

    private func getSession(_ request: Request) throws(SettleError) -> Answer {
        if request.query["basic"] == "true", request.user.name == nil, !request.user.isAdministrator {
            throw SettleError(.unauthorized, "Please login.")
        }
        var info: JSONObject = ["authentication_handlers": ["cookie", "default"]]
        if let proof = request.user.proof { info["authenticated"] = .string(proof.rawValue) }
        let answer: JSONValue = [
            "ok": true,
            "userCtx": [
                "name": request.user.name.map { .string($0) } ?? .null,
                "roles": Self.roles(of: request.user),
            ],
            "info": .object(info),
        ]
        return .now(Response(json: answer.text))
    }

    private func postSession(_ request: Request) throws(SettleError) -> Answer {
        let credentials = try Credentials(request)
        let login = Result { () throws(SettleError) in
            try authenticator.logIn(name: credentials.name, password: credentials.password)
        }
        switch login {
        case .success(let (user, token)):
            let answer: JSONValue = [
                "ok": true,
                "name": user.name.map { .string($0) } ?? .null,
                "roles": Self.roles(of: user),
            ]
            let next = try path("next", of: request)
            return redirected(request, to: next, Response(json: answer.text), token: token)
        case .failure(let error):
            return redirected(request, to: try path("fail", of: request), Response(error: error), token: "")
        }
    }

    /// The path on this server that a parameter names.
    private func path(_ name: String, of request: Request) throws(SettleError) -> String? {
        guard let path = request.query[name] else { return nil }
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw SettleError(.badRequest, "path must begin with a /.")
        }
        return path
    }

    private func deleteSession(_ request: Request) throws(SettleError) -> Answer {
        redirected(request, to: try path("next", of: request), .ok(), token: "")
    }

    private static func roles(of user: UserContext) -> JSONValue { user.isAdministrator ? ["_admin"] : [] }

    /// The answer with the cookie, and with the way to go on if the client named one.
    private func redirected(
        _ request: Request,
        to path: String?,
        _ response: Response,
        token: String
    ) -> Answer {
        var response = response
        response.head.headers.append(("Set-Cookie", SessionCookie.field(token)))
        if let path {
            response.head.status = 302
            response.head.location = Array((request.baseURL + path).utf8.filter { $0 > 0x20 && $0 != 0x7F })
        }
        return .now(response)
    }
}

/// Name and password in the body of a login; CouchDB takes `username` for `name`, and some clients send that.
private struct Credentials {
    let name: String
    let password: String

    init(_ request: Request) throws(SettleError) {
        let type = (request.headers.first(name: "Content-Type") ?? "").prefix { $0 != ";" && $0 != " " }
        var name: String?
        var password: String?
        switch type.lowercased() {
        case "application/json":
            let object = try request.jsonObject()
            name = (object["name"] ?? object["username"])?.string
            password = object["password"]?.string
        case "application/x-www-form-urlencoded", "":
            let form = QueryParameters(request.body[...])
            (name, password) = (form["name"] ?? form["username"], form["password"])
        default: break
        }
        guard let name else { throw SettleError(.badRequest, "request body must contain a username") }
        self.name = name
        self.password = password ?? ""
    }
}
