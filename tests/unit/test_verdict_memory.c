/* What the target's connections need in a control group: kernel memory and the server's own, of
 * which a server that runs shows no more than bounds. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MIB ((int64_t)1 << 20)
#define KERNEL_BYTES 4000 /* of a connection */

struct memory_row {
	const char *server; /* "": no --server; HAProxy is a proxy */
	uint64_t connections, open, heard, memory;
	int64_t left;
	enum wall_verdict verdict;
	int64_t needed, needed_max; /* REPORT_NONE: no range, or no known end */
	const char *detail;
};

#define PINNED 1060
#define GUESS 262144
#define REQUEST 4096 /* that waits in a buffer */

static const struct memory_row rows[] = {
	/* Three quarters of what it takes, of kernel memory and its own. */
	{"redis-server", 2000, 0, 0, 0, 2000 * 4200, VERDICT_SHORT, 2000 * 5200, 2000 * 40000,
	 "epolltune assumes that Redis takes 1.17 KiB to 35.2 KiB of its own memory per connection "
	 "(35.2 KiB with TLS)."},
	{"redis-server", 2000, 0, 0, 0, 2000 * 5199, VERDICT_SHORT, 2000 * 5200, 2000 * 40000, ""},
	{"redis-server", 2000, 0, 0, 0, 2000 * 5200, VERDICT_TIGHT, 2000 * 5200, 2000 * 40000, ""},
	{"redis-server", 2000, 0, 0, 0, 2000 * 49999, VERDICT_TIGHT, 2000 * 5200, 2000 * 40000, ""},
	{"redis-server", 2000, 0, 0, 0, 2000 * 50000, VERDICT_OK, 2000 * 5200, 2000 * 40000, ""},
	{"nginx", 2000, 0, 0, 0, 2000 * 4499, VERDICT_SHORT, 2000 * 4500, 2000 * 20000, ""},
	{"nginx", 150, 0, 0, 0, 240 * MIB, VERDICT_OK, 150 * 4500, 150 * 20000, ""},
	/* Without TLS its memory shows that it takes less than with it. */
	{"nginx", 20000, 10000, 10000, 20000000, 10000 * 7060 * 5 / 4 - 1, VERDICT_TIGHT,
	 10000 * 4500, 10000 * 7060,
	 "takes 500 B to 1.95 KiB of its own memory per connection (the upper figure by its memory "
	 "now, with 10 000 connections in use). check --run"},
	{"nginx", 20000, 10000, 10000, 20000000, 10000 * 7060 * 5 / 4, VERDICT_OK, 10000 * 4500,
	 10000 * 7060, "For the 10 000 open connections epolltune counts only what they may add."},
	/* Idle ones do not show what busy ones take, and silent ones not whether there is TLS. */
	{"redis-server", 10000, 10000, 10000, 17000000, (14000 + 10000 * 9360) * 5 / 4 - 1,
	 VERDICT_TIGHT, 5200, 14000 + 10000 * 9360, "1.17 KiB to 9.77 KiB"},
	{"redis-server", 10000, 10000, 10000, 17000000, (14000 + 10000 * 9360) * 5 / 4, VERDICT_OK,
	 5200, 14000 + 10000 * 9360, ""},
	{"redis-server", 10000, 10000, 0, 17000000, 10000 * 9360 * 5 / 4, VERDICT_TIGHT, 5200,
	 40000 + 10000 * 35360, "with TLS"},
	{"redis-server", 15000, 10000, 10000, 17000000, 110 * MIB, VERDICT_TIGHT, 5000 * 5200,
	 5000 * 14000 + 10000 * 9360, ""},
	/* What is open pins memory that the kernel counts as reclaimable, with the target reached
	 * or not: nothing left is not enough, nor what the client that comes next takes. */
	{"nginx", 10000, 10000, 10000, 20000000, 0, VERDICT_SHORT, 4500, 6000 + 10000 * PINNED, ""},
	{"nginx", 10000, 10000, 10000, 20000000, 4500, VERDICT_TIGHT, 4500, 6000 + 10000 * PINNED,
	 ""},
	{"nginx", 10001, 10000, 10000, 20000000, 0, VERDICT_SHORT, 4500, 6000 + 10000 * PINNED, ""},
	{"nginx", 10000, 10000, 10000, 20000000, 14 * MIB, VERDICT_OK, 4500, 6000 + 10000 * PINNED,
	 ""},
	{"nginx", 10000, 20000, 20000, 40000000, 0, VERDICT_SHORT, 4500, 6000 + 20000 * PINNED, ""},
	{"own", 50, 50, 50, 2000000, 4000, VERDICT_UNKNOWN, 4000,
	 4000 + GUESS + 50 * (GUESS + PINNED), ""},
	/* Few connections show nothing. */
	{"nginx", 2000, 99, 99, 990000, 1901 * 20000, VERDICT_TIGHT, 1901 * 4500,
	 1901 * 20000 + 99 * (15500 + PINNED), "(15.6 KiB with TLS)"},
	/* epolltune does not know it. */
	{"own", 2000, 0, 0, 0, 2000 * 3999, VERDICT_SHORT, 2000 * 4000, 2000 * (4000 + GUESS), ""},
	{"own", 2000, 0, 0, 0, 2000 * 4000, VERDICT_UNKNOWN, 2000 * 4000, 2000 * (4000 + GUESS),
	 "epolltune assumes that the server takes up to 256 KiB of its own memory per connection. "
	 "check --run measures it (application.memory)."},
	{"own", 2000, 0, 0, 0, 2000 * 20000, VERDICT_UNKNOWN, 2000 * 4000, 2000 * (4000 + GUESS),
	 ""},
	{"own", 2000, 0, 0, 0, 1024 * MIB, VERDICT_OK, 2000 * 4000, 2000 * (4000 + GUESS), ""},
	{"own", 150, 0, 0, 0, 200 * MIB, VERDICT_OK, 150 * 4000, 150 * (4000 + GUESS), ""},
	{"own", 150, 99, 99, 1980000, 200 * MIB, VERDICT_OK, 51 * 4000,
	 51 * (4000 + GUESS) + 99 * (GUESS + PINNED), ""},
	{"own", 150, 100, 100, 2000000, 200 * MIB, VERDICT_OK, 50 * 4000,
	 50 * (4000 + GUESS) + 100 * (GUESS - 20000 + PINNED), ""},
	{"own", 2000, 1000, 1000, 8000000, 1000 * 20000, VERDICT_UNKNOWN, 1000 * 4000,
	 1000 * (4000 + GUESS) + 1000 * (GUESS - 8000 + PINNED), "up to 256 KiB"},
	{"own", 2000, 1000, 1000, 2000 * MIB, 1024 * MIB, VERDICT_UNKNOWN, 1000 * 4000,
	 1000 * (4000 + 2 * MIB) + 1000 * PINNED, "up to 2 MiB"},
	/* How much a process for each connection takes is not known. */
	{"postgres", 200, 50, 50, 1000 * MIB, 4096 * MIB, VERDICT_UNKNOWN, 150 * 4000, REPORT_NONE,
	 "epolltune does not know how much of its own memory the server takes per connection. "
	 "check --run"},
	{"postgres", 200, 100, 100, 1000 * MIB, 4096 * MIB, VERDICT_OK, 100 * 4000,
	 100 * (4000 + 10 * MIB) + 100 * PINNED, "10 MiB"},
	{"postgres", 200, 100, 100, 1000 * MIB, 1200 * MIB, VERDICT_UNKNOWN, 100 * 4000,
	 100 * (4000 + 10 * MIB) + 100 * PINNED, "10 MiB"},
	{"", 2000, 0, 0, 0, 2000 * 5000, VERDICT_OK, 2000 * 4000, REPORT_NONE,
	 "The need does not include a server's own memory: --server adds it."},
	{"redis-server", UINT64_MAX / 2, 0, 0, 0, 4096 * MIB, VERDICT_SHORT, INT64_MAX, REPORT_NONE,
	 ""},
	{"own", UINT64_MAX / 2, 0, 0, 0, 4096 * MIB, VERDICT_SHORT, INT64_MAX, REPORT_NONE, ""},
};

/* As in that group, of the server that runs. */
static struct settings settings_of(const struct experiment *x, const char *values,
				   const struct memory_row *row, const struct subject *subject)
{
	struct settings s = verdict_settings(x, values);
	const struct server_row *known = server_row_find(row->server);
	s.subject = row->server[0] ? subject : NULL;
	s.taken.connection_bytes = KERNEL_BYTES;
	s.taken.basis = "by objects";
	s.taken.limited = true;
	s.taken.open = row->open;
	s.taken.heard = row->heard;
	s.taken.own_memory = row->memory;
	strcpy(s.group.at[0].path, "/own");
	s.taken.own_bytes = known ? known->own.idle : 0;
	return s;
}

static void wall_is(size_t i, const struct memory_row *row, const struct report *r)
{
	const struct wall *w = &r->walls[0];
	char id[64] = "";
	if (verdict_asks(row->verdict))
		snprintf(id, sizeof(id), "%s.%s %s", w->name, wall_verdict_name(row->verdict),
			 row->verdict == VERDICT_SHORT ? "critical" : "warning");
	if (w->verdict != row->verdict || w->needed != row->needed ||
	    w->needed_max != row->needed_max || w->limit != row->left ||
	    !strstr(w->detail, row->detail))
		fail_msg("row %zu: %s, needed %lld to %lld of %lld: %s", i,
			 wall_verdict_name(w->verdict), (long long)w->needed,
			 (long long)w->needed_max, (long long)w->limit, w->detail);
	findings_are(w->name, r, id);
}

static void memory_is(size_t i, const struct memory_row *row, uint64_t opened)
{
	const struct experiment *group = verdict_experiment("container", "cgroup.memory");
	struct subject subject = {.pid = 1};
	struct target t = target_default();
	char values[96];
	t.connections = row->connections;
	t.role = strcmp(row->server, "haproxy") ? TARGET_SERVER : TARGET_PROXY;
	report_text(subject.name, "%s", row->server);
	snprintf(values, sizeof(values), "memory.max=%lld; memory.current=1048576",
		 (long long)(row->left + MIB));
	struct settings s = settings_of(group, values, row, &subject);
	s.taken.opened = opened;
	wall_is(i, row, verdict_of(group, &t, &s, NULL));
}

static void a_connection_takes_memory_of_the_server_too(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		memory_is(i, &rows[i], 0);
}

/* A proxy needs two sockets for each, which its memory has, too: one of its own only where it has
 * opened that, and not all that it opens are for clients. */
static void a_proxy_has_what_it_opened(void **state)
{
	static const struct {
		uint64_t opened;
		struct memory_row row;
	} cases[] = {
		{1000,
		 {"haproxy", 2000, 1000, 1000, 4000000, 64 * MIB, VERDICT_OK, 2000 * 5000,
		  2000 * 6000 + 2000 * PINNED, "1 000 B to 1.95 KiB"}},
		{5000,
		 {"haproxy", 2000, 1000, 1000, 4000000, 64 * MIB, VERDICT_OK, 2000 * 5000,
		  2000 * 6000 + 2000 * PINNED, "1 000 B to 1.95 KiB"}},
		{0,
		 {"haproxy", 2000, 1000, 1000, 4000000, 64 * MIB, VERDICT_OK, 3000 * 5000,
		  3000 * 8000 + 1000 * PINNED, "1 000 B to 3.91 KiB"}},
		{1000,
		 {"nginx", 2000, 1000, 1000, 500000, 64 * MIB, VERDICT_OK, 1000 * 4500,
		  1000 * 4650 + 1000 * (150 + PINNED), ""}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		memory_is(i, &cases[i].row, cases[i].opened);
}

/* cgroup v2 counts the data in buffers as memory of the group; idle clients have none. */
static void buffers_are_memory_of_the_same_group(void **state)
{
	static const struct memory_row rows_v2[] = {
		{"", 15000, 0, 0, 0, 108 * MIB, VERDICT_TIGHT, 15000 * 4000,
		 15000 * (4000 + REQUEST), "by objects, 4 KiB more with a waiting request."},
		{"", 15000, 0, 0, 0, 15000 * 4000 - 1, VERDICT_SHORT, 15000 * 4000,
		 15000 * (4000 + REQUEST), ""},
		{"", 15000, 0, 0, 0, 15000 * (4000 + REQUEST) * 5 / 4, VERDICT_OK, 15000 * 4000,
		 15000 * (4000 + REQUEST), ""},
		/* 16 times what idle clients take suffices for busy ones. */
		{"redis-server", 2000, 0, 0, 0, 2000 * 5200 * 16, VERDICT_OK, 2000 * 5200,
		 2000 * (40000 + REQUEST), ""},
		{"nginx", 2000, 0, 0, 0, 2000 * 4500 * 16, VERDICT_OK, 2000 * 4500,
		 2000 * (20000 + REQUEST), ""},
		/* With half of them there already. */
		{"nginx", 2000, 1000, 1000, 1000 * 500, 1000 * 4500 * 16, VERDICT_OK, 1000 * 4500,
		 1000 * (4650 + REQUEST) + 1000 * (150 + PINNED), ""},
		/* What is in the buffers of those that are open is in use. */
		{"nginx", 10000, 10000, 10000, 20000000, 14 * MIB, VERDICT_OK, 4500,
		 6000 + REQUEST + 10000 * PINNED, ""},
	};
	const struct experiment *x = verdict_experiment("container", "cgroup.memory");
	for (size_t i = 0; i < sizeof(rows_v2) / sizeof(*rows_v2); i++) {
		const struct memory_row *row = &rows_v2[i];
		struct subject subject = {.pid = 1};
		struct target t = target_default();
		char values[96];
		t.connections = row->connections;
		report_text(subject.name, "%s", row->server);
		snprintf(values, sizeof(values), "memory.max=%lld; memory.current=1048576",
			 (long long)(row->left + MIB));
		struct settings s = settings_of(x, values, row, &subject);
		s.machine.sockets_charged = true;
		wall_is(i, row, verdict_of(x, &t, &s, NULL));
	}
}

/* Before Linux 6.0 each 4 KiB that a socket takes are charged as a page. */
static void a_quantum_is_charged_as_a_page(void **state)
{
	static const struct {
		uint64_t page; /* 0: not known */
		unsigned kernel;
		uint64_t request; /* 0: assumed */
		int64_t left;
		enum wall_verdict verdict;
		int64_t each;
	} cases[] = {
		{65536, KERNEL(5, 10), 0, 1000 * 8192, VERDICT_TIGHT, 65536},
		{65536, KERNEL(5, 10), 0, 1000 * 100000, VERDICT_OK, 65536},
		{65536, KERNEL(5, 10), 8192, 1000 * 100000, VERDICT_TIGHT, 131072},
		{65536, KERNEL(6, 1), 0, 1000 * 100000, VERDICT_OK, 65536},
		{4096, KERNEL(5, 10), 0, 1000 * 16384, VERDICT_OK, 4096},
		{4096, KERNEL(5, 10), 5000, 1000 * 16384, VERDICT_OK, 5000},
		{4096, KERNEL(6, 1), 0, 1000 * 16384, VERDICT_OK, 4096},
		{0, KERNEL(5, 10), 0, 1000 * 16384, VERDICT_UNKNOWN, 65536},
		{0, KERNEL(6, 1), 0, 1000 * 16384, VERDICT_UNKNOWN, 65536},
		{0, KERNEL(6, 1), 0, 1000 * 100000, VERDICT_OK, 65536},
	};
	const struct experiment *x = verdict_experiment("container", "cgroup.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		char values[96];
		snprintf(values, sizeof(values), "memory.max=%lld; memory.current=0",
			 (long long)cases[i].left);
		struct settings s = verdict_settings(x, values);
		t.connections = 1000;
		s.machine.sockets_charged = true;
		s.machine.page_bytes = cases[i].page;
		s.machine.kernel = cases[i].kernel;
		s.taken.limited = true;
		s.taken.connection_bytes = KERNEL_BYTES;
		s.taken.request_bytes = cases[i].request;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		if (w->verdict != cases[i].verdict ||
		    w->needed_max != 1000 * (KERNEL_BYTES + cases[i].each))
			fail_msg("case %zu: %s, up to %lld", i, wall_verdict_name(w->verdict),
				 (long long)w->needed_max);
	}
}

/* An accepted socket is charged to its group since Linux 6.12, where buffers are too. */
static void a_socket_that_is_not_charged_is_not_needed(void **state)
{
	enum { SOCKET = 2500 };
	static const struct {
		bool charged; /* v2 */
		unsigned kernel;
		uint64_t open, opened;
		enum target_role role;
		uint64_t bytes;
		int64_t needed, needed_max;
	} cases[] = {
		{true, KERNEL(6, 12), 0, 0, TARGET_SERVER, KERNEL_BYTES, 1000 * 4000,
		 1000 * (4000 + REQUEST)},
		{true, UINT_MAX, 0, 0, TARGET_SERVER, KERNEL_BYTES, 1000 * 4000,
		 1000 * (4000 + REQUEST)},
		{true, KERNEL(6, 1), 0, 0, TARGET_SERVER, KERNEL_BYTES, 1000 * 1500,
		 1000 * (4000 + REQUEST)},
		{true, KERNEL(6, 1), 400, 0, TARGET_SERVER, KERNEL_BYTES, 600 * 1500,
		 600 * (4000 + REQUEST) + 400 * PINNED},
		{true, KERNEL(6, 1), 1000, 0, TARGET_SERVER, KERNEL_BYTES, 1500,
		 4000 + REQUEST + 1000 * PINNED},
		/* Those that a proxy opens are. */
		{true, KERNEL(6, 1), 0, 0, TARGET_PROXY, KERNEL_BYTES, 1000 * 5500,
		 2000 * (4000 + REQUEST)},
		{true, KERNEL(6, 1), 400, 400, TARGET_PROXY, KERNEL_BYTES, 600 * 5500,
		 1200 * (4000 + REQUEST) + 800 * PINNED},
		/* v1 charges none. */
		{false, KERNEL(6, 18), 0, 0, TARGET_SERVER, KERNEL_BYTES, 1000 * 1500, REPORT_NONE},
		/* By the sizes of Linux 6.18. */
		{true, KERNEL(6, 1), 0, 0, TARGET_SERVER, 0, 1000 * (4100 - 2520),
		 1000 * (4100 + REQUEST)},
	};
	const struct experiment *x = verdict_experiment("container", "cgroup.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "memory.max=17179869184; memory.current=0");
		t.connections = 1000;
		t.role = cases[i].role;
		s.machine.sockets_charged = cases[i].charged;
		s.machine.kernel = cases[i].kernel;
		s.taken.limited = true;
		s.taken.connection_bytes = cases[i].bytes;
		s.taken.socket_bytes = cases[i].bytes ? SOCKET : 0;
		s.taken.open = cases[i].open;
		s.taken.opened = cases[i].opened;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		bool said = strstr(w->detail, "which the kernel does not charge to the group");
		bool charged = cases[i].charged && cases[i].kernel >= KERNEL(6, 12);
		if (w->needed != cases[i].needed || w->needed_max != cases[i].needed_max ||
		    said == charged)
			fail_msg("case %zu: %lld to %lld: %s", i, (long long)w->needed,
				 (long long)w->needed_max, w->detail);
	}
}

/* A limit on kernel memory alone: the server's own is not in the need. */
static void a_limit_on_kernel_memory_binds_before_the_other(void **state)
{
	static const struct {
		int64_t memory, kernel; /* that the limits leave; 0: none */
		enum wall_verdict verdict;
		int64_t limit;
		const char *detail, *advice;
	} cases[] = {
		{1024 * MIB, 0, VERDICT_OK, 1024 * MIB, "memory.limit_in_bytes of /a", ""},
		{1024 * MIB, 20000 * 1479, VERDICT_SHORT, 20000 * 1479,
		 "memory.kmem.limit_in_bytes of /k is 28.2 MiB",
		 "write 100663296 to memory.kmem.limit_in_bytes of /k"},
		{1024 * MIB, 20000 * 1480 * 2, VERDICT_OK, 1024 * MIB, "of /a", ""},
		{0, 20000 * 1480 * 4, VERDICT_OK, 20000 * 1480 * 4, "of /k", ""},
		{20000, 20000 * 1479, VERDICT_SHORT, 20000, "of /a", ""},
	};
	const struct experiment *x = verdict_experiment("container", "cgroup.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct subject subject = {.pid = 1, .name = "nginx"};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		t.connections = 20000;
		s.subject = &subject;
		s.machine.kernel = KERNEL(5, 10);
		s.group_known = true;
		s.taken.limited = true;
		s.taken.connection_bytes = KERNEL_BYTES;
		s.taken.socket_bytes = 2520;
		s.taken.basis = "by objects";
		s.taken.own_bytes = 500;
		if (cases[i].memory)
			s.group = (struct cgroup_limit){.at = {{.max = (uint64_t)cases[i].memory,
								.file = CGROUP_MEMORY_LIMIT,
								.path = "/a"}},
							.count = 1};
		if (cases[i].kernel)
			s.kernel_group =
				(struct cgroup_limit){.at = {{.max = (uint64_t)cases[i].kernel,
							      .file = CGROUP_KMEM_LIMIT,
							      .path = "/k"}},
						      .count = 1};
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != cases[i].verdict || w->limit != cases[i].limit ||
		    !strstr(w->detail, cases[i].detail) ||
		    (r->finding_count && !strstr(r->findings[0].advice, cases[i].advice)))
			fail_msg("case %zu: %s, %lld, needed %lld to %lld: %s; %s", i,
				 wall_verdict_name(w->verdict), (long long)w->limit,
				 (long long)w->needed, (long long)w->needed_max, w->detail,
				 r->finding_count ? r->findings[0].advice : "");
	}
}

#define RUNTIME (256 * MIB) /* of a server without a client */

/* Without a limit nothing is assumed of a server that is not known, and what it has now counts. */
static void a_machine_has_room_for_the_servers_memory(void **state)
{
	static const struct {
		const char *server;
		uint64_t heard, memory;
		int64_t available;
		enum wall_verdict verdict;
		int64_t needed_max;
		const char *detail; /* "": the server's own memory is not in it */
	} cases[] = {
		{"nginx", 0, 0, 2000 * 4500 * 5 / 4, VERDICT_TIGHT, 2000 * (20000 + REQUEST),
		 "epolltune assumes that nginx takes 500 B to 15.6 KiB of its own memory per "
		 "connection (15.6 KiB with TLS)."},
		{"nginx", 0, 0, 2000 * (4500 + REQUEST) * 5 / 4, VERDICT_TIGHT,
		 2000 * (20000 + REQUEST), "nginx"},
		{"nginx", 0, 0, 2000 * (20000 + REQUEST) * 5 / 4, VERDICT_OK,
		 2000 * (20000 + REQUEST), "nginx"},
		{"own", 0, 0, 2000 * (4000 + REQUEST) * 5 / 4, VERDICT_OK, 2000 * (4000 + REQUEST),
		 ""},
		{"own", 99, 4096 * MIB, 1024 * MIB, VERDICT_OK, REPORT_NONE, ""},
		/* Its runtime alone. */
		{"own", 1000, RUNTIME, 100 * MIB, VERDICT_OK, REPORT_NONE, ""},
		{"own", 1000, RUNTIME + 2000 * MIB, 1024 * MIB, VERDICT_UNKNOWN,
		 1000 * (4000 + 2 * MIB + REQUEST) + 1000 * PINNED,
		 "the server takes up to 2 MiB of its own memory per connection (the upper figure by "
		 "its memory now, with 1 000 connections in use)."},
		{"own", 1000, RUNTIME + 2000 * MIB, 4096 * MIB, VERDICT_OK, REPORT_NONE, "2 MiB"},
		/* Caches, which no client adds to. */
		{"java", 1000, RUNTIME + 2000 * MIB, 1024 * MIB, VERDICT_OK, REPORT_NONE, ""},
		{"postgres", 1000, 8192 * MIB, 1024 * MIB, VERDICT_OK, REPORT_NONE, ""},
	};
	const struct experiment *x = verdict_experiment("descriptors", "memory.connection");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct server_row *known = server_row_find(cases[i].server);
		struct subject subject = {.pid = 1};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		t.connections = 2000;
		report_text(subject.name, "%s", cases[i].server);
		s.subject = &subject;
		s.taken.connection_bytes = KERNEL_BYTES;
		s.taken.own_bytes = known ? known->own.idle : 0;
		s.taken.open = s.taken.heard = cases[i].heard;
		s.taken.own_memory = cases[i].memory;
		s.machine.available_bytes = (uint64_t)cases[i].available;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		if (w->verdict != cases[i].verdict || !strstr(w->detail, cases[i].detail) ||
		    (cases[i].needed_max != REPORT_NONE && w->needed_max != cases[i].needed_max) ||
		    (!cases[i].detail[0] && strstr(w->detail, "own memory")))
			fail_msg("case %zu: %s, needed %lld to %lld: %s", i,
				 wall_verdict_name(w->verdict), (long long)w->needed,
				 (long long)w->needed_max, w->detail);
	}
}

/* What is open is gone from MemAvailable already: a machine with its full load needs no second. */
static void what_is_open_is_not_needed_again(void **state)
{
	static const struct {
		uint64_t open;
		int64_t available;
		enum wall_verdict verdict;
	} cases[] = {
		{0, 10000 * 4000 - 1, VERDICT_SHORT},       {10000, 20 * MIB, VERDICT_OK},
		{10000, 10000 * PINNED - 1, VERDICT_SHORT}, {5000, 5000 * 5060 - 1, VERDICT_SHORT},
		{5000, 5000 * 5060, VERDICT_TIGHT},
	};
	const struct experiment *x = verdict_experiment("descriptors", "memory.connection");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct subject subject = {.name = "own"};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		t.connections = 10000;
		s.subject = &subject;
		s.taken.connection_bytes = KERNEL_BYTES;
		s.taken.open = cases[i].open;
		s.machine.available_bytes = (uint64_t)cases[i].available;
		if (verdict_of(x, &t, &s, NULL)->walls[0].verdict != cases[i].verdict)
			fail_msg("case %zu is not %s", i, wall_verdict_name(cases[i].verdict));
	}
}

/* The value to set makes room for busy connections; where these fit, for all that they may take. */
static void the_limit_to_set_has_room_for_the_server(void **state)
{
	static const struct {
		const char *server;
		int64_t left;
		uint64_t mib; /* with the margin, and the MiB that is in use */
	} cases[] = {
		{"redis-server", 2000 * 3000, 35}, /* 14 000 bytes of each */
		{"redis-server", 2000 * 6000, 97}, /* 40 000 */
		{"nginx", 2000 * 3000, 13},        /* 4 650 */
		{"own", 2000 * 3000, 636},         /* 266 144 */
	};
	const struct experiment *x = verdict_experiment("container", "cgroup.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct memory_row row = {.server = cases[i].server, .left = cases[i].left};
		struct subject subject = {.pid = 1};
		struct target t = target_default();
		char values[96], line[64];
		t.connections = 2000;
		report_text(subject.name, "%s", row.server);
		snprintf(values, sizeof(values), "memory.max=%lld; memory.current=1048576",
			 (long long)(row.left + MIB));
		struct settings s = settings_of(x, values, &row, &subject);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		snprintf(line, sizeof(line), "write %llu to memory.max",
			 (unsigned long long)cases[i].mib << 20);
		if (r->finding_count != 1 || !strstr(r->findings[0].advice, line))
			fail_msg("%s: %s, not %s", row.server, r->findings[0].advice, line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_takes_memory_of_the_server_too),
		cmocka_unit_test(a_proxy_has_what_it_opened),
		cmocka_unit_test(buffers_are_memory_of_the_same_group),
		cmocka_unit_test(a_quantum_is_charged_as_a_page),
		cmocka_unit_test(a_socket_that_is_not_charged_is_not_needed),
		cmocka_unit_test(a_limit_on_kernel_memory_binds_before_the_other),
		cmocka_unit_test(a_machine_has_room_for_the_servers_memory),
		cmocka_unit_test(what_is_open_is_not_needed_again),
		cmocka_unit_test(the_limit_to_set_has_room_for_the_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
