package import Foundation
import Synchronization

private let starting = Mutex(())

/// Starts a process, never two at the same time.
///
/// Foundation learns of a child's end when the child's end of a socket closes. A child that another thread starts at the same
/// moment can inherit that end and keep it open; two children that outlive each other so were waited for forever.
package func start(_ process: Process) throws {
    try starting.withLock { _ in try process.run() }
}
