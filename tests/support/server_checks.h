/* server_checks: check --server beside servers that a test starts. */
#pragma once

#include "servers.h"

#define APP_PORT 8090
/* Whose connections are in TIME_WAIT afterwards. */
#define HELD_PORT 8092
#define QUICK "--quick --format json "

/* A quick check with --server `who`. */
struct checked server_judged(const char *options, const char *who);
/* It ends with status 3, and one line of error that has `why`. */
void server_refused(const char *options, const char *who, const char *why);
/* A field of the report's server. */
const char *server_text(const struct checked *c, const char *key);
/* A wall that is that of the running server. */
json_t *server_wall(const struct checked *c, const char *name);

/* Of a process that servers_start() runs: listens and waits. */
void server_serve(uint16_t port, int backlog, const char *name);
void epoll_serve(int fd);
/* Starts one that calls ready_say(), and waits for that. */
pid_t ready_start(void (*fn)(const void *), const void *arg);
void ready_say(void);
const char *ready_path(void);
/* Opens so many connections to a port of this host. */
void connect_all(uint16_t port, int count);
