/* guest: the operator's server in a lab (check --run): its start, its listeners, its end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "epolltune/catalogue.h"
#include "epolltune/endpoint.h"
#include "epolltune/err.h"
#include "epolltune/lab.h"
#include "epolltune/program.h"
#include "epolltune/protocol.h"
#include "epolltune/subject.h"

struct guest_listeners;

struct guest {
	/* Given by the operator. */
	const char *command;     /* for sh -c; NULL: no --run */
	const char *directories; /* writable, comma separated; NULL: none */
	uint64_t port;           /* 0: `socket` */
	const char *socket;      /* path of a UNIX socket; NULL: `port` */
	enum protocol protocol;
	const char *path;        /* of HTTP */
	uint64_t requests_per_s; /* the need; 0: none was given */
	/* The rate at which latency is measured; 0: the need, or half of the highest rate. */
	uint64_t offered_per_s;
	/* From guest_open() on. */
	struct lab *lab;
	struct lab_options wire;       /* of the lab */
	const struct guest_line *line; /* that it has more; NULL: none */
	/* Whose addresses it must listen on, on its port; NULL: those of any. */
	const struct guest_listeners *like;
	struct program program;
	/* Of guest_first_await(), since its last start. */
	struct guest_first {
		bool served;
		bool replied; /* to one request */
		bool kept;    /* it may still have the connection of that client */
	} first;
	bool free;                         /* nothing was at `socket` before the first command */
	struct guest_listeners *listeners; /* in the lab's memory */
	struct protocol_request request;
	union endpoint to; /* where clients connect, without `socket` */
	/* And from where: a server on loopback or a UNIX socket has them on its own host. */
	enum lab_host from;
};

/* Reads --port: "8080", "unix:/run/app.sock". `field`: a struct guest. */
int guest_port_parse(const char *value, void *field, struct err *e);

/* Makes the lab, with addresses for so many clients at a time, starts the server and waits until it
 * listens. Errors say what it did instead; guest_output() has what it printed. */
int guest_open(struct guest *r, const struct host *calling, bool ipv6, uint64_t clients,
	       struct err *e);
/* Ends the server and starts it as `far` in another lab, with that wire. */
int guest_open_far(struct guest *far, struct guest *near, const struct host *calling,
		   const struct lab_options *wire, struct err *e);
/* The configuration of a known server, with one of its limits raised. */
#define GUEST_FILES 32
struct guest_line {
	char name[64];    /* "worker_connections", "listen … backlog", "--maxclients" */
	uint64_t value;   /* the limit; 0: it was only read */
	uint64_t present; /* as it is; 0: not set, or unknown */
	char *command;    /* with the option more; NULL: it is in a file */
	struct lab_overlay file[GUEST_FILES]; /* the changed ones */
	size_t file_count;
	char sections[64]; /* of a file where it is in others than the usual one, "global,listen"
			    */
};
/* Makes it for the server of that process name. The caller frees `out`, also after an error. Reads
 * `present` only where `value` is 0. -EALREADY: the limit is at least that; -ENOTSUP and others:
 * epolltune cannot set it, for the reason in the error, a clause. */
int guest_line_make(const struct guest *r, const struct host *calling, const char *process,
		    enum server_limit limit, uint64_t value, struct guest_line *out, struct err *e);
void guest_line_free(struct guest_line *line);
#define GUEST_LINE 256
/* "worker_connections 576 in /etc/nginx/nginx.conf", "--maxclients 256 in its command". */
char *guest_line_text(const struct guest_line *line, char text[GUEST_LINE]);
/* Ends the server and starts it as `tried` with that line, in another lab like the present one,
 * whose files the host's are not. -ENOTSUP: it does not listen on the same addresses. `line` and
 * `near` must outlive `tried`. */
int guest_open_line(struct guest *tried, struct guest *near, const struct host *calling,
		    const struct guest_line *line, struct err *e);
/* Ends the server, which has its grace after SIGTERM, and removes what it left at its path. */
void guest_end(struct guest *r);
/* Starts it again, with RLIMIT_NOFILE `nofile` (0: the caller's), after the end of the present one.
 */
int guest_restart(struct guest *r, uint64_t nofile, struct err *e);
/* A server that listens may not serve yet: its workers start after it. */
#define GUEST_FIRST_MS 10000
/* Waits so long until it serves a client: until it replies to a request or ends the connection,
 * without requests until it accepts. r->first says whether it did. */
int guest_first_await(struct guest *r, struct err *e);
/* 0 while it runs and listens, on all addresses that it must; -ECHILD says how it ended. */
int guest_check(struct guest *r, struct err *e);
/* The last lines that it printed; "": none. */
void guest_output(const struct guest *r, char text[PROGRAM_OUTPUT]);
/* Ends the server and the lab, if there is one. */
void guest_close(struct guest *r);

/* After the end of all labs: removes the socket of a server that did not do so, from a directory of
 * this host. */
void guest_socket_remove(const struct guest *r);

/* Finds the server among the processes of the host `calling`. The caller frees it. */
int guest_subject(struct guest *r, const struct host *calling, struct subject *out, struct err *e);

/* The same, once it serves a client and is at rest, if it does: guest_first_await(). `out` is
 * zeroed.
 */
int guest_subject_serving(struct guest *r, const struct host *calling, struct subject *out,
			  struct err *e);
/* Where clients connect. Returns the size. */
socklen_t guest_address(const struct guest *r, struct sockaddr_storage *out);
/* Of a request of PROTOCOL_ECHO. */
#define GUEST_ECHO_SIZE 64
/* What a client sends. Returns the size; 0: nothing. */
size_t guest_request(const struct guest *r, char text[PROTOCOL_REQUEST]);

/* The accept queues of its port, or that of its socket, together. */
struct guest_queue {
	uint64_t depth, limit, drops;
	uint64_t limit_min; /* of one */
	size_t sockets;
};
int guest_queue_read(struct guest *r, struct guest_queue *out, struct err *e);
/* Reads them when each of `sent` connections is queued or dropped, or no more is expected. */
int guest_queue_settle(struct guest *r, uint64_t sent, struct guest_queue *out, struct err *e);
