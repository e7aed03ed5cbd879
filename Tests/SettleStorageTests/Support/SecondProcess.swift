import Foundation
import SettleTestSupport

/// Another process that uses an environment's file, written in C against LMDB alone.
///
/// It is compiled when a test needs it, because a test's own process can be neither forked nor killed.
final class SecondProcess {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let process = Process()
    private let output = Pipe()

    /// Starts the program with `arguments` and waits until it has done what they say.
    init(_ directory: TemporaryDirectory, _ arguments: String...) throws {
        let program = directory.file("second-process")
        if !FileManager.default.fileExists(atPath: program) { try SecondProcess.compile(to: program) }
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        try start(process)
        let answer = try output.fileHandleForReading.read(upToCount: 6)
        guard answer == Data("ready\n".utf8) else {
            process.waitUntilExit()
            throw Failure(
                description: "The second process failed: \(arguments), status \(process.terminationStatus)"
            )
        }
    }

    /// Waits for the program's end; its exit status.
    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Ends the program as a crash would, giving it no chance to tidy up.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func compile(to program: String) throws {
        let source = program + ".c"
        try Data(self.source.utf8).write(to: URL(fileURLWithPath: source))
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["cc", "-o", program, source, "-llmdb"]
        try start(compiler)
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else {
            throw Failure(
                description: "These tests need a C compiler and LMDB's headers: cc \(source) failed."
            )
        }
    }

    private static let source = """
        #include <lmdb.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/file.h>
        #include <unistd.h>
        #include <fcntl.h>

        #define CHECK(call) do { int rc = (call); if (rc) { \\
            fprintf(stderr, "%s: %s\\n", #call, mdb_strerror(rc)); exit(1); } } while (0)

        static void ready(void) { write(1, "ready\\n", 6); }

        /* lock FILE | read FILE SLOTS | write FILE | put FILE KEY VALUE | fill FILE MAPSIZE ROWS ROWSIZE |
           reopen FILE, over and over, each time in its turn */
        int main(int count, char **arguments) {
            const char *verb = arguments[1], *file = arguments[2];
            if (!strcmp(verb, "lock")) {
                int descriptor = open(file, O_RDWR | O_CREAT, 0644);
                if (flock(descriptor, LOCK_EX | LOCK_NB)) return 1;
                ready();
                for (;;) pause();
            }
            if (!strcmp(verb, "reopen")) {
                int descriptor = open(file, O_RDWR);
                for (int round = 0;; round++) {
                    MDB_env *env;
                    MDB_txn *txn;
                    flock(descriptor, LOCK_EX);
                    CHECK(mdb_env_create(&env));
                    CHECK(mdb_env_open(env, file, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC, 0644));
                    CHECK(mdb_txn_begin(env, 0, MDB_RDONLY, &txn));
                    flock(descriptor, LOCK_UN);
                    mdb_txn_abort(txn);
                    flock(descriptor, LOCK_EX);
                    mdb_env_close(env);
                    flock(descriptor, LOCK_UN);
                    if (!round) ready();
                }
            }
            int filling = !strcmp(verb, "fill");
            MDB_env *env;
            MDB_txn *txn;
            MDB_dbi rows;
            CHECK(mdb_env_create(&env));
            CHECK(mdb_env_set_mapsize(env, filling ? atol(arguments[3]) : 1L << 30));
            CHECK(mdb_env_set_maxdbs(env, 16));
            CHECK(mdb_env_open(env, file, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC, 0644));
            if (!strcmp(verb, "read")) {
                for (long slot = atol(arguments[3]); slot > 0; slot--) CHECK(mdb_txn_begin(env, 0, MDB_RDONLY, &txn));
                ready();
                for (;;) pause();
            }
            CHECK(mdb_txn_begin(env, 0, 0, &txn));
            CHECK(mdb_dbi_open(txn, "rows", MDB_CREATE, &rows));
            if (!strcmp(verb, "write")) {
                ready();
                for (;;) pause();
            }
            if (!strcmp(verb, "put")) {
                MDB_val key = { strlen(arguments[3]), arguments[3] }, value = { strlen(arguments[4]), arguments[4] };
                CHECK(mdb_put(txn, rows, &key, &value, 0));
            }
            if (filling) {
                long size = atol(arguments[5]);
                char name[32], *bytes = malloc(size);
                memset(bytes, 'x', size);
                for (long row = 0; row < atol(arguments[4]); row++) {
                    MDB_val key = { sprintf(name, "filled-%ld", row), name }, value = { size, bytes };
                    CHECK(mdb_put(txn, rows, &key, &value, 0));
                }
            }
            CHECK(mdb_txn_commit(txn));
            mdb_env_close(env);
            ready();
            return 0;
        }
        """
}
