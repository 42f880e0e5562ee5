/* When a server is said to be a proxy that is not judged as one. */
#include "../support/support.h"
#include "../support/verdict.h"
#include "judge/role.h"

#include <string.h>

static void a_server_with_servers_behind_it_may_be_a_proxy(void **state)
{
	static const struct {
		const char *of;
		enum target_role role;
		struct subject_behind behind;
		uint64_t opened;
		uint32_t clients;
		enum wall_verdict verdict; /* of its descriptors */
		int64_t files, ports;
		const char *walls; /* "": nothing is said */
	} rows[] = {
		{"it has servers behind it",
		 TARGET_SERVER,
		 {.any = true},
		 0,
		 0,
		 VERDICT_OK,
		 20000,
		 5000,
		 "descriptors.process, ports.ephemeral would not"},
		{"enough for a proxy",
		 TARGET_SERVER,
		 {.any = true},
		 0,
		 0,
		 VERDICT_OK,
		 30000,
		 20000,
		 ""},
		{"by UNIX sockets",
		 TARGET_SERVER,
		 {.known = true, .any = true, .local = true},
		 0,
		 0,
		 VERDICT_OK,
		 30000,
		 5000,
		 ""},
		{"it is judged as one",
		 TARGET_PROXY,
		 {.any = true},
		 0,
		 0,
		 VERDICT_OK,
		 20000,
		 5000,
		 ""},
		{"it has none", TARGET_SERVER, {0}, 0, 0, VERDICT_OK, 20000, 5000, ""},
		{"a pool", TARGET_SERVER, {0}, 400, 600, VERDICT_OK, 20000, 5000, ""},
		{"for few of its clients",
		 TARGET_SERVER,
		 {0},
		 600,
		 6000,
		 VERDICT_OK,
		 20000,
		 5000,
		 ""},
		{"one for each",
		 TARGET_SERVER,
		 {0},
		 600,
		 600,
		 VERDICT_OK,
		 20000,
		 5000,
		 "It has opened 600 connections, and its clients 600"},
		{"that wall is named already",
		 TARGET_SERVER,
		 {.any = true},
		 0,
		 0,
		 VERDICT_SHORT,
		 9000,
		 5000,
		 "target ports.ephemeral would not"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at = {.address = "0.0.0.0:80", .clients = rows[i].clients};
		struct subject s = {.name = "nginx",
				    .pid = 7,
				    .opened = rows[i].opened,
				    .accepting = 1,
				    .behind = rows[i].behind,
				    .listeners = {.at = &at, .count = 1}};
		static struct report r;
		report_init(&r);
		r.target = target_default();
		r.target.role = rows[i].role;
		report_text(r.server.asked, "nginx");
		struct wall *w = report_wall(&r, "descriptors.process");
		w->verdict = rows[i].verdict;
		w->limit = rows[i].files;
		w = report_wall(&r, "ports.ephemeral");
		w->verdict = VERDICT_OK;
		w->limit = rows[i].ports;
		role_judge(&s, &r);
		findings_are(rows[i].of, &r, rows[i].walls[0] ? "listeners.role warning" : "");
		if (rows[i].walls[0] &&
		    (!strstr(r.findings[0].detail, rows[i].walls) ||
		     !strstr(r.findings[0].advice, "epolltune check --server nginx --role proxy.")))
			fail_msg("%s: %s %s", rows[i].of, r.findings[0].detail,
				 r.findings[0].advice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_with_servers_behind_it_may_be_a_proxy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
