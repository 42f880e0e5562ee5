/* What is made of the connections that the configuration of a server allows. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <string.h>

#define WRITTEN "written"

struct limit_case {
	const char *process;
	const char *limit; /* "": unknown */
	const char *where; /* "": it has none */
	uint64_t soft, held;
	size_t accepting;
	enum target_role role;
	uint64_t connections;
	enum wall_verdict verdict;
	int64_t capacity;
	const char *detail; /* a part of it */
};

#define KNOWN(n) "server.max_connections=" n, WRITTEN
/* Not set. */
#define AUTOMATIC "0", WRITTEN
#define HIDDEN "", "its file is hidden"

static const struct limit_case cases[] = {
	{"nginx", KNOWN("200"), 1024, 9, 1, TARGET_SERVER, 100, VERDICT_OK, 186, "written is 200."},
	{"nginx", KNOWN("200"), 1024, 9, 1, TARGET_SERVER, 187, VERDICT_SHORT, 186, ""},
	/* Connections to servers behind it count, of one that is known to have them. */
	{"nginx", KNOWN("200"), 1024, 9, 1, TARGET_PROXY, 100, VERDICT_SHORT, 93,
	 "servers behind it included"},
	{"haproxy", KNOWN("200"), 1024, 9, 1, TARGET_PROXY, 100, VERDICT_OK, 200, "is 200."},
	{"nginx", KNOWN("200"), 1024, 9, 4, TARGET_SERVER, 100, VERDICT_OK, 597,
	 "for each of 4 processes"},
	{"nginx", HIDDEN, 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN, REPORT_NONE,
	 "its file is hidden; check --run"},
	/* memcached counts descriptors; how many are its own may be unknown. */
	{"memcached", KNOWN("200"), 200, 25, 1, TARGET_SERVER, 176, VERDICT_SHORT, 175,
	 "25 descriptors"},
	{"memcached", KNOWN("200"), 200, 25, 1, TARGET_SERVER, 140, VERDICT_OK, 175, ""},
	{"memcached", KNOWN("200"), 200, 0, 1, TARGET_SERVER, 150, VERDICT_UNKNOWN, 200, ""},
	{"memcached", KNOWN("200"), 200, 0, 1, TARGET_SERVER, 80, VERDICT_OK, 200, ""},
	/* 0: HAProxy takes half of its descriptors, at most. */
	{"haproxy", AUTOMATIC, 4096, 9, 1, TARGET_SERVER, 800, VERDICT_OK, 2048,
	 "RLIMIT_NOFILE, halved, is 2 048"},
	{"haproxy", AUTOMATIC, 4096, 9, 1, TARGET_SERVER, 1200, VERDICT_UNKNOWN, 2048, ""},
	{"haproxy", AUTOMATIC, 4096, 9, 1, TARGET_SERVER, 2100, VERDICT_SHORT, 2048, ""},
	{"haproxy", AUTOMATIC, 0, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN, REPORT_NONE, ""},
	{"haproxy", HIDDEN, 4096, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN, REPORT_NONE, ""},
	{"haproxy", HIDDEN, 4096, 9, 1, TARGET_SERVER, 2100, VERDICT_SHORT, 2048, ""},
	/* Redis raises its limit on descriptors to what it needs. */
	{"redis-server", HIDDEN, 10032, 9, 1, TARGET_SERVER, 5000, VERDICT_OK, 10000,
	 "RLIMIT_NOFILE less 32 is 10 000"},
	{"redis-server", HIDDEN, 10032, 9, 1, TARGET_SERVER, 9000, VERDICT_TIGHT, 10000, ""},
	/* And overwrites its command: the default, at most. */
	{"redis-server", HIDDEN, 65536, 9, 1, TARGET_SERVER, 4000, VERDICT_OK, 10000,
	 "The default, as its configuration is not visible, is 10 000"},
	{"redis-server", HIDDEN, 65536, 9, 1, TARGET_SERVER, 6000, VERDICT_UNKNOWN, 10000, ""},
	{"redis-server", HIDDEN, 65536, 9, 1, TARGET_SERVER, 9000, VERDICT_TIGHT, 10000, ""},
	{"redis-server", HIDDEN, 65536, 9, 1, TARGET_SERVER, 70000, VERDICT_UNKNOWN, REPORT_NONE,
	 "its file is hidden"},
	{"redis-server", HIDDEN, 300, 9, 1, TARGET_SERVER, 300, VERDICT_UNKNOWN, REPORT_NONE, ""},
	{"redis-server", KNOWN("10000"), 65536, 9, 1, TARGET_SERVER, 5000, VERDICT_OK, 10000, ""},
	{"redis-server", KNOWN("10000"), 1024, 9, 1, TARGET_SERVER, 1000, VERDICT_SHORT, 992,
	 "RLIMIT_NOFILE less 32 is 992"},
	/* No default is known. */
	{"gunicorn", "", "", 1024, 9, 1, TARGET_SERVER, 100, VERDICT_NA, REPORT_NONE,
	 "does not set its limit"},
	{"gunicorn", KNOWN("50"), 1024, 9, 1, TARGET_SERVER, 100, VERDICT_SHORT, 50, ""},
};

static void the_configuration_bounds_connections(void **state)
{
	const struct experiment *x = verdict_experiment("configuration", "application.limit");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct limit_case *c = &cases[i];
		struct target t = target_default();
		struct subject subject = {
			.accepting = c->accepting, .soft = c->soft, .hard = c->soft};
		struct settings s = verdict_settings(x, c->limit);
		if (!strcmp(c->limit, "0"))
			s.at[0][0] = 0;
		s.at[0][1] = !strcmp(c->process, "redis-server") && !*c->limit;
		t.connections = c->connections;
		t.role = c->role;
		snprintf(subject.name, sizeof(subject.name), "%s", c->process);
		snprintf(s.text[0], sizeof(s.text[0]), "%s", c->where);
		s.subject = &subject;
		s.taken.held = c->held;
		print_message("%zu %s %s\n", i, c->process, c->limit);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, c->verdict);
		assert_int_equal(r->walls[0].limit, c->capacity);
		if (!strstr(r->walls[0].detail, c->detail))
			fail_msg("detail: %s", r->walls[0].detail);
		findings_are(c->process, r,
			     c->verdict == VERDICT_SHORT   ? "application.limit.short critical"
			     : c->verdict == VERDICT_TIGHT ? "application.limit.tight warning"
							   : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_bounds_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
