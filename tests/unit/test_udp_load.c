/* When a server's UDP sockets are said not to be judged. */
#include "../support/support.h"
#include "../support/verdict.h"
#include "judge/udp_load.h"

#include <string.h>

static void a_socket_without_a_known_load_is_noted(void **state)
{
	enum { UDP = 1, BOTH = 2 };
	static const struct {
		const char *what;
		size_t listeners;
		enum wall_verdict verdict;
		int64_t limit;
		uint64_t per_s, observed_us, most;
		const char *detail; /* NULL: nothing is said */
	} rows[] = {
		{"datagrams alone", UDP, VERDICT_UNKNOWN, 92, 0, 0, 0,
		 "It holds 92 datagrams of 1 200 B that arrive while its server stalls."},
		{"beside connections", BOTH, VERDICT_OK, 92, 0, 0, 0, "It holds 92"},
		{"with a load", BOTH, VERDICT_OK, 92, 100, 0, 0, NULL},
		{"with a load that is too much", UDP, VERDICT_SHORT, 92, 10000, 0, 0, NULL},
		{"none came while it was observed", BOTH, VERDICT_OK, 92, 0, 1000000, 0, NULL},
		{"others got some", BOTH, VERDICT_OK, 92, 0, 1000000, 60000,
		 "received up to 60 000 datagrams/s while the server was observed."},
		{"of which the server gets a part", BOTH, VERDICT_OK, 92, 0, 1000000, 730,
		 "received up to 730 datagrams/s while the server was observed."},
		{"alone likewise", UDP, VERDICT_OK, 92, 0, 1000000, 730, NULL},
		{"a tunnel", UDP, VERDICT_NA, REPORT_NONE, 0, 0, 0, NULL},
		{"a buffer that is full", UDP, VERDICT_UNKNOWN, 0, 0, 0, 0, NULL},
		{"no wall", UDP, VERDICT_UNKNOWN, -1, 0, 0, 0, NULL},
	};
	static struct listener at[] = {
		{.kind = LISTENER_UDP, .owner = -1, .limit = 212992, .port = 8125},
		{.kind = LISTENER_TCP, .owner = -1, .limit = 128}};
	report_text(at[0].address, "udp:0.0.0.0:8125");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		const struct subject s = {.listeners = {.at = at, .count = rows[i].listeners}};
		report_init(&r);
		r.target = target_default();
		r.target.datagrams_per_s = rows[i].per_s;
		r.observed.us = rows[i].observed_us;
		r.observed.udp_others = rows[i].most;
		r.observed.datagrams_per_s = rows[i].most;
		if (rows[i].limit != -1) {
			struct wall *w = report_wall(&r, "udp.receive");
			w->verdict = rows[i].verdict;
			w->limit = rows[i].limit;
		}
		udp_load_judge(&s, rows[i].most, &r);
		findings_are(rows[i].what, &r, rows[i].detail ? "udp.receive.unjudged note" : "");
		if (!rows[i].detail)
			continue;
		if (!strstr(r.findings[0].title, "udp:0.0.0.0:8125") ||
		    !strstr(r.findings[0].detail, rows[i].detail) ||
		    !strstr(r.findings[0].advice, "--observe") != (rows[i].most > 0))
			fail_msg("%s: %s; %s; %s", rows[i].what, r.findings[0].title,
				 r.findings[0].detail, r.findings[0].advice);
	}
	static struct report none;
	report_init(&none);
	report_wall(&none, "udp.receive")->limit = 92;
	udp_load_judge(NULL, 0, &none);
	assert_int_equal(none.finding_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_without_a_known_load_is_noted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
