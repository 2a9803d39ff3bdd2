// Makes the n-th of some calls of a program fail, for scripts/faults/faults.py: loaded with LD_PRELOAD.
//
// FAULT_CALLS  names, with commas around each: ",write,pwrite64,"
// FAULT_AT     which of all these calls in all threads, from 1; 0 for none
// FAULT_TIMES  how many calls fail, from that one on; 1 unless it is said
// FAULT_DO     a number of errno; "kill" for SIGKILL instead of the call; "short" for half of what was asked
// FAULT_LOG    a file: the call that failed and its path; with FAULT_AT=0 the path of every call, one a line
//
// A call of strace's fault injection is counted for each thread by itself, and a short read cannot be made of its retval;
// otherwise that would do.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long seen;

enum { PASS, FAIL, SHORTER };

static int met(const char *name, int fd, const char *path) {
    const char *calls = getenv("FAULT_CALLS"), *which = getenv("FAULT_AT"), *what = getenv("FAULT_DO");
    char key[32], link[32], place[8192] = "";
    snprintf(key, sizeof key, ",%s,", name);
    if (!calls || !which || !what || !strstr(calls, key)) return PASS;
    long number = atomic_fetch_add(&seen, 1) + 1, wanted = atol(which);
    const char *times = getenv("FAULT_TIMES");
    if (wanted && (number < wanted || number >= wanted + (times ? atol(times) : 1))) return PASS;
    int held = errno;
    const char *log = getenv("FAULT_LOG");
    if (fd != AT_FDCWD && (!path || *path != '/')) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, place, 4096);
        length = length < 0 ? 0 : length;
        snprintf(place + length, sizeof place - length, path ? "/%s" : "%s", path ? path : "");
        path = place;
    }
    if (log) {
        char line[8300];
        int length = snprintf(line, sizeof line, "%s %s\n", name, path);
        int to = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        syscall(SYS_write, to, line, length);
        syscall(SYS_close, to);
    }
    errno = held;
    if (!wanted) return PASS;
    if (!strcmp(what, "short")) return SHORTER;
    if (!strcmp(what, "kill")) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        for (;;) pause();
    }
    errno = atoi(what);
    return FAIL;
}

#define NEXT(name) static __typeof__(&name) next; if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define HALF(count) (met_ == SHORTER && (count) > 1 ? (count) / 2 : (count))
#define MET(name, fd, path) int met_ = met(name, fd, path); if (met_ == FAIL) return -1

ssize_t read(int fd, void *to, size_t count) { NEXT(read); MET("read", fd, 0); return next(fd, to, HALF(count)); }
ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
    NEXT(pread64); MET("pread64", fd, 0); return next(fd, to, HALF(count), at);
}
ssize_t write(int fd, const void *from, size_t count) { NEXT(write); MET("write", fd, 0); return next(fd, from, HALF(count)); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    NEXT(pwrite64); MET("pwrite64", fd, 0); return next(fd, from, HALF(count), at);
}
ssize_t writev(int fd, const struct iovec *from, int count) {
    NEXT(writev); MET("writev", fd, 0); return next(fd, from, HALF(count));
}
int fsync(int fd) { NEXT(fsync); MET("fsync", fd, 0); return next(fd); }
int fdatasync(int fd) { NEXT(fdatasync); MET("fdatasync", fd, 0); return next(fd); }
int rename(const char *from, const char *to) { NEXT(rename); MET("rename", AT_FDCWD, to); return next(from, to); }
int renameat(int a, const char *from, int b, const char *to) {
    NEXT(renameat); MET("renameat", b, to); return next(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    NEXT(renameat2); MET("renameat2", b, to); return next(a, from, b, to, flags);
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
    NEXT(linkat); MET("linkat", b, to); return next(a, from, b, to, flags);
}
int mkdir(const char *path, mode_t mode) { NEXT(mkdir); MET("mkdir", AT_FDCWD, path); return next(path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { NEXT(mkdirat); MET("mkdirat", at, path); return next(at, path, mode); }
int unlink(const char *path) { NEXT(unlink); MET("unlink", AT_FDCWD, path); return next(path); }
int unlinkat(int at, const char *path, int flags) { NEXT(unlinkat); MET("unlinkat", at, path); return next(at, path, flags); }
int rmdir(const char *path) { NEXT(rmdir); MET("rmdir", AT_FDCWD, path); return next(path); }
DIR *opendir(const char *path) { NEXT(opendir); return met("openat", AT_FDCWD, path) == FAIL ? NULL : next(path); }

static mode_t mode_of(int flags, va_list more) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0; }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = mode_of(flags, more); va_end(more); \
        NEXT(name); MET("openat", AT_FDCWD, path); return next(path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = mode_of(flags, more); va_end(more); \
        NEXT(name); MET("openat", at, path); return next(at, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
