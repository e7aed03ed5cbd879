#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

extension FileSystem {
    /// The path from the root, without a slash at its end: the same directory always has the same text, as far as
    /// that goes without following links.
    package static func absolute(_ path: String) -> String {
        var whole = path
        if !path.hasPrefix("/"), let current = unsafe getcwd(nil, 0) {
            whole = unsafe String(cString: current) + "/" + path
            unsafe free(current)
        }
        var components: [Substring] = []
        for component in whole.split(separator: "/") where component != "." {
            if component == "..", !components.isEmpty {
                components.removeLast()
            } else {
                components.append(component)
            }
        }
        return "/" + components.joined(separator: "/")
    }

    /// The directory that an absolute path lies in.
    package static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// Moves a directory to a place, in one step for all processes; false if something is there already.
    package static func renameIfAbsent(_ path: String, to newPath: String) throws(StorageError) -> Bool {
        do {
            // A directory can be renamed over an empty one only, and ours never are.
            try rename(path, to: newPath)
            return true
        } catch StorageError.system(ENOTEMPTY), StorageError.system(EEXIST), StorageError.system(ENOTDIR) {
            return false
        }
    }
}
