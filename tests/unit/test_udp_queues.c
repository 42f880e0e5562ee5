/* What two looks at UDP sockets show: whose drops are named, and what helps. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/subject_listeners.h"
#include "epolltune/udp_queues.h"

#define SOCKETS 4
#define BUFFER 212992

static struct listener at[2][SOCKETS], own;
static struct process process[2];
static struct listeners look[2];
static struct subject subject;
static struct report report;

/* Four sockets of quicd (pid 812), at two addresses: a group of three, and one of resolved. */
static void quiet(void)
{
	memset(&subject, 0, sizeof(subject));
	process[0] = (struct process){.pid = 813, .root = 812, .name = "quicd", .state = 'S'};
	process[1] = (struct process){.pid = 99, .root = 99, .name = "resolved", .state = 'S'};
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < SOCKETS; k++) {
			at[i][k] = (struct listener){.kind = LISTENER_UDP,
						     .port = k < 3 ? 443 : 53,
						     .limit = BUFFER,
						     .cookie = 9 - k,
						     .owner = k < 3 ? 0 : 1};
			snprintf(at[i][k].address, sizeof(at[i][k].address), "udp:0.0.0.0:%u",
				 at[i][k].port);
		}
		look[i] = (struct listeners){
			.count = SOCKETS, .at = at[i], .process_count = 2, .processes = process};
	}
	own = at[0][0];
	own.owner = 0;
	subject = (struct subject){
		.name = "quicd",
		.pid = 812,
		.listeners = {.count = 1, .at = &own, .process_count = 1, .processes = process}};
}

static void drops(size_t n, uint32_t more)
{
	at[0][n].drops = 10;
	at[1][n].drops = 10 + more;
	at[0][n].depth = at[1][n].depth = BUFFER - 512;
}

static const struct finding *judged(bool named)
{
	const struct udp_watch w = {.before = &look[0],
				    .after = &look[1],
				    .subject = named ? &subject : NULL,
				    .report = &report,
				    .seconds = 0.5,
				    .stall_s = 0.1,
				    .errors = 1000};
	report_init(&report);
	udp_queues_judge(&w);
	assert_true(report.finding_count > 0);
	return &report.findings[0];
}

/* Its one socket is not among those of the newer look, nor has it another one. */
static void a_server_of_udp_that_has_ended_is_not_ready(void **state)
{
	static const struct {
		bool ended, listed, tcp, aside;
		const char *findings;
	} rows[] = {
		{false, true, false, false, ""},
		{true, true, false, false, "listeners.closed critical"},
		{true, false, false, false, ""}, /* the sockets could not be read */
		{true, true, true, false, ""},   /* one of its requests to DNS */
		{true, true, false, true, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[32];
		struct listener owns[2];
		quiet();
		owns[0] = own;
		owns[0].aside = rows[i].aside;
		owns[1] = (struct listener){.kind = LISTENER_TCP, .owner = 0};
		subject.listeners.at = owns;
		subject.listeners.count = 1 + rows[i].tcp;
		if (rows[i].ended)
			at[1][0].cookie = 77;
		const struct udp_watch w = {.before = &look[0],
					    .after = &look[1],
					    .listed = rows[i].listed,
					    .subject = &subject,
					    .report = &report,
					    .seconds = 0.5,
					    .stall_s = 0.1};
		report_init(&report);
		udp_queues_judge(&w);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &report, rows[i].findings);
	}
}

/* After the experiments nothing is at any of its addresses; a socket of its next start is. */
static void a_server_that_ended_since_is_not_ready(void **state)
{
	static const struct {
		const char *now;
		bool aside;
		const char *findings;
	} rows[] = {
		{"0.0.0.0:80", false, ""},
		{"[::]:80", false, "listeners.closed critical"},
		{"0.0.0.0:81", false, ""},
		{"0.0.0.0:81", true, "listeners.closed critical"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener owns[2] = {{.address = "0.0.0.0:80", .cookie = 5, .owner = -1},
					   {.address = "0.0.0.0:81", .cookie = 6, .owner = -1}};
		struct listener other = {.cookie = 7, .owner = -1};
		struct listeners now = {.count = 1, .at = &other};
		quiet();
		snprintf(other.address, sizeof(other.address), "%s", rows[i].now);
		owns[1].aside = rows[i].aside;
		subject.listeners.at = owns;
		subject.listeners.count = 2;
		report_init(&report);
		char row[32];
		subject_ended_judge(&report, &subject, &now);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &report, rows[i].findings);
	}
}

static void the_subject_comes_before_what_drops_more(void **state)
{
	quiet();
	drops(0, 138);
	drops(3, 9000);
	const struct finding *f = judged(true);
	assert_string_equal(
		f->title, "quicd (pid 812) on udp:0.0.0.0:443 drops datagrams now: 138 in 500 ms");
	assert_int_equal(f->level, LEVEL_CRITICAL);
	assert_non_null(strstr(f->detail, "1 other socket drops datagrams too."));
	f = judged(false);
	assert_non_null(strstr(f->title, "resolved (pid 99) on udp:0.0.0.0:53 drops"));
	assert_int_equal(f->level, LEVEL_WARNING);
	findings_are("both", &report, "udp.receive.overflowing warning");
}

/* As of DTLS or OpenVPN: the subject has it, though it was not among the sockets that were found.
 */
/* The kernel counts full buffers by address family: a socket of IPv4 has not dropped for one of
 * IPv6. */
static void drops_of_ipv6_are_of_its_sockets(void **state)
{
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		quiet();
		drops(0, 138);
		at[0][0].ipv6 = at[1][0].ipv6 = ipv6;
		const struct udp_watch w = {.before = &look[0],
					    .after = &look[1],
					    .report = &report,
					    .seconds = 0.5,
					    .stall_s = 1,
					    .errors6 = 1000};
		report_init(&report);
		udp_queues_judge(&w);
		findings_are(ipv6 ? "IPv6" : "IPv4", &report,
			     ipv6 ? "udp.receive.overflowing warning" : "");
	}
}

/* Where UDP's memory is used up a socket's buffer need not be full. */
static void drops_for_lack_of_memory_are_the_machines(void **state)
{
	static const struct {
		int64_t errors, memory, memory6;
		bool ipv6, own;
		const char *findings;
		enum finding_remedy remedy;
		const char *advice;
		bool exhausted;
	} rows[] = {
		{0, 138, 0, false, false, "udp.receive.overflowing warning", REMEDY_KERNEL,
		 "the server's control group, or net.ipv4.udp_mem", false},
		{0, 138, 0, false, true, "udp.receive.overflowing critical", REMEDY_KERNEL,
		 "Raise all fields of net.ipv4.udp_mem", true},
		{0, 0, 138, true, true, "udp.receive.overflowing critical", REMEDY_KERNEL,
		 "net.ipv4.udp_mem", false},
		{0, 0, 138, false, true, "", 0, "", false},
		{138, 1, 0, false, true, "udp.receive.overflowing critical", REMEDY_APPLICATION,
		 "The server reads too slowly", false},
		/* What 6.18 drops it does not count. */
		{0, 0, 0, false, true, "udp.receive.overflowing critical", REMEDY_KERNEL,
		 "Raise all fields of net.ipv4.udp_mem", true},
		{0, 0, 0, false, true, "", 0, "", false},
		{138, 0, 0, false, true, "udp.receive.overflowing critical", REMEDY_APPLICATION,
		 "The server reads too slowly", true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[32];
		quiet();
		drops(0, 138);
		at[0][0].depth = at[1][0].depth = 4096;
		at[0][0].ipv6 = at[1][0].ipv6 = rows[i].ipv6;
		const struct udp_watch w = {.before = &look[0],
					    .after = &look[1],
					    .subject = rows[i].own ? &subject : NULL,
					    .report = &report,
					    .seconds = 0.5,
					    .stall_s = 1,
					    .errors = rows[i].errors,
					    .memory = rows[i].memory,
					    .memory6 = rows[i].memory6,
					    .exhausted = rows[i].exhausted};
		report_init(&report);
		udp_queues_judge(&w);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &report, rows[i].findings);
		if (!rows[i].findings[0])
			continue;
		assert_int_equal(report.findings[0].remedy, rows[i].remedy);
		assert_non_null(strstr(report.findings[0].advice, rows[i].advice));
	}
}

static void a_connected_socket_is_the_subjects_by_process_and_port(void **state)
{
	static const struct {
		uint16_t port;
		int owner;
		uint32_t uid;
		bool hidden; /* the owner of the subject's socket */
		enum finding_level level;
	} rows[] = {
		{443, 0, 0, false, LEVEL_CRITICAL},  {443, 1, 0, false, LEVEL_WARNING},
		{45000, 0, 0, false, LEVEL_WARNING}, {443, -1, 33, true, LEVEL_CRITICAL},
		{443, -1, 34, true, LEVEL_WARNING},  {443, -1, 33, false, LEVEL_WARNING},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		quiet();
		drops(2, 1640);
		own.uid = 33;
		own.owner = rows[i].hidden ? -1 : 0;
		subject.pid = rows[i].hidden ? 0 : 812;
		at[1][2].connected = true;
		at[1][2].port = rows[i].port;
		at[1][2].owner = rows[i].owner;
		at[1][2].uid = rows[i].uid;
		const struct finding *f = judged(true);
		if (f->level != rows[i].level)
			fail_msg("row %zu: level %d", i, (int)f->level);
		assert_null(strstr(f->detail, "SO_REUSEPORT"));
	}
}

static void one_of_a_group_that_stays_full_needs_no_buffer(void **state)
{
	quiet();
	drops(1, 336);
	process[0].state = 'D';
	snprintf(process[0].waits_in, sizeof(process[0].waits_in), "io_schedule");
	const struct finding *f = judged(true);
	assert_non_null(strstr(f->detail,
			       "1 of 3 sockets of this address (SO_REUSEPORT) drops; the "
			       "others have room."));
	assert_non_null(strstr(f->detail,
			       "Its worker (pid 813) has the socket open (state D, io_schedule)."));
	assert_non_null(
		strstr(f->advice, "No buffer helps. Find out why that worker does not read"));
	/* It reads: what waits differs. */
	at[0][1].depth -= 2304;
	f = judged(true);
	assert_non_null(strstr(f->advice, "which buffer N datagrams a second need"));
	/* So does another one of the group. */
	drops(1, 336);
	drops(2, 30);
	f = judged(true);
	assert_non_null(strstr(f->detail, "2 of 3 sockets of this address (SO_REUSEPORT) drop; "));
	drops(0, 30);
	f = judged(true);
	assert_non_null(strstr(f->detail, "3 of 3 sockets of this address (SO_REUSEPORT) drop. "));
	assert_non_null(strstr(f->advice, "which buffer N datagrams a second need"));
	process[0].state = 'T';
	f = judged(true);
	assert_non_null(strstr(f->advice, "No buffer helps. Resume it: kill -CONT 813"));
}

static void a_full_socket_of_a_group_that_nothing_reads(void **state)
{
	quiet();
	drops(2, 0);
	const struct finding *f = judged(true);
	findings_are("unread", &report, "udp.receive.waiting critical");
	assert_non_null(strstr(f->detail,
			       "Of the 3 sockets of this address (SO_REUSEPORT) 1 is like that."));
}

/* Each has a socket of the group. */
static void all_halted_processes_are_resumed(void **state)
{
	quiet();
	drops(1, 0);
	drops(2, 0);
	process[1] = process[0];
	process[1].pid = 814;
	process[0].state = process[1].state = 'T';
	at[0][2].owner = at[1][2].owner = 1;
	const struct finding *f = judged(true);
	assert_non_null(strstr(f->detail, "Its workers (pids 813, 814) are stopped (state T)."));
	assert_string_equal(f->advice, "Resume them: kill -CONT 813 814. Or restart quicd.");
}

/* Of --quick, or of a window that is no longer than stalls of the target. */
static void a_full_socket_that_may_be_read_a_moment_later(void **state)
{
	static const struct {
		double seconds, stall_s;
		uint32_t depth, was;
		char state;
		const char *finding, *advice;
	} rows[] = {
		{0, 0.1, BUFFER - 512, 0, 'S', "udp.receive.full warning",
		 "One sample does not show whether it reads: run the check without --quick."},
		{0, 0.1, BUFFER - 512, 0, 'T', "udp.receive.full critical",
		 "Resume it: kill -CONT 813. Or restart it."},
		{0, 0.1, BUFFER / 2, 0, 'S', "", ""},
		{0.5, 1, BUFFER - 512, BUFFER - 512, 'S', "udp.receive.full warning",
		 "Nothing was read in 500 ms, which may be a stall of the target: run the check "
		 "with a --window of more than 2 s."},
		{0.5, 1, BUFFER - 512, BUFFER - 9728, 'S', "", ""},
		{0.5, 0.1, BUFFER - 512, BUFFER - 512, 'S', "udp.receive.waiting critical",
		 "Find out why the server does not read it: a thread that has ended, or a socket of "
		 "a SO_REUSEPORT group that no worker reads."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24];
		quiet();
		process[0].state = rows[i].state;
		at[0][2].depth = rows[i].was;
		at[1][2].depth = rows[i].depth;
		const struct udp_watch w = {.before = rows[i].seconds > 0 ? &look[0] : &look[1],
					    .after = &look[1],
					    .subject = &subject,
					    .report = &report,
					    .seconds = rows[i].seconds,
					    .stall_s = rows[i].stall_s};
		report_init(&report);
		udp_queues_judge(&w);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &report, rows[i].finding);
		if (report.finding_count)
			assert_string_equal(report.findings[0].advice, rows[i].advice);
	}
}

/* Each socket of a resolver is looked up among as many. */
static void listeners_are_found_by_index(void **state)
{
	quiet();
	struct listener_index index = listener_index_make(&look[0]);
	for (size_t k = 0; k < SOCKETS; k++)
		assert_ptr_equal(listener_index_find(&index, 9 - k), &at[0][k]);
	assert_null(listener_index_find(&index, 5));
	listener_index_free(&index);
	assert_ptr_equal(listener_index_find(&index, 9), &at[0][0]);
	look[0].count = 0;
	index = listener_index_make(&look[0]);
	assert_null(listener_index_find(&index, 9));
	listener_index_free(&index);
}

static void listeners_join_with_their_owners(void **state)
{
	struct listeners all = {0};
	quiet();
	at[1][2].owner = -1;
	assert_int_equal(listeners_join(&all, &look[0], NULL), 0);
	assert_int_equal(listeners_join(&all, &look[1], NULL), 0);
	assert_int_equal(all.count, 2 * SOCKETS);
	assert_int_equal(all.process_count, 2);
	assert_string_equal(all.processes[all.at[3].owner].name, "resolved");
	assert_string_equal(all.processes[all.at[4].owner].name, "quicd");
	assert_int_equal(all.at[6].owner, -1);
	listeners_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_of_udp_that_has_ended_is_not_ready),
		cmocka_unit_test(a_server_that_ended_since_is_not_ready),
		cmocka_unit_test(the_subject_comes_before_what_drops_more),
		cmocka_unit_test(drops_of_ipv6_are_of_its_sockets),
		cmocka_unit_test(drops_for_lack_of_memory_are_the_machines),
		cmocka_unit_test(a_connected_socket_is_the_subjects_by_process_and_port),
		cmocka_unit_test(one_of_a_group_that_stays_full_needs_no_buffer),
		cmocka_unit_test(a_full_socket_of_a_group_that_nothing_reads),
		cmocka_unit_test(all_halted_processes_are_resumed),
		cmocka_unit_test(a_full_socket_that_may_be_read_a_moment_later),
		cmocka_unit_test(listeners_are_found_by_index),
		cmocka_unit_test(listeners_join_with_their_owners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
