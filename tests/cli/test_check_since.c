/* check --since: what the kernel has counted since an earlier report, in a network namespace of
 * this test's own, where this process is the server. */
#include "../support/checked.h"
#include "../support/support.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/host.h"

#define PORT 8090
#define CLIENTS 8
#define OVERFLOWS "TcpExt.ListenOverflows"
#define QUICK "check --quick --probe counters,listeners --format json"

static char directory[] = "/tmp/since.XXXXXX";
static bool isolated;
static int server;

static struct sockaddr_in address(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void listen_anew(void)
{
	struct sockaddr_in a = address();
	int one = 1;
	if (server > 0)
		close(server);
	server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(server, 1), 0);
}

static int begin(void **state)
{
	if (!isolated)
		skip_because("this needs root and a private namespace");
	listen_anew();
	return 0;
}

static int64_t overflows(void)
{
	static struct host_counters counters;
	struct host *h;
	struct err e;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(host_counters(h, &counters, &e), 0);
	host_close(h);
	return host_counter(&counters, OVERFLOWS);
}

/* Fills the queue, lets it overflow and empties it again. Returns what the kernel counted. */
static int64_t overflow(void)
{
	struct sockaddr_in a = address();
	int clients[CLIENTS], fd;
	int64_t before = overflows();
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(clients[i], (struct sockaddr *)&a, sizeof(a));
	}
	WAIT_UNTIL(overflows() > before);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	while ((fd = accept(server, NULL, NULL)) >= 0)
		close(fd);
	assert_true(overflows() > before);
	return overflows() - before;
}

/* Writes DIRECTORY/last.json. */
static void report_now(void)
{
	struct output o = run("$PROGRAM " QUICK " --output %s/last.json", directory);
	if (o.status)
		fail_msg("status %d, errors \"%s\", in the end \"%s\"", o.status, o.errors,
			 o.out + (strlen(o.out) > 4000 ? strlen(o.out) - 4000 : 0));
	output_free(&o);
}

static struct checked since(const char *options)
{
	return checked_parse(run("$PROGRAM " QUICK " --since %s/last.json %s", directory, options));
}

static const char *answer_of(const struct checked *c)
{
	return checked_text(json_object_get(c->report, "summary"), "answer");
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void nothing_happened(void **state)
{
	report_now();
	struct checked c = since("");
	assert_int_equal(c.status, 0);
	assert_false(checked_has_finding(&c, "counters.since"));
	assert_false(checked_has_finding(&c, "accept-queue.dropped"));
	json_t *l = json_array_get(json_object_get(c.report, "listeners"), 0);
	assert_int_equal(checked_number(c.report, "listener_count"), 1);
	assert_string_equal(checked_text(l, "address"), "127.0.0.1:8090");
	assert_int_equal(checked_number(l, "limit"), 1);
	assert_int_equal(checked_number(json_object_get(c.report, "counters"), OVERFLOWS),
			 overflows());
	checked_free(&c);
}

/* The growth in a table of counters.since. */
static double growth(json_t *finding, const char *counter)
{
	json_t *row;
	size_t i;
	json_array_foreach(json_object_get(json_object_get(finding, "table"), "rows"), i, row)
	{
		if (!strcmp(checked_text(row, "name"), counter))
			return json_number_value(json_array_get(json_object_get(row, "values"), 2));
	}
	return -1;
}

static void what_was_dropped_is_named(void **state)
{
	char title[96];
	report_now();
	int64_t grown = overflow();
	struct checked c = since("");
	json_t *f = checked_finding(&c, "counters.since");
	assert_int_equal(c.status, 1);
	assert_string_equal(checked_text(f, "level"), "warning");
	assert_true(growth(f, "ListenOverflows") == (double)grown);
	f = checked_finding(&c, "accept-queue.dropped");
	snprintf(title, sizeof(title), "tiny (pid %d) on 127.0.0.1:8090 dropped %d handshake",
		 getpid(), (int)grown);
	contains(checked_text(f, "title"), title);
	contains(answer_of(&c), "tiny dropped handshakes since 20");
	contains(answer_of(&c), "the kernel's loss counters grew since 20");
	json_t *l = json_array_get(json_object_get(c.report, "listeners"), 0);
	assert_string_equal(checked_text(l, "process"), "tiny");
	assert_int_equal(checked_number(l, "pid"), getpid());
	assert_int_equal(checked_number(l, "drops"), grown);
	checked_free(&c);

	/* Not by a check that does not compare, and with a window as well. Tests that run beside
	 * this one drop packets in namespaces of their own. */
	c = checked_parse(run("$PROGRAM check --probe counters,listeners --format json "
			      "--ignore listeners.elsewhere.dropping"));
	assert_int_equal(c.status, 0);
	checked_free(&c);
	c = checked_parse(run("$PROGRAM check --probe counters,listeners --format json "
			      "--since %s/last.json",
			      directory));
	assert_true(checked_has_finding(&c, "accept-queue.dropped"));
	assert_int_equal(c.status, 1);
	checked_free(&c);
}

/* A listener that was made since has no earlier count. */
static void a_restarted_server_is_named(void **state)
{
	report_now();
	listen_anew();
	int64_t grown = overflow();
	struct checked c = since("");
	json_t *f = checked_finding(&c, "accept-queue.dropped");
	assert_true(checked_evidence(f, "packets dropped since", "at_current") == (double)grown);
	checked_free(&c);
}

/* For cron: each run compares with the run before. */
static void the_new_report_may_replace_the_old_one(void **state)
{
	static const int status[] = {0, 1, 0};
	report_now();
	for (size_t i = 0; i < sizeof(status) / sizeof(*status); i++) {
		if (status[i])
			overflow();
		struct output o = run("$PROGRAM " QUICK " --since %s/last.json --output "
				      "%s/last.json",
				      directory, directory);
		assert_int_equal(o.status, status[i]);
		output_free(&o);
	}
}

static json_t *report_load(void)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/last.json", directory);
	json_t *root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

static void report_save(json_t *root)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/last.json", directory);
	assert_int_equal(json_dump_file(root, path, 0), 0);
	json_decref(root);
}

static void a_reboot_is_said(void **state)
{
	overflow();
	report_now();
	json_t *root = report_load();
	json_object_set_new(json_object_get(root, "host"), "boot", json_string("another"));
	json_object_set_new(json_object_get(root, "host"), "netns", json_string("4026531833.1"));
	report_save(root);
	struct checked c = since("");
	json_t *f = checked_finding(&c, "counters.since");
	contains(checked_text(f, "title"), " since the reboot");
	assert_true(growth(f, "ListenOverflows") == (double)overflows());
	assert_int_equal(c.status, 1);
	checked_free(&c);
}

static void captured_machines_are_compared(void **state)
{
	struct output o = run("$PROGRAM check --sysroot tests/hosts/counters-past --format json "
			      "--output %s/last.json",
			      directory);
	int status = o.status;
	output_free(&o);
	struct checked c = checked_parse(
		run("$PROGRAM check --sysroot tests/hosts/counters-past --format json "
		    "--since %s/last.json",
		    directory));
	assert_int_equal(c.status, status);
	assert_false(checked_has_finding(&c, "counters.since"));
	checked_free(&c);
	json_t *root = report_load(), *counters = json_object_get(root, "counters");
	json_int_t total = json_integer_value(json_object_get(counters, OVERFLOWS));
	json_object_set_new(counters, OVERFLOWS, json_integer(total - 5));
	report_save(root);
	c = checked_parse(run("$PROGRAM check --sysroot tests/hosts/counters-past --format json "
			      "--since %s/last.json",
			      directory));
	assert_true(growth(checked_finding(&c, "counters.since"), "ListenOverflows") == 5);
	checked_free(&c);
}

static struct checked of_copy(const char *options)
{
	return checked_parse(
		run("$PROGRAM check --sysroot %s/host --format json %s", directory, options));
}

/* What the machine has dropped at its softnet backlog, and the processes that it has killed. */
static void losses_of_the_machine_are_compared(void **state)
{
	static const char softnet[] = "0000ffff %08x 00000000 00000000 00000000 00000000 00000000 "
				      "00000000 00000000 00000000 00000000 00000000 00000000";
	static const int dropped[] = {7, 20007}, killed[] = {2, 3};
	char options[128] = "";
	for (size_t i = 0; i < 2; i++) {
		char row[256];
		snprintf(row, sizeof(row), softnet, (unsigned)dropped[i]);
		struct output o = run("cp -r tests/hosts/counters-past/. %s/host && cd %s/host && "
				      "echo '%s' >proc/net/softnet_stat && "
				      "printf 'nr_free_pages 7\noom_kill %d\n' >proc/vmstat",
				      directory, directory, row, killed[i]);
		assert_int_equal(o.status, 0);
		output_free(&o);
		struct checked c = of_copy(options);
		json_t *counters = json_object_get(c.report, "counters");
		assert_int_equal(checked_number(counters, "softnet.dropped"), dropped[i]);
		assert_int_equal(checked_number(counters, "vmstat.oom_kill"), killed[i]);
		if (!i) {
			assert_false(checked_has_finding(&c, "counters.since"));
			report_save(json_incref(c.report));
			snprintf(options, sizeof(options), "--since %s/last.json", directory);
		} else {
			json_t *f = checked_finding(&c, "counters.since");
			assert_string_equal(checked_text(f, "level"), "warning");
			assert_true(growth(f, "softnet.dropped") == 20000);
			f = checked_finding(&c, "container.killed");
			assert_string_equal(checked_text(f, "level"), "warning");
			contains(checked_text(f, "title"), "killed 1 process of this machine");
			contains(checked_text(f, "title"), "since the report of 2");
		}
		checked_free(&c);
	}
}

static void is_refused(const char *what, const char *needle, const char *options)
{
	struct output o = run("$PROGRAM check --quick --output %s/new.json --since %s/%s %s",
			      directory, directory, what, options);
	size_t length = strlen(o.errors);
	if (o.status != 3 || o.out[0] || !strstr(o.errors, needle) ||
	    strchr(o.errors, '\n') != o.errors + length - 1)
		fail_msg("%s: status %d, \"%s\"; expected \"%s\"", what, o.status, o.errors,
			 needle);
	output_free(&o);
	o = run("test -e %s/new.json", directory);
	assert_int_equal(o.status, 1);
	output_free(&o);
}

static void edited_is_refused(const char *object, const char *key, json_t *value,
			      const char *needle)
{
	report_now();
	json_t *root = report_load();
	json_t *in = object[0] ? json_object_get(root, object) : root;
	if (value)
		json_object_set_new(in, key, value);
	else
		json_object_del(in, key);
	report_save(root);
	is_refused("last.json", needle, "");
}

static void what_cannot_be_compared_is_refused(void **state)
{
	char future[32];
	time_t later = time(NULL) + 7200;
	report_now();
	is_refused("last.json", "--since needs probe counters", "--probe listeners");
	is_refused("missing.json", "No such file or directory", "");
	is_refused("", "Is a directory", "");
	struct output o = run("cd %s && echo '{}' >empty.json && echo hello >text.json", directory);
	output_free(&o);
	is_refused("empty.json", "not written by epolltune", "");
	is_refused("text.json", "invalid JSON", "");
	edited_is_refused("", "schema", json_string("epolltune.bench/1"), "epolltune.report/1");
	edited_is_refused("", "counters", NULL, "has no counters");
	edited_is_refused("", "counters", json_object(), "has no counters");
	edited_is_refused("", "counters", json_array(), "counters is not an object");
	edited_is_refused("host", "netns", json_string("1.1"), "of another network namespace");
	edited_is_refused("host", "cpus", json_integer(-1), "host.cpus");
	strftime(future, sizeof(future), "%Y-%m-%dT%H:%M:%SZ", gmtime(&later));
	edited_is_refused("", "time", json_string(future), "in the future");
	o = run("$PROGRAM check --sysroot tests/hosts/counters-past --format json --output "
		"%s/last.json",
		directory);
	output_free(&o);
	is_refused("last.json", "of another host", "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(nothing_happened),
		TEST(what_was_dropped_is_named),
		TEST(a_restarted_server_is_named),
		TEST(the_new_report_may_replace_the_old_one),
		TEST(a_reboot_is_said),
		TEST(captured_machines_are_compared),
		TEST(losses_of_the_machine_are_compared),
		TEST(what_cannot_be_compared_is_refused),
	};
	isolated = loopback_of_its_own();
	prctl(PR_SET_NAME, "tiny");
	if (!mkdtemp(directory))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	struct output o = run("rm -r %s", directory);
	output_free(&o);
	return failed;
}
