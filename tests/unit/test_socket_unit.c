/* Which listeners of systemd a socket unit has, by the lines of its files. */
#include "../support/support.h"
#include "host/socket_unit.h"

#include <stdio.h>
#include <string.h>

#define YES "[Socket]\nAccept=yes\n"

static const struct {
	const char *unit, *text;
	/* Of "0.0.0.0:80", "[::1]:81", "unix:/run/a.sock", "unix:@b", a bit each. */
	uint64_t listens;
	bool accepts, unresolved;
	const char *instance;
	uint64_t max;
} units[] = {
	{"a.socket", YES "ListenStream=80\n", 1, true, false, "", 64},
	{"a.socket", YES "ListenStream=0.0.0.0:80\nMaxConnections=9\n", 1, true, false, "", 9},
	{"a.socket", YES "ListenStream=81\n", 0, true, false, "", 64},
	{"a.socket", YES "ListenStream=[::1]:81\nListenStream=@b\n", 10, true, false, "", 64},
	{"a.socket", YES "ListenStream=80\nListenStream=\nListenStream=@b\n", 8, true, false, "",
	 64},
	{"a.socket", "[Socket]\nListenStream=/run/a.sock\n", 4, false, false, "", 64},
	{"a.socket", YES "ListenStream=/var/run/a.sock\n", 4, true, false, "", 64},
	{"a.socket", "[Service]\nAccept=yes\nListenStream=80\n", 0, false, false, "", 64},
	/* What systemd takes for true; what it takes for nothing changes nothing. */
	{"a.socket", "[Socket]\nAccept=On\nListenStream=80\n", 1, true, false, "", 64},
	{"a.socket", YES "Accept=off\nListenStream=80\n", 1, false, false, "", 64},
	{"a.socket", YES "Accept=\nAccept=maybe\nListenStream=80\n", 1, true, false, "", 64},
	/* A line that goes on. */
	{"a.socket", YES "ListenStream=\\\n 80\nMaxConnections= \\\n# 7\n; 8\n\t9", 1, true, false,
	 "", 9},
	{"a.socket", YES "# ListenStream=81 \\\nListenStream=80\nMaxConnections=5\\", 1, true,
	 false, "", 5},
	/* Specifiers. */
	{"a.socket", YES "ListenStream=%t/a.sock\n", 4, true, false, "", 64},
	{"a.socket", YES "ListenStream=%t/%%a.sock\n", 0, true, false, "", 64},
	{"a.socket", YES "ListenStream=%h/a.sock\n", 0, true, true, "", 64},
	{"a.socket", YES "ListenStream=%h/a\nListenStream=\nListenStream=80\n", 1, true, false, "",
	 64},
	{"a.socket", YES "ListenStream=80%\n", 0, true, true, "", 64},
	{"a@.socket", YES "ListenStream=%i\n", 11, true, false, "@b", 64},
	{"a@.socket", YES "ListenStream=8%I\n", 1, true, false, "0", 64},
	{"a@.socket", YES "ListenStream=%t/%i.sock\n", 4, true, false, "a", 64},
	{"a@.socket", YES "ListenStream=/run/%i\n", 4, true, false, "a.sock", 64},
	{"a@.socket", YES "ListenStream=/%i/a.sock\n", 4, true, false, "run", 64},
	{"a@.socket", YES "ListenStream=/%i.sock\n", 0, true, false, "", 64},
	{"a@.socket", YES "ListenStream=%i%i\n", 0, true, true, "", 64},
	{"a@.socket", YES "ListenStream=/run/a.sock\n", 4, true, false, "", 64},
	{"a@80.socket", YES "ListenStream=%i\n", 1, true, false, "80", 64},
	{"a@81.socket", YES "ListenStream=%i\n", 0, true, false, "81", 64},
	{"a@8-0.socket", YES "ListenStream=%I\n", 0, true, true, "8-0", 64},
};

static void a_unit_has_the_listeners_that_its_lines_name(void **state)
{
	struct listener at[] = {
		{.kind = LISTENER_TCP, .address = "0.0.0.0:80", .port = 80},
		{.kind = LISTENER_TCP, .address = "[::1]:81", .port = 81},
		{.kind = LISTENER_UNIX, .address = "unix:/run/a.sock"},
		{.kind = LISTENER_UNIX, .address = "unix:@b"},
	};
	const struct subject s = {.listeners = {.at = at, .count = 4}};
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct socket_unit_lines lines;
		char text[256];
		print_message("%s %s\n", units[i].unit, units[i].text);
		snprintf(text, sizeof(text), "%s", units[i].text);
		socket_unit_begin(units[i].unit, &lines);
		socket_unit_parse(text, &s, &lines);
		assert_int_equal(lines.listens, units[i].listens);
		assert_int_equal(lines.accepts, units[i].accepts);
		assert_int_equal(lines.unresolved, units[i].unresolved);
		assert_string_equal(lines.instance, units[i].instance);
		assert_int_equal(lines.unit.max, units[i].max);
	}
}

/* Beyond the first systemd closes the listener, beyond the second it leaves clients in its queue.
 */
static void a_unit_has_limits_on_new_connections(void **state)
{
	static const struct {
		const char *text;
		struct subject_burst trigger, poll;
	} rows[] = {
		{YES, {200, 2000000}, {150, 2000000}},
		{YES "TriggerLimitBurst=1000\nTriggerLimitIntervalSec=500ms\n",
		 {1000, 500000},
		 {150, 2000000}},
		{YES "PollLimitBurst=0\nTriggerLimitIntervalSec=1min 30s\n",
		 {200, 90000000},
		 {0, 2000000}},
		{YES "PollLimitIntervalSec=3\nTriggerLimitIntervalSec=0\n",
		 {200, 0},
		 {150, 3000000}},
		/* What systemd does not take. */
		{YES "PollLimitIntervalSec=5s\nPollLimitIntervalSec=infinity\n"
		     "TriggerLimitIntervalSec=soon\nTriggerLimitBurst=\n",
		 {200, 2000000},
		 {150, 2000000}},
	};
	const struct subject s = {.listeners = {.count = 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct socket_unit_lines lines;
		char text[256];
		print_message("%s\n", rows[i].text);
		snprintf(text, sizeof(text), "%s", rows[i].text);
		socket_unit_begin("a.socket", &lines);
		socket_unit_parse(text, &s, &lines);
		assert_memory_equal(&lines.unit.trigger, &rows[i].trigger, sizeof(rows[i].trigger));
		assert_memory_equal(&lines.unit.poll, &rows[i].poll, sizeof(rows[i].poll));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_has_the_listeners_that_its_lines_name),
		cmocka_unit_test(a_unit_has_limits_on_new_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
