/* listening: listeners of a test, in a network namespace of its own, and the processes that have
 * them. */
#pragma once

#include "support.h"

#include <sys/un.h>

#include "epolltune/listener.h"

/* The set-up and the end of a group of tests: a directory, this machine as a host, and a namespace,
 * which may be refused. */
extern char listening_directory[];
extern struct host *here;
int listening_begin(void **state);
int listening_end(void **state);
/* Skips the test without the namespace. */
void listening_needs_namespace(void);

/* Of the sockets that tcp_listen() makes. */
extern int reuse_port;
extern const char *bound_to; /* a device; NULL: none */
extern bool is_helper;       /* a child, in which cmocka must not go on with the tests */
int tcp_listen(const char *address, uint16_t port, int backlog);
int tcp_connect(uint16_t port, int flags);
/* An abstract name begins with NUL. */
socklen_t unix_name(struct sockaddr_un *a, const char *name, size_t length);
int unix_listen(const char *name, size_t length, int type, int backlog);

/* Skips the test where the kernel lists none. */
struct listeners listeners_read_or_skip(void);
struct listeners listeners_read_now(void);
/* Waits until there are so many. */
void listeners_wait(size_t wanted);
const struct listener *listeners_at(const struct listeners *l, const char *address);
bool listener_any(const struct listener *l, void *arg);
/* Finds the owners of all. */
void listeners_name(struct listeners *l);
/* The pid; -1: not found. */
pid_t listeners_owner(const struct listeners *l, const struct listener *x);

/* A process that waits for a word on `channel`. */
struct helper {
	pid_t pid;
	int channel;
};
struct helper helper_start(const char *name, int (*body)(void));
void helper_end(struct helper *h);

/* That --server `who` ends with this error. */
void server_is_refused(const char *who, int code, const char *text);
