#include "epolltune/protocol.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX (1ull << 40)

static const char *const names[] = {
	[PROTOCOL_ECHO] = "echo",       [PROTOCOL_HTTP] = "http",
	[PROTOCOL_REDIS] = "redis",     [PROTOCOL_MEMCACHED] = "memcached",
	[PROTOCOL_CONNECT] = "connect",
};

const char *protocol_name(enum protocol p) { return names[p]; }

static bool text_prints(const char *text)
{
	for (; *text; text++)
		if (!isgraph((unsigned char)*text))
			return false;
	return true;
}

int protocol_request_make(struct protocol_request *r, enum protocol p, const char *host,
			  const char *path, bool last, struct err *e)
{
	static const char *const texts[] = {
		[PROTOCOL_REDIS] = "*1\r\n$4\r\nPING\r\n",
		[PROTOCOL_MEMCACHED] = "version\r\n",
		[PROTOCOL_CONNECT] = NULL,
	};
	*r = (struct protocol_request){.protocol = p};
	if (p != PROTOCOL_HTTP) {
		r->size =
			texts[p] ? (unsigned)snprintf(r->text, sizeof(r->text), "%s", texts[p]) : 0;
		return 0;
	}
	if (path[0] != '/' || !text_prints(path) || !text_prints(host))
		return err_set(e, EINVAL, "'%s' is not a path of HTTP, such as /index.html", path);
	int n = snprintf(r->text, sizeof(r->text),
			 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: epolltune\r\n%s\r\n", path,
			 host, last ? "Connection: close\r\n" : "");
	if ((size_t)n >= sizeof(r->text))
		return err_set(e, EINVAL, "the path is longer than %zu bytes", sizeof(r->text) / 2);
	r->size = (unsigned)n;
	return 0;
}

/* Adds a byte to a line. True at the end of the line, which then lacks its line break. What does
 * not fit is left out. */
static bool line_add(char *line, size_t size, uint8_t *fill, char c)
{
	if (c != '\n') {
		if (*fill < size - 1)
			line[(*fill)++] = c;
		return false;
	}
	if (*fill && line[*fill - 1] == '\r')
		--*fill;
	line[*fill] = 0;
	*fill = 0;
	return true;
}

/* The value of a field of that name; NULL: another field. */
static const char *field_value(const char *line, const char *name)
{
	size_t n = strlen(name);
	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

/* A decimal or hexadecimal number without sign. */
static bool number_read(const char *text, int base, uint64_t *out)
{
	char *end;
	if (!isxdigit((unsigned char)*text))
		return false;
	errno = 0;
	*out = strtoull(text, &end, base);
	return !errno && *out <= BODY_MAX && (!*end || strchr("; \t", *end));
}

static bool value_has(const char *value, const char *word) { return strcasestr(value, word); }

enum phase { STATUS, FIELDS, BODY, CHUNK_SIZE, CHUNK_END, TRAILER, UNTIL_END };

/* The empty line after the fields (RFC 9112, section 6.3). */
static int fields_end(struct reply *r)
{
	if (r->status < 200) {
		r->phase = STATUS;
		return 0;
	}
	if (r->status == 204 || r->status == 304 || (!r->chunked && r->sized && !r->left))
		r->complete = true;
	else
		r->phase = r->chunked ? CHUNK_SIZE : r->sized ? BODY : UNTIL_END;
	return 0;
}

static int status_read(struct reply *r)
{
	unsigned major, minor, status;
	if (sscanf(r->line, "HTTP/%1u.%1u %3u", &major, &minor, &status) != 3 || major != 1 ||
	    status < 100 || status > 599)
		return -EPROTO;
	r->status = (uint16_t)status;
	r->error = status >= 400;
	r->closes = minor == 0;
	r->phase = FIELDS;
	return 0;
}

static int field_read(struct reply *r)
{
	const char *value;
	if (!r->line[0])
		return fields_end(r);
	if ((value = field_value(r->line, "Content-Length"))) {
		r->sized = true;
		return number_read(value, 10, &r->left) ? 0 : -EPROTO;
	}
	if ((value = field_value(r->line, "Transfer-Encoding")))
		r->chunked = value_has(value, "chunked");
	if ((value = field_value(r->line, "Connection")))
		r->closes =
			value_has(value, "close") || (r->closes && !value_has(value, "keep-alive"));
	return 0;
}

/* A complete line outside a body. */
static int http_line(struct reply *r)
{
	switch ((enum phase)r->phase) {
	case STATUS:
		return status_read(r);
	case FIELDS:
		return field_read(r);
	case CHUNK_SIZE:
		if (!number_read(r->line, 16, &r->left))
			return -EPROTO;
		r->phase = r->left ? BODY : TRAILER;
		return 0;
	case CHUNK_END:
		r->phase = CHUNK_SIZE;
		return r->line[0] ? -EPROTO : 0;
	default: /* TRAILER */
		r->complete = !r->line[0];
		return 0;
	}
}

static ssize_t http_read(struct reply *r, const char *data, size_t length)
{
	static const char version[] = "HTTP/1.";
	size_t at = 0;
	while (at < length && !r->complete) {
		if (r->phase == UNTIL_END)
			return (ssize_t)length;
		if (r->phase == BODY) {
			size_t n = r->left < length - at ? (size_t)r->left : length - at;
			at += n;
			r->left -= n;
			if (!r->left && r->chunked)
				r->phase = CHUNK_END;
			r->complete = !r->left && !r->chunked;
			continue;
		}
		/* Something else need not have lines. */
		if (r->phase == STATUS && r->fill < sizeof(version) - 1 &&
		    data[at] != version[r->fill])
			return -EPROTO;
		if (line_add(r->line, sizeof(r->line), &r->fill, data[at++]) && http_line(r) < 0)
			return -EPROTO;
	}
	return (ssize_t)at;
}

/* A reply of one line: its beginning says whether it is an error, or none of the protocol. */
static int line_judge(struct reply *r, enum protocol p)
{
	static const struct answer {
		const char *begins;
		enum protocol protocol;
		bool error;
	} answers[] = {
		{"+", PROTOCOL_REDIS, false},
		{"-", PROTOCOL_REDIS, true},
		{"VERSION ", PROTOCOL_MEMCACHED, false},
		{"ERROR", PROTOCOL_MEMCACHED, true},
		{"SERVER_ERROR ", PROTOCOL_MEMCACHED, true},
		{"CLIENT_ERROR ", PROTOCOL_MEMCACHED, true},
	};
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].protocol == p &&
		    !strncmp(r->line, answers[i].begins, strlen(answers[i].begins))) {
			r->error = answers[i].error;
			r->complete = true;
			return 0;
		}
	return -EPROTO;
}

ssize_t reply_read(struct reply *r, enum protocol p, const char *data, size_t length)
{
	if (p == PROTOCOL_HTTP)
		return http_read(r, data, length);
	for (size_t at = 0; at < length; at++) {
		/* Redis and memcached answer in capital letters or with a sign. */
		if (!r->fill && !isupper((unsigned char)data[at]) && !strchr("+-", data[at]))
			return -EPROTO;
		if (line_add(r->line, sizeof(r->line), &r->fill, data[at]))
			return line_judge(r, p) < 0 ? -EPROTO : (ssize_t)at + 1;
	}
	return (ssize_t)length;
}

bool reply_end(struct reply *r)
{
	if (r->phase == UNTIL_END)
		r->complete = r->closes = true;
	return r->complete;
}

const char *protocol_recognise(const char *data, size_t length, const char **option)
{
	static const struct {
		const char *begins, *name, *option;
	} known[] = {
		{"HTTP/", "HTTP", "http"},
		{"+PONG", "Redis", "redis"},
		{"-ERR ", "Redis", "redis"},
		{"-NOAUTH ", "Redis", "redis"},
		{"-DENIED ", "Redis", "redis"},
		{"ERROR\r\n", "memcached", "memcached"},
		{"VERSION ", "memcached", "memcached"},
		{"\x15\x03", "TLS", "connect"},
		{"SSH-", "SSH", "connect"},
		{"220 ", "SMTP or FTP", "connect"},
		{"220-", "SMTP or FTP", "connect"},
		{"* OK", "IMAP", "connect"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].begins);
		if (length >= n && !memcmp(data, known[i].begins, n)) {
			*option = known[i].option;
			return known[i].name;
		}
	}
	*option = NULL;
	return NULL;
}

/* A complete line of a request. 1 at its end. */
static int request_line(struct http_request *r)
{
	const char *value;
	if (!r->begun) {
		const char *version = strstr(r->line, " HTTP/1.");
		if (!r->line[0])
			return 0; /* RFC 9112, section 2.2 */
		if (strlen(r->line) < strlen("GET / HTTP/1.1"))
			return -EPROTO;
		/* A long target leaves no room for the version. */
		if (!version && strlen(r->line) < sizeof(r->line) - 1)
			return -EPROTO;
		r->begun = true;
		r->last = version && !strcmp(version, " HTTP/1.0");
		return 0;
	}
	if (!r->line[0])
		return 1;
	if ((value = field_value(r->line, "Content-Length")))
		return number_read(value, 10, &r->left) ? 0 : -EPROTO;
	if (field_value(r->line, "Transfer-Encoding"))
		return -EPROTO;
	if ((value = field_value(r->line, "Connection")))
		r->last = value_has(value, "close") || (r->last && !value_has(value, "keep-alive"));
	return 0;
}

int http_requests_read(struct http_request *r, const char *data, size_t length)
{
	int requests = 0;
	for (size_t at = 0; at < length;) {
		if (r->body) {
			size_t n = r->left < length - at ? (size_t)r->left : length - at;
			at += n;
			r->left -= n;
		} else if (line_add(r->line, sizeof(r->line), &r->fill, data[at++])) {
			int rc = request_line(r);
			if (rc < 0)
				return rc;
			r->body = rc > 0;
		}
		if (!r->body || r->left)
			continue;
		requests++;
		r->closes = r->last;
		if (r->closes)
			break;
		*r = (struct http_request){0};
	}
	return requests;
}
