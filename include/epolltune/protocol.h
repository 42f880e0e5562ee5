/* protocol: what the client asks a server, and how it sees that a reply is complete. All but HTTP
 * are named after the server. Pure: takes and returns bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"

enum protocol {
	PROTOCOL_ECHO,      /* the reply equals the request */
	PROTOCOL_HTTP,      /* HTTP/1.1 with keep-alive: GET (RFC 9112) */
	PROTOCOL_REDIS,     /* PING in RESP */
	PROTOCOL_MEMCACHED, /* `version` of the text protocol */
	PROTOCOL_CONNECT,   /* connections without requests, for any server */
};
#define PROTOCOLS "echo,http,redis,memcached,connect"
const char *protocol_name(enum protocol p);

#define PROTOCOL_REQUEST 1024

struct protocol_request {
	enum protocol protocol;
	unsigned size; /* 0: none (echo, connect) */
	char text[PROTOCOL_REQUEST];
};

/* Makes the request of a protocol. `host`, `path` and `last` are HTTP's: the Host field, an
 * absolute path, and whether the server shall close the connection after its reply. -EINVAL if they
 * have blanks or control characters, the path has no '/' before it, or both are too long. */
int protocol_request_make(struct protocol_request *r, enum protocol p, const char *host,
			  const char *path, bool last, struct err *e);

/* The reply under way on one connection; zeroed before the first. */
struct reply {
	uint64_t left;   /* bytes of the body or chunk still to come */
	uint16_t status; /* HTTP: 100 to 599 */
	uint8_t phase, fill;
	bool closes;   /* HTTP: the server closes the connection after it */
	bool complete; /* zero the struct before the next byte */
	bool error;    /* the server answered with an error: HTTP 4xx and 5xx, -ERR, ERROR */
	bool chunked, sized;
	char line[106]; /* the start of a line */
};

/* Reads the next bytes of a reply, up to its end. Returns how many it took, all unless the reply is
 * complete; -EPROTO if they are no reply of the protocol, which is not echo or connect. */
ssize_t reply_read(struct reply *r, enum protocol p, const char *data, size_t length);
/* The connection ended: true if that completes the reply. */
bool reply_end(struct reply *r);

/* The protocol to which the first bytes of an answer belong: "HTTP", "TLS", "SSH"; NULL: unknown.
 * `*option` is the value of --protocol for it, or NULL. */
const char *protocol_recognise(const char *data, size_t length, const char **option);

/* A request of HTTP that a server reads, without its body; zeroed before the first. */
struct http_request {
	uint64_t left; /* bytes of the body still to come */
	uint8_t fill;
	bool begun;  /* the request line is complete */
	bool body;   /* and all fields */
	bool last;   /* it asks to close the connection */
	bool closes; /* it is complete: answer, and close the connection */
	char line[115];
};
/* Counts the requests that `data` completes. -EPROTO if it is no request that has an end: not
 * HTTP/1, or with a chunked body. Stops after a request that `closes`. */
int http_requests_read(struct http_request *r, const char *data, size_t length);
