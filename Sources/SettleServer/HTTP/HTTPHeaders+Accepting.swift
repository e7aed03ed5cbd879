import NIOHTTP1
import SettleCore

extension HTTPHeaders {
    /// Whether the client takes gzip; without the header it doesn't.
    var acceptsGzip: Bool {
        guard let field = first(name: "Accept-Encoding") else { return false }
        return AcceptHeader(field.replacing("*", with: "*/*")).accepts("gzip")
    }
}
