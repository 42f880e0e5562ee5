/* A library for LD_PRELOAD that lets one call of a program fail: an allocation, a file, a socket, a
 * request. tests/faults/test_call_faults uses it.
 *
 * A place is a function with the addresses it was called from. FAULT_STATE names a file of struct
 * fault_state, which all processes of the program share. Where its `place` is 0, each place that is
 * met is noted; otherwise the first call from that place fails, once. With FAULT_TRACE it prints
 * the callers of that one. */
#include "interposer.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define DEPTH 12  /* callers that distinguish places */
#define SKIPPED 2 /* frames of this file */
#define MODULES 64

static struct fault_state *state;
/* Volatile: what glibc calls leaf functions call malloc() here. */
static __thread volatile int inside __attribute__((tls_model("initial-exec")));

static struct {
	uintptr_t low, high;
} modules[MODULES];
static size_t module_count;

static int module_add(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size, (void)arg;
	uintptr_t low = UINTPTR_MAX, high = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;
		if (p->p_type != PT_LOAD)
			continue;
		low = from < low ? from : low;
		high = from + p->p_memsz > high ? from + p->p_memsz : high;
	}
	if (module_count < MODULES) {
		modules[module_count].low = low;
		modules[module_count++].high = high;
	}
	return 0;
}

/* The address within its module: the same in each run. */
static uint64_t relative(void *address)
{
	uintptr_t at = (uintptr_t)address;
	for (size_t i = 0; i < module_count; i++)
		if (at >= modules[i].low && at < modules[i].high)
			return at - modules[i].low + i * 0x9e3779b97f4a7c15;
	return 0;
}

__attribute__((constructor)) static void state_map(void)
{
	const char *path = getenv("FAULT_STATE");
	void *first[1];
	inside++;
	backtrace(first, 1); /* loads the unwinder */
	dl_iterate_phdr(module_add, NULL);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd >= 0) {
		void *at = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (at != MAP_FAILED)
			state = at;
	}
	inside--;
}

static void place_note(uint64_t place, const char *function)
{
	for (size_t i = place % FAULT_PLACES, n = 0; n < FAULT_PLACES; n++) {
		uint64_t none = 0;
		struct fault_place *p = &state->places[i];
		if (atomic_compare_exchange_strong(&p->place, &none, place)) {
			p->child = getpid() != state->command;
			p->order = atomic_fetch_add(&state->met, 1);
			strncpy(p->function, function, sizeof(p->function) - 1);
			return;
		}
		if (none == place)
			return;
		i = (i + 1) % FAULT_PLACES;
	}
}

/* Whether this call is the one that fails. */
static __attribute__((noinline)) int fails(const char *function, int error)
{
	void *callers[DEPTH + SKIPPED];
	if (!state || inside)
		return 0;
	int kept = errno;
	inside++;
	int n = backtrace(callers, DEPTH + SKIPPED);
	uint64_t place = 0xcbf29ce484222325;
	for (const char *c = function; *c; c++)
		place = (place ^ (unsigned char)*c) * 0x100000001b3;
	for (int i = SKIPPED; i < n; i++)
		place = (place ^ relative(callers[i])) * 0x100000001b3;
	place |= !place;
	int hit = 0;
	if (!state->wanted)
		place_note(place, function);
	else if (state->wanted == place && !atomic_exchange(&state->fired, 1)) {
		state->error = error;
		hit = 1;
		if (getenv("FAULT_TRACE"))
			backtrace_symbols_fd(callers, n, 2);
	}
	inside--;
	errno = hit ? error : kept;
	return hit;
}

/* What dlsym() allocates before it has found malloc(). */
static char early[16384];
static size_t early_used;

static void *early_take(size_t size)
{
	void *at = early + early_used;
	early_used += (size + 15) & ~(size_t)15;
	if (early_used > sizeof(early))
		abort();
	return at;
}

static int is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + sizeof(early);
}

static __thread volatile int finding __attribute__((tls_model("initial-exec")));

static void *find(const char *name)
{
	finding++;
	void *at = dlsym(RTLD_NEXT, name);
	finding--;
	return at;
}

#define NEXT(name)                                                                                 \
	static __typeof__(&name) next;                                                             \
	if (!next)                                                                                 \
		*(void **)&next = find(#name);

#define CALL(type, name, error, failed, parameters, ...)                                           \
	type name parameters                                                                       \
	{                                                                                          \
		NEXT(name)                                                                         \
		if (fails(#name, error))                                                           \
			return failed;                                                             \
		return next(__VA_ARGS__);                                                          \
	}

void *malloc(size_t size)
{
	if (finding)
		return early_take(size);
	NEXT(malloc)
	return fails("malloc", ENOMEM) ? NULL : next(size);
}

void *calloc(size_t count, size_t size)
{
	if (finding)
		return early_take(count * size);
	NEXT(calloc)
	return fails("calloc", ENOMEM) ? NULL : next(count, size);
}

void *realloc(void *p, size_t size)
{
	NEXT(realloc)
	return fails("realloc", ENOMEM) ? NULL : next(p, size);
}

/* dlsym() frees the text of an error before it. */
void free(void *p)
{
	if (finding || is_early(p))
		return;
	NEXT(free)
	next(p);
}

/* Files */

#define MODE(flags)                                                                                \
	mode_t mode = 0;                                                                           \
	if ((flags) & (O_CREAT | O_TMPFILE)) {                                                     \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode = va_arg(args, mode_t);                                                       \
		va_end(args);                                                                      \
	}

int open(const char *path, int flags, ...)
{
	NEXT(open)
	MODE(flags)
	return fails("open", EMFILE) ? -1 : next(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	NEXT(openat)
	MODE(flags)
	return fails("openat", EMFILE) ? -1 : next(dir, path, flags, mode);
}

int __open_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);
char *__fgets_chk(char *text, size_t room, int size, FILE *in);
size_t __fread_chk(void *data, size_t room, size_t size, size_t count, FILE *in);

CALL(int, __open_2, EMFILE, -1, (const char *path, int flags), path, flags)
CALL(int, __openat_2, EMFILE, -1, (int dir, const char *path, int flags), dir, path, flags)
CALL(FILE *, fopen, EMFILE, NULL, (const char *path, const char *mode), path, mode)
CALL(FILE *, fdopen, ENOMEM, NULL, (int fd, const char *mode), fd, mode)
CALL(FILE *, open_memstream, ENOMEM, NULL, (char **text, size_t *size), text, size)
CALL(DIR *, opendir, EMFILE, NULL, (const char *path), path)
CALL(DIR *, fdopendir, ENOMEM, NULL, (int fd), fd)
CALL(ssize_t, read, EIO, -1, (int fd, void *data, size_t size), fd, data, size)
CALL(ssize_t, pread, EIO, -1, (int fd, void *data, size_t size, off_t at), fd, data, size, at)
CALL(ssize_t, __read_chk, EIO, -1, (int fd, void *data, size_t size, size_t room), fd, data, size,
     room)
CALL(ssize_t, readlink, EIO, -1, (const char *path, char *text, size_t size), path, text, size)
CALL(ssize_t, readlinkat, EIO, -1, (int dir, const char *path, char *text, size_t size), dir, path,
     text, size)
CALL(int, fsync, EIO, -1, (int fd), fd)
CALL(int, fstat, EIO, -1, (int fd, struct stat *st), fd, st)
CALL(int, ftruncate, EIO, -1, (int fd, off_t size), fd, size)
CALL(int, flock, ENOLCK, -1, (int fd, int what), fd, what)
CALL(int, fchmod, EPERM, -1, (int fd, mode_t mode), fd, mode)
CALL(int, mkdir, ENOSPC, -1, (const char *path, mode_t mode), path, mode)
CALL(int, mkdirat, ENOSPC, -1, (int dir, const char *path, mode_t mode), dir, path, mode)
CALL(int, rename, EIO, -1, (const char *from, const char *to), from, to)
CALL(int, renameat, EIO, -1, (int a, const char *from, int b, const char *to), a, from, b, to)
CALL(int, unlinkat, EIO, -1, (int dir, const char *path, int flags), dir, path, flags)
CALL(int, memfd_create, EMFILE, -1, (const char *name, unsigned flags), name, flags)
CALL(void *, mmap, ENOMEM, MAP_FAILED,
     (void *at, size_t size, int access, int flags, int fd, off_t from), at, size, access, flags,
     fd, from)

/* Standard output and error have tests of their own. */
ssize_t write(int fd, const void *data, size_t size)
{
	NEXT(write)
	return fd > 2 && fails("write", ENOSPC) ? -1 : next(fd, data, size);
}

/* _IO_ERR_SEEN of glibc. */
static int stream_fails(const char *function, FILE *stream, int error)
{
	if (!stream || stream == stdout || stream == stderr || !fails(function, error))
		return 0;
	stream->_flags |= 0x20;
	return 1;
}

#define STREAM(type, name, error, failed, parameters, stream, ...)                                 \
	type name parameters                                                                       \
	{                                                                                          \
		NEXT(name)                                                                         \
		if (stream_fails(#name, stream, error))                                            \
			return failed;                                                             \
		return next(__VA_ARGS__);                                                          \
	}

STREAM(char *, fgets, EIO, NULL, (char *text, int size, FILE *in), in, text, size, in)
STREAM(char *, __fgets_chk, EIO, NULL, (char *text, size_t room, int size, FILE *in), in, text,
       room, size, in)
STREAM(size_t, fread, EIO, 0, (void *data, size_t size, size_t count, FILE *in), in, data, size,
       count, in)
STREAM(size_t, __fread_chk, EIO, 0, (void *data, size_t room, size_t size, size_t count, FILE *in),
       in, data, room, size, count, in)
STREAM(ssize_t, getline, EIO, -1, (char **text, size_t *room, FILE *in), in, text, room, in)
STREAM(size_t, fwrite, ENOSPC, 0, (const void *data, size_t size, size_t count, FILE *out), out,
       data, size, count, out)
STREAM(int, fputs, ENOSPC, EOF, (const char *text, FILE *out), out, text, out)
STREAM(int, fflush, ENOSPC, EOF, (FILE * out), out, out)

/* glibc 2.36 ends the program itself where this one finds no memory. */
struct passwd *getpwuid(uid_t uid)
{
	NEXT(getpwuid)
	inside++;
	struct passwd *found = next(uid);
	inside--;
	return found;
}

/* Sockets, requests and processes */

CALL(int, socket, EMFILE, -1, (int family, int type, int protocol), family, type, protocol)
CALL(int, socketpair, EMFILE, -1, (int family, int type, int protocol, int fds[2]), family, type,
     protocol, fds)
CALL(int, pipe2, EMFILE, -1, (int fds[2], int flags), fds, flags)
CALL(int, listen, EADDRINUSE, -1, (int fd, int backlog), fd, backlog)
CALL(int, setsockopt, ENOMEM, -1, (int fd, int level, int name, const void *value, socklen_t size),
     fd, level, name, value, size)
CALL(int, getsockopt, ENOMEM, -1, (int fd, int level, int name, void *value, socklen_t *size), fd,
     level, name, value, size)
CALL(ssize_t, send, ENOBUFS, -1, (int fd, const void *data, size_t size, int flags), fd, data, size,
     flags)
CALL(ssize_t, recv, ENOBUFS, -1, (int fd, void *data, size_t size, int flags), fd, data, size,
     flags)
CALL(ssize_t, __recv_chk, ENOBUFS, -1, (int fd, void *data, size_t size, size_t room, int flags),
     fd, data, size, room, flags)
CALL(ssize_t, sendmsg, ENOBUFS, -1, (int fd, const struct msghdr *m, int flags), fd, m, flags)
CALL(ssize_t, recvmsg, ENOBUFS, -1, (int fd, struct msghdr *m, int flags), fd, m, flags)
CALL(int, epoll_create1, EMFILE, -1, (int flags), flags)
CALL(int, epoll_ctl, ENOMEM, -1, (int set, int what, int fd, struct epoll_event *event), set, what,
     fd, event)
CALL(int, timerfd_create, EMFILE, -1, (int clock, int flags), clock, flags)
CALL(int, setns, EPERM, -1, (int fd, int type), fd, type)
CALL(int, unshare, ENOSPC, -1, (int flags), flags)
CALL(int, mount, EPERM, -1,
     (const char *from, const char *at, const char *type, unsigned long flags, const void *data),
     from, at, type, flags, data)
CALL(pid_t, fork, EAGAIN, -1, (void))

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	NEXT(bind)
	return fails("bind", EADDRINUSE) ? -1 : next(fd, address, size);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	NEXT(connect)
	return fails("connect", EADDRNOTAVAIL) ? -1 : next(fd, address, size);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, __CONST_SOCKADDR_ARG to,
	       socklen_t length)
{
	NEXT(sendto)
	return fails("sendto", ENOBUFS) ? -1 : next(fd, data, size, flags, to, length);
}

int ioctl(int fd, unsigned long request, ...)
{
	NEXT(ioctl)
	va_list args;
	va_start(args, request);
	void *argument = va_arg(args, void *);
	va_end(args);
	return fails("ioctl", EIO) ? -1 : next(fd, request, argument);
}
