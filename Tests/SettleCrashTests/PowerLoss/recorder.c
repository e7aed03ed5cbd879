// Records what a process does to the files below one folder, in order, so that a power loss at any moment can be
// played out afterwards: which writes had reached the disk for certain, and which the system might still have held.
//
//     cc -shared -fPIC -O1 -o recorder.so recorder.c -ldl
//     RECORD_ROOT=/tmp/x/data RECORD_LOG=/tmp/x/log LD_PRELOAD=recorder.so settle serve --data /tmp/x/data …
//
// The log is a line per event, some followed by as many bytes as `length` says and a line feed:
//
//     create INODE PATH            an entry came to be (an empty file or a directory, `mkdir INODE PATH`)
//     write INODE OFFSET LENGTH DURABLE PATH    bytes follow; DURABLE 1: through O_SYNC or O_DSYNC, on disk on return
//     truncate INODE SIZE PATH
//     rename FROM<tab>TO · unlink PATH · rmdir PATH · link FROM<tab>TO
//     sync-begin ID INODE PATH · sync-end ID    what was written before the first is on disk after the second
//     map INODE PATH               a shared writable mapping: writes through it are not seen
//     say LENGTH                   bytes follow: written to a socket, a pipe or standard output
//
// A write and its event are one step under a lock, so the log's order is the files' order. What is said is recorded
// before it is sent: whoever hears it hears it later than the log says, never earlier.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The files must not see 64-bit redirection: the hooks carry the names that callers link against.
#if defined(__USE_FILE_OFFSET64)
#error "compile without _FILE_OFFSET_BITS"
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static atomic_ulong next_sync = 1;

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("RECORD_ROOT"), *log = getenv("RECORD_LOG");
    if (!folder || !log || !realpath(folder, root)) return;
    root_length = strlen(root);
    log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsetenv("LD_PRELOAD"); // children are not recorded
}

// ---------------------------------------------------------------- the log

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = syscall(SYS_write, log_fd, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) abort();
        at += n, length -= (size_t)n;
    }
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    char line[2 * PATH_MAX + 200];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(line, (size_t)n);
}

/// Whether a path, made absolute, lies below the root; the absolute path goes to `out`.
static int below(int folder, const char *path, char *out) {
    if (log_fd < 0 || !path) return 0;
    char joined[2 * PATH_MAX + 2], parent[PATH_MAX], real[PATH_MAX];
    if (strlen(path) >= PATH_MAX) return 0;
    if (path[0] == '/') {
        snprintf(joined, sizeof joined, "%s", path);
    } else if (folder == AT_FDCWD) {
        if (!getcwd(parent, sizeof parent)) return 0;
        snprintf(joined, sizeof joined, "%s/%s", parent, path);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t n = readlink(link, parent, sizeof parent - 1);
        if (n < 0) return 0;
        parent[n] = 0;
        snprintf(joined, sizeof joined, "%s/%s", parent, path);
    }
    size_t length = strlen(joined);
    while (length > 1 && joined[length - 1] == '/') joined[--length] = 0;
    char *slash = strrchr(joined, '/');
    if (!slash) return 0;
    *slash = 0;
    if (!realpath(slash == joined ? "/" : joined, real)) return 0;
    if (snprintf(out, PATH_MAX, "%s/%s", real, slash + 1) >= PATH_MAX) return 0;
    return strncmp(out, root, root_length) == 0 && out[root_length] == '/';
}

/// Whether a descriptor is of a file or folder at or below the root; its inode and its path.
static int recorded(int fd, struct stat *info, char *path) {
    if (log_fd < 0 || fd == log_fd || fstat(fd, info) != 0) return 0;
    if (!S_ISREG(info->st_mode) && !S_ISDIR(info->st_mode)) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/// Whether bytes written here leave the process towards somebody who may act on them.
static int speaks(int fd) {
    struct stat info;
    if (log_fd < 0 || fd == log_fd || fd == 2 || fstat(fd, &info) != 0) return 0;
    return fd == 1 || S_ISSOCK(info.st_mode) || S_ISFIFO(info.st_mode);
}

static void say(const struct iovec *parts, int count) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += parts[i].iov_len;
    pthread_mutex_lock(&lock);
    note("say %zu\n", total);
    for (int i = 0; i < count; i++) put(parts[i].iov_base, parts[i].iov_len);
    put("\n", 1);
    pthread_mutex_unlock(&lock);
}

/// Notes the first `written` bytes of a write that has just been made.
static void note_write(const struct stat *info, const char *path, int fd, off_t offset, ssize_t written,
                       const struct iovec *parts, int count, int flags) {
    int durable = (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0 || (flags & (RWF_DSYNC | RWF_SYNC)) != 0;
    note("write %lu %lld %zd %d %s\n", (unsigned long)info->st_ino, (long long)offset, written, durable, path);
    size_t left = (size_t)written;
    for (int i = 0; i < count && left > 0; i++) {
        size_t n = parts[i].iov_len < left ? parts[i].iov_len : left;
        put(parts[i].iov_base, n);
        left -= n;
    }
    put("\n", 1);
}

/// One write by any of its names: `call` makes it, at `offset` or (negative) where the descriptor stands.
#define WRITE(fd, parts, count, offset, flags, call)                                                  \
    ({                                                                                                \
        struct stat info;                                                                             \
        char path[PATH_MAX];                                                                          \
        ssize_t result;                                                                               \
        if (recorded(fd, &info, path)) {                                                              \
            pthread_mutex_lock(&lock);                                                                \
            off_t at = (offset);                                                                      \
            result = (call);                                                                          \
            int saved = errno;                                                                        \
            if (at < 0 && result > 0) at = lseek(fd, 0, SEEK_CUR) - result;                           \
            if (result > 0) note_write(&info, path, fd, at, result, parts, count, flags);             \
            pthread_mutex_unlock(&lock);                                                              \
            errno = saved;                                                                            \
        } else {                                                                                      \
            if (speaks(fd)) say(parts, count);                                                        \
            result = (call);                                                                          \
        }                                                                                             \
        result;                                                                                       \
    })

ssize_t write(int fd, const void *bytes, size_t n) {
    struct iovec part = {(void *)bytes, n};
    return WRITE(fd, &part, 1, -1, 0, REAL(write)(fd, bytes, n));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return WRITE(fd, parts, count, -1, 0, REAL(writev)(fd, parts, count));
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
    struct iovec part = {(void *)bytes, n};
    return WRITE(fd, &part, 1, offset, 0, REAL(pwrite)(fd, bytes, n, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset) {
    struct iovec part = {(void *)bytes, n};
    return WRITE(fd, &part, 1, offset, 0, REAL(pwrite64)(fd, bytes, n, offset));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return WRITE(fd, parts, count, offset, 0, REAL(pwritev)(fd, parts, count, offset));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    return WRITE(fd, parts, count, offset, 0, REAL(pwritev64)(fd, parts, count, offset));
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return WRITE(fd, parts, count, offset, flags, REAL(pwritev2)(fd, parts, count, offset, flags));
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
    return WRITE(fd, parts, count, offset, flags, REAL(pwritev64v2)(fd, parts, count, offset, flags));
}

ssize_t send(int fd, const void *bytes, size_t n, int flags) {
    struct iovec part = {(void *)bytes, n};
    if (speaks(fd)) say(&part, 1);
    return REAL(send)(fd, bytes, n, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to, socklen_t length) {
    struct iovec part = {(void *)bytes, n};
    if (speaks(fd)) say(&part, 1);
    return REAL(sendto)(fd, bytes, n, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (speaks(fd)) say(message->msg_iov, (int)message->msg_iovlen);
    return REAL(sendmsg)(fd, message, flags);
}

// ---------------------------------------------------------------- sizes, syncs, mappings

#define TRUNCATE(fd, size, call)                                                                      \
    ({                                                                                                \
        struct stat info;                                                                             \
        char path[PATH_MAX];                                                                          \
        int is_recorded = recorded(fd, &info, path);                                                  \
        if (is_recorded) pthread_mutex_lock(&lock);                                                   \
        int result = (call);                                                                          \
        if (is_recorded) {                                                                            \
            int saved = errno;                                                                        \
            if (result == 0) note("truncate %lu %lld %s\n", (unsigned long)info.st_ino, (long long)(size), path); \
            pthread_mutex_unlock(&lock);                                                              \
            errno = saved;                                                                            \
        }                                                                                             \
        result;                                                                                       \
    })

int ftruncate(int fd, off_t size) { return TRUNCATE(fd, size, REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { return TRUNCATE(fd, size, REAL(ftruncate64)(fd, size)); }

#define SYNC(fd, call)                                                                                \
    ({                                                                                                \
        struct stat info;                                                                             \
        char path[PATH_MAX];                                                                          \
        unsigned long id = 0;                                                                         \
        if (recorded(fd, &info, path)) {                                                              \
            id = atomic_fetch_add(&next_sync, 1);                                                     \
            pthread_mutex_lock(&lock);                                                                \
            note("sync-begin %lu %lu %s\n", id, (unsigned long)info.st_ino, path);                    \
            pthread_mutex_unlock(&lock);                                                              \
        }                                                                                             \
        int result = (call);                                                                          \
        if (id && result == 0) {                                                                      \
            pthread_mutex_lock(&lock);                                                                \
            note("sync-end %lu\n", id);                                                               \
            pthread_mutex_unlock(&lock);                                                              \
        }                                                                                             \
        result;                                                                                       \
    })

int fsync(int fd) { return SYNC(fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { return SYNC(fd, REAL(fdatasync)(fd)); }

static void note_mapping(int fd, int protection, int flags) {
    struct stat info;
    char path[PATH_MAX];
    if (!(protection & PROT_WRITE) || !(flags & MAP_SHARED) || !recorded(fd, &info, path)) return;
    pthread_mutex_lock(&lock);
    note("map %lu %s\n", (unsigned long)info.st_ino, path);
    pthread_mutex_unlock(&lock);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    note_mapping(fd, protection, flags);
    return REAL(mmap)(at, length, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
    note_mapping(fd, protection, flags);
    return REAL(mmap64)(at, length, protection, flags, fd, offset);
}

// ---------------------------------------------------------------- names

#define OPEN(folder, name, flags, call)                                                               \
    ({                                                                                                \
        char path[PATH_MAX];                                                                          \
        struct stat info;                                                                             \
        int fd;                                                                                       \
        if (((flags) & (O_CREAT | O_TRUNC)) && below(folder, name, path)) {                           \
            pthread_mutex_lock(&lock);                                                                \
            int existed = lstat(path, &info) == 0;                                                    \
            fd = (call);                                                                              \
            int saved = errno;                                                                        \
            if (fd >= 0 && fstat(fd, &info) == 0) {                                                   \
                if (!existed) note("create %lu %s\n", (unsigned long)info.st_ino, path);              \
                else if ((flags) & O_TRUNC) note("truncate %lu 0 %s\n", (unsigned long)info.st_ino, path); \
            }                                                                                         \
            pthread_mutex_unlock(&lock);                                                              \
            errno = saved;                                                                            \
        } else {                                                                                      \
            fd = (call);                                                                              \
        }                                                                                             \
        fd;                                                                                           \
    })

#define MODE(flags)                                                                                   \
    ({                                                                                                \
        mode_t mode = 0;                                                                              \
        if ((flags) & (O_CREAT | O_TMPFILE)) {                                                        \
            va_list arguments;                                                                        \
            va_start(arguments, flags);                                                               \
            mode = va_arg(arguments, mode_t);                                                         \
            va_end(arguments);                                                                        \
        }                                                                                             \
        mode;                                                                                         \
    })

int open(const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return OPEN(AT_FDCWD, name, flags, REAL(open)(name, flags, mode));
}

int open64(const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return OPEN(AT_FDCWD, name, flags, REAL(open64)(name, flags, mode));
}

int openat(int folder, const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return OPEN(folder, name, flags, REAL(openat)(folder, name, flags, mode));
}

int openat64(int folder, const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return OPEN(folder, name, flags, REAL(openat64)(folder, name, flags, mode));
}

int creat(const char *name, mode_t mode) { return open(name, O_WRONLY | O_CREAT | O_TRUNC, mode); }

/// A change of names: `call` makes it, `note` records it if it worked and concerns the root.
#define NAMES(concerns, call, ...)                                                                    \
    ({                                                                                                \
        int is_recorded = (concerns);                                                                 \
        if (is_recorded) pthread_mutex_lock(&lock);                                                   \
        int result = (call);                                                                          \
        if (is_recorded) {                                                                            \
            int saved = errno;                                                                        \
            if (result == 0) { __VA_ARGS__; }                                                         \
            pthread_mutex_unlock(&lock);                                                              \
            errno = saved;                                                                            \
        }                                                                                             \
        result;                                                                                       \
    })

static int make_folder(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    struct stat info;
    return NAMES(below(folder, name, path), REAL(mkdirat)(folder, name, mode),
                 if (lstat(path, &info) == 0) note("mkdir %lu %s\n", (unsigned long)info.st_ino, path));
}

int mkdir(const char *name, mode_t mode) { return make_folder(AT_FDCWD, name, mode); }
int mkdirat(int folder, const char *name, mode_t mode) { return make_folder(folder, name, mode); }

static int change_name(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char old[PATH_MAX], new[PATH_MAX];
    int concerns = below(from_folder, from, old) & below(to_folder, to, new);
    return NAMES(concerns, (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags),
                 note("rename %s\t%s\n", old, new));
}

int rename(const char *from, const char *to) { return change_name(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return change_name(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return change_name(a, from, b, to, flags);
}

static int remove_name(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    return NAMES(below(folder, name, path), REAL(unlinkat)(folder, name, flags),
                 note("%s %s\n", flags & AT_REMOVEDIR ? "rmdir" : "unlink", path));
}

int unlink(const char *name) { return remove_name(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return remove_name(AT_FDCWD, name, AT_REMOVEDIR); }
int unlinkat(int folder, const char *name, int flags) { return remove_name(folder, name, flags); }

int remove(const char *name) {
    struct stat info;
    if (lstat(name, &info) != 0) return -1;
    return remove_name(AT_FDCWD, name, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
}

static int add_name(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    char old[PATH_MAX], new[PATH_MAX];
    int concerns = below(from_folder, from, old) & below(to_folder, to, new);
    return NAMES(concerns, REAL(linkat)(from_folder, from, to_folder, to, flags), note("link %s\t%s\n", old, new));
}

int link(const char *from, const char *to) { return add_name(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return add_name(a, from, b, to, flags); }
