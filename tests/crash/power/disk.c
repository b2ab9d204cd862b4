/* Stands between a process and the disk: writes down, in order, each write, cut and sync of one store's files, and
 * what the process says of itself; can fail or slow down what is to come. Preloaded (LD_PRELOAD).
 *
 * POWER_STORE is the store's path, POWER_LOG the log's. An entry is a line, `KIND FILE AT MANY`, and behind a write
 * its bytes; FILE is 0 (the store), 1 (its -wal), 2 (its -journal) or 3 (their folder). A sync is two entries: it
 * covers what was written before it began. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define MOST 4096
static signed char file_of[MOST];
static const char *suffixes[] = {"", "-wal", "-journal"};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int output = -1;
static char fails = 0;
static long fails_after = 0;
static int fails_as = 0;
static long slow_microseconds = 0;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_close)(int);

__attribute__((constructor)) static void begin(void) {
    memset(file_of, -1, sizeof file_of);
    real_open = dlsym(RTLD_NEXT, "open64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_close = dlsym(RTLD_NEXT, "close");
    const char *path = getenv("POWER_LOG");
    if (path != NULL) output = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int which(const char *path) {
    const char *store = getenv("POWER_STORE");
    if (store == NULL || path == NULL) return -1;
    size_t length = strlen(store);
    const char *name = strrchr(store, '/');
    if (name != NULL && strlen(path) == (size_t)(name - store) && strncmp(path, store, strlen(path)) == 0) return 3;
    if (strncmp(path, store, length) != 0) return -1;
    for (int one = 0; one < 3; one++)
        if (strcmp(path + length, suffixes[one]) == 0) return one;
    return -1;
}

static int of(int fd) { return fd >= 0 && fd < MOST ? file_of[fd] : -1; }

static void put(const void *bytes, size_t many) {
    while (many > 0) {
        ssize_t done = real_write(output, bytes, many);
        if (done <= 0) abort();
        bytes = (const char *)bytes + done;
        many -= (size_t)done;
    }
}

static void say(char kind, int file, long at, const void *bytes, size_t many) {
    char head[96];
    int length = snprintf(head, sizeof head, "%c %d %ld %zu\n", kind, file, at, many);
    put(head, (size_t)length);
    if (many > 0) put(bytes, many);
}

/* Whether this call of a kind is the one that is to fail. Held: the mutex. */
static int is_to_fail(char kind) {
    if (fails != kind || fails_after-- > 0) return 0;
    fails = 0;
    errno = fails_as;
    return 1;
}

/* What the process says of itself, and asks for. */
void power_say(const char *text) {
    pthread_mutex_lock(&mutex);
    say('M', 0, 0, text, strlen(text));
    pthread_mutex_unlock(&mutex);
}

void power_fail(char kind, long after, int error) {
    pthread_mutex_lock(&mutex);
    fails_after = after;
    fails_as = error;
    fails = kind;
    pthread_mutex_unlock(&mutex);
}

void power_slow(long microseconds) { slow_microseconds = microseconds; }

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < MOST) file_of[fd] = (signed char)which(path);
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return opened(real_open(path, flags, mode), path);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return opened(real_open(path, flags, mode), path);
}

int close(int fd) {
    if (of(fd) >= 0) file_of[fd] = -1;
    return real_close(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t many, off_t at) {
    int file = of(fd);
    if (file < 0) return real_pwrite(fd, bytes, many, at);
    pthread_mutex_lock(&mutex);
    ssize_t done = is_to_fail('W') ? -1 : real_pwrite(fd, bytes, many, at);
    int error = errno;
    if (done > 0) say('W', file, (long)at, bytes, (size_t)done);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t many, off_t at) { return pwrite64(fd, bytes, many, at); }

ssize_t write(int fd, const void *bytes, size_t many) {
    if (of(fd) >= 0) abort(); /* SQLite writes at offsets: what writes otherwise would go unseen */
    return real_write(fd, bytes, many);
}

int ftruncate64(int fd, off_t many) {
    int file = of(fd);
    if (file < 0) return real_ftruncate(fd, many);
    pthread_mutex_lock(&mutex);
    int done = real_ftruncate(fd, many);
    if (done == 0) say('T', file, (long)many, NULL, 0);
    pthread_mutex_unlock(&mutex);
    return done;
}

int ftruncate(int fd, off_t many) { return ftruncate64(fd, many); }

static int sync_by(int (*sync)(int), int fd) {
    int file = of(fd);
    if (file < 0) return sync(fd);
    pthread_mutex_lock(&mutex);
    say('B', file, 0, NULL, 0);
    int failing = file < 3 && is_to_fail('S'); /* SQLite doesn't heed what the sync of a folder says */
    pthread_mutex_unlock(&mutex);
    if (slow_microseconds > 0) usleep((useconds_t)slow_microseconds);
    int done = failing ? -1 : sync(fd);
    int error = failing ? fails_as : errno;
    pthread_mutex_lock(&mutex);
    say(done == 0 ? 'S' : 'F', file, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return done;
}

int fsync(int fd) { return sync_by(real_fsync, fd); }

int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }

int unlink(const char *path) {
    int file = which(path);
    if (file < 0) return real_unlink(path);
    pthread_mutex_lock(&mutex);
    int done = real_unlink(path);
    int error = errno;
    if (done == 0) say('U', file, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return done;
}
