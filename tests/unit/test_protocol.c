/* Replies and requests, cut into pieces of each size: what is read is the same. */
#include "../support/support.h"
#include "epolltune/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads one reply in pieces of `step` bytes from a copy without room behind it. Returns the bytes
 * it took, or -EPROTO. */
static ssize_t reply_of(struct reply *r, enum protocol p, const char *text, size_t step)
{
	size_t size = strlen(text), at = 0;
	*r = (struct reply){0};
	while (at < size && !r->complete) {
		size_t n = size - at < step ? size - at : step;
		char *piece = malloc(n);
		assert_non_null(piece);
		memcpy(piece, text + at, n);
		ssize_t used = reply_read(r, p, piece, n);
		free(piece);
		if (used < 0)
			return used;
		at += (size_t)used;
	}
	return (ssize_t)at;
}

#define MORE "HTTP/1.1 200 OK"

static const struct reply_row {
	const char *text;
	enum protocol protocol;
	ssize_t takes; /* 0: all */
	unsigned status;
	bool incomplete, error, closes, at_end;
} reply_rows[] = {
	{.text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" MORE,
	 .protocol = PROTOCOL_HTTP,
	 .takes = 41,
	 .status = 200},
	{.text = "HTTP/1.1 200 OK\nCONTENT-LENGTH:0\n\n" MORE,
	 .protocol = PROTOCOL_HTTP,
	 .takes = 34,
	 .status = 200},
	{.text = "HTTP/1.1 200\r\ncontent-length: 3\r\n\r\nab",
	 .protocol = PROTOCOL_HTTP,
	 .status = 200,
	 .incomplete = true},
	{.text = "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
	 .protocol = PROTOCOL_HTTP,
	 .status = 404,
	 .error = true,
	 .closes = true},
	{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "a;x=1\r\n0123456789\r\n1\r\n\n\r\n0\r\nTrailer: 1\r\n\r\n" MORE,
	 .protocol = PROTOCOL_HTTP,
	 .takes = 89,
	 .status = 200},
	{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
	 .protocol = PROTOCOL_HTTP,
	 .takes = -EPROTO},
	{.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
	 .protocol = PROTOCOL_HTTP,
	 .takes = -EPROTO},
	{.text = "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n" MORE,
	 .protocol = PROTOCOL_HTTP,
	 .takes = 50,
	 .status = 304},
	{.text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	 .protocol = PROTOCOL_HTTP,
	 .status = 204},
	{.text = "HTTP/1.0 200 OK\r\n\r\nuntil the end",
	 .protocol = PROTOCOL_HTTP,
	 .status = 200,
	 .incomplete = true,
	 .at_end = true,
	 .closes = true},
	{.text = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
	 .protocol = PROTOCOL_HTTP,
	 .status = 200},
	{.text = "HTTP/1.1 503 x\r\nContent-Length: -1\r\n\r\n",
	 .protocol = PROTOCOL_HTTP,
	 .takes = -EPROTO},
	{.text = "HTTP/1.1 200 x\r\nContent-Length: 99999999999999999999\r\n\r\n",
	 .protocol = PROTOCOL_HTTP,
	 .takes = -EPROTO},
	{.text = "HTTP/2 200\r\n", .protocol = PROTOCOL_HTTP, .takes = -EPROTO},
	{.text = "HTTP/1.1 999 x\r\n", .protocol = PROTOCOL_HTTP, .takes = -EPROTO},
	{.text = "abcd", .protocol = PROTOCOL_HTTP, .takes = -EPROTO},
	{.text = "+PONG\r\n+", .protocol = PROTOCOL_REDIS, .takes = 7},
	{.text = "+PONG", .protocol = PROTOCOL_REDIS, .incomplete = true},
	{.text = "-ERR max number of clients reached\r\n",
	 .protocol = PROTOCOL_REDIS,
	 .error = true},
	{.text = "VERSION 1.6\r\n", .protocol = PROTOCOL_REDIS, .takes = -EPROTO},
	{.text = "abc", .protocol = PROTOCOL_REDIS, .takes = -EPROTO},
	{.text = "VERSION 1.6.18\r\n", .protocol = PROTOCOL_MEMCACHED},
	{.text = "ERROR Too many open connections\r\n",
	 .protocol = PROTOCOL_MEMCACHED,
	 .error = true},
	{.text = "+PONG\r\n", .protocol = PROTOCOL_MEMCACHED, .takes = -EPROTO},
};

static void replies_end_where_the_protocol_says(void **state)
{
	for (size_t i = 0; i < sizeof(reply_rows) / sizeof(reply_rows[0]); i++) {
		const struct reply_row *row = &reply_rows[i];
		size_t size = strlen(row->text);
		ssize_t takes = row->takes ? row->takes : (ssize_t)size;
		for (size_t step = 1; step <= size; step++) {
			struct reply r;
			ssize_t took = reply_of(&r, row->protocol, row->text, step);
			if (took != takes || (took > 0 && r.complete == row->incomplete))
				fail_msg("in steps of %zu, took %zd: %s", step, took, row->text);
			if (took < 0)
				continue;
			assert_int_equal(r.status, row->status);
			assert_int_equal(r.error, row->error);
			assert_int_equal(reply_end(&r), !row->incomplete || row->at_end);
			assert_int_equal(r.closes, row->closes);
		}
	}
}

static const struct request_row {
	const char *text;
	int requests;
	bool closes;
} request_rows[] = {
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\n\n", 2, false},
	{"\r\nGET / HTTP/1.1\r\n\r", 0, false},
	{"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2, false},
	{"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc", 0, false},
	{"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", 1, true},
	{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 1, true},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1, false},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", -EPROTO, false},
	{"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", -EPROTO, false},
	{"GET / HTTP/2\r\n\r\n", -EPROTO, false},
	{"G HTTP/1.1\n\n", -EPROTO, false},
};

static void requests_are_counted(void **state)
{
	for (size_t i = 0; i < sizeof(request_rows) / sizeof(request_rows[0]); i++) {
		const struct request_row *row = &request_rows[i];
		size_t size = strlen(row->text);
		for (size_t step = 1; step <= size; step++) {
			struct http_request r = {0};
			int count = 0;
			for (size_t at = 0; at < size && count >= 0 && !r.closes; at += step) {
				size_t left = size - at;
				int n = http_requests_read(&r, row->text + at,
							   left < step ? left : step);
				count = n < 0 ? n : count + n;
			}
			if (count != row->requests)
				fail_msg("in steps of %zu, %d: %s", step, count, row->text);
			assert_int_equal(r.closes, row->closes);
		}
	}
}

static void a_long_target_is_read(void **state)
{
	char text[5000] = "GET /";
	struct http_request r = {0};
	memset(text + 5, 'x', 4000);
	strcpy(text + 4005, " HTTP/1.1\r\n\r\n");
	assert_int_equal(http_requests_read(&r, text, strlen(text)), 1);
}

static void requests_are_made(void **state)
{
	static struct protocol_request r;
	struct err e = {0};
	char path[PROTOCOL_REQUEST + 1] = "/";
	assert_int_equal(protocol_request_make(&r, PROTOCOL_HTTP, "a:80", "/x?y", true, &e), 0);
	assert_string_equal(r.text, "GET /x?y HTTP/1.1\r\nHost: a:80\r\nUser-Agent: epolltune\r\n"
				    "Connection: close\r\n\r\n");
	assert_int_equal(r.size, strlen(r.text));
	assert_int_equal(protocol_request_make(&r, PROTOCOL_CONNECT, "a", "/", false, &e), 0);
	assert_int_equal(r.size, 0);
	memset(path + 1, 'x', PROTOCOL_REQUEST - 1);
	const char *wrong[] = {"x", "", "/a b", "/a\r\nX: y", "/\x80", path};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(protocol_request_make(&r, PROTOCOL_HTTP, "a", wrong[i], false, &e),
				 -EINVAL);
}

static void other_protocols_are_recognised(void **state)
{
	static const struct {
		const char *text, *name, *option;
	} rows[] = {
		{"HTTP/1.1 400 Bad Request", "HTTP", "http"},
		{"-ERR unknown command", "Redis", "redis"},
		{"ERROR\r\n", "memcached", "memcached"},
		{"\x15\x03\x01", "TLS", "connect"},
		{"SSH-2.0-x", "SSH", "connect"},
		{"abc", NULL, NULL},
		{"", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *option, *name;
		name = protocol_recognise(rows[i].text, strlen(rows[i].text), &option);
		assert_true(!name == !rows[i].name && (!name || !strcmp(name, rows[i].name)));
		assert_true(!option == !rows[i].option &&
			    (!option || !strcmp(option, rows[i].option)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_end_where_the_protocol_says),
		cmocka_unit_test(requests_are_counted),
		cmocka_unit_test(a_long_target_is_read),
		cmocka_unit_test(requests_are_made),
		cmocka_unit_test(other_protocols_are_recognised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
