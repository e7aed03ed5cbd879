#if JavaScript
#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Memory with a counter that a server and its worker both see.
@safe
final class SharedProgress {
    /// The memory's file, which the worker inherits.
    let descriptor: Int32
    private let memory: UnsafeMutableRawPointer

    /// Makes the memory; nil if the system has none to give.
    convenience init?() {
        #if os(Linux)
        let name = "/settle-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let descriptor = unsafe shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 { unsafe shm_unlink(name) }
        #else
        var name = Array("/tmp/settle-progress-XXXXXX".utf8CString)
        let descriptor = unsafe name.withUnsafeMutableBufferPointer { name in
            let descriptor = unsafe mkostemp(name.baseAddress, O_CLOEXEC)
            if descriptor >= 0, let path = unsafe name.baseAddress { unsafe unlink(path) }
            return descriptor
        }
        #endif
        guard descriptor >= 0 else { return nil }
        guard ftruncate(descriptor, off_t(Progress.byteCount)) == 0 else {
            close(descriptor)
            return nil
        }
        self.init(descriptor: descriptor)
    }

    /// Opens memory that another process made, and takes over the descriptor.
    init?(descriptor: Int32) {
        let protection = PROT_READ | PROT_WRITE
        guard let memory = unsafe mmap(nil, Progress.byteCount, protection, MAP_SHARED, descriptor, 0),
            unsafe memory != MAP_FAILED
        else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        unsafe self.memory = unsafe memory
    }

    deinit {
        unsafe munmap(memory, Progress.byteCount)
        close(descriptor)
    }

    /// The counter; valid as long as this object.
    var progress: Progress { unsafe Progress(address: memory) }
}
#endif
