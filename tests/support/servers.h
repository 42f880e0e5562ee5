/* servers: servers that run while check looks at them, and their clients.
 *
 * A test program's main() returns servers_main(tests): the tests run as the first process of a
 * PID namespace, with network and mount namespaces of its own, loopback up and the soft limit of
 * descriptors raised to the hard one. Each test is a SERVERS_TEST: it is skipped where there are no
 * such namespaces, and all processes end after it. Waiting functions fail the test after a minute.
 */
#pragma once

#include "checked.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* A directory for files and sockets, in memory; all users can read it. */
extern char servers_directory[];

struct servers_test {
	void (*run)(void **state);
};
/* cmocka skips a test in its body only, not in its setup. */
#define SERVERS_TEST(name)                                                                         \
	{                                                                                          \
#name, servers_test_run, NULL, servers_end, &(struct servers_test) { name }        \
	}
void servers_test_run(void **state);
int servers_end(void **state);
/* Returns the exit status of the program. */
int servers_main(int (*tests)(void));

void pause_ms(unsigned ms);
/* Skips the test if a program is not installed. */
void must_have(const char *program);
void assert_contains(const char *text, const char *part);

/* child: a process that ends with the test.
 *
 * Runs fn(arg) in a child; its exit status is 1 if fn returns. */
pid_t child_start(void (*fn)(const void *), const void *arg);
/* Runs a program of PATH in servers_directory, without input and output. `argv` ends with NULL. */
pid_t program_spawn(const char *const *argv);
/* Until each of them waits for an event, or is stopped. */
void wait_asleep(void);
/* Ends a child and waits for it. */
void child_end(pid_t pid);
/* The i-th worker of a server, as soon as it has so many. */
pid_t worker_of(pid_t master, int i);

/* address: of loopback, or of a UNIX socket in servers_directory. */
struct sockaddr_storage address_of(uint16_t port, bool ipv6);
struct sockaddr_un unix_address_of(const char *name);
/* A socket in a server of the test's own, which exits on an error: bound, or listening as well. */
int bind_at(uint16_t port);
int listen_at(uint16_t port, int backlog);

/* depth: connections that wait for accept().
 *
 * The largest of the sockets at a port; -1: none listens there. */
int depth_at(uint16_t port);
/* Of the socket with that address, "unix:/run/app.sock". */
int depth_of(const char *address);
void wait_listening(uint16_t port);
/* Until at least so many wait. */
void wait_depth(uint16_t port, int depth);
/* Until few wait. */
void wait_drained(uint16_t port);

/* Starts clients that arrive all the time, a thousand a second; the oldest leave. */
void arrive(uint16_t port, bool ipv6);

#define NGINX_PORT 8080
#define NGINX_PORT6 8081
/* Starts nginx, whose default backlog is 511, on both ports; `options` of its listen directives.
 * Returns its master. */
pid_t nginx_start(int workers, const char *options);

/* "nginx (pid 812) on 0.0.0.0:8080: ", as check names a listener. Lives until the next call. */
const char *named(const char *process, pid_t pid, const char *address);
/* The report's answer. */
const char *answer_of(const struct checked *c);
/* Whether no finding is a warning or critical, and the exit status is 0; prints what is not so. */
bool report_healthy(const struct checked *c);
void assert_healthy(const struct checked *c);
