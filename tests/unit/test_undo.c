/* A rollback of what this version does not know, and by the watchdog of a process that hangs. In a
 * network namespace of the test. */
#include "../support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/sysctl_d.h"
#include "tune/dropin.h"
#include "tune/journal.h"
#include "tune/kind.h"
#include "tune/site.h"
#include "tune/undo.h"
#include "tune/watchdog.h"

#define KNOB "net.ipv4.tcp_fin_timeout"
#define FILE_OF_KNOB "/proc/sys/net/ipv4/tcp_fin_timeout"

static struct host *host;
static struct host_identity here;
static struct host *files;
static struct change_site site;
static struct journal journal;
static char dir[64], state_dir[96], said[2048];
static bool allowed;

static int enter(void **state)
{
	struct err e;
	allowed = namespace_enter() == 0;
	return host_open(&host, "/", &e) < 0 || host_identity(host, &here, &e) < 0;
}

static int leave(void **state)
{
	host_close(host);
	return 0;
}

static int fresh(void **state)
{
	struct err e = {0};
	strcpy(dir, "/tmp/epolltune-undo-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	if (host_open(&files, dir, &e) < 0)
		return -1;
	site = (struct change_site){.host = host, .root = dir, .files = files};
	return journal_open(&journal, state_dir, JOURNAL_MAKE, &e);
}

static int remove_dir(void **state)
{
	journal_close(&journal);
	host_close(files);
	struct output o = run("rm -r %s", dir);
	output_free(&o);
	return 0;
}

/* A run that has set a knob, and has ended. */
static struct run *ran(const char *kind, const char *name, const char *from, const char *to)
{
	struct err e = {0};
	size_t n;
	struct run about = {.by = "test", .command = "test"}, *r;
	const struct change_kind *known = change_kind_find(kind);
	struct change c = {.scope = known && known->file ? CHANGE_FILES : CHANGE_NETNS};
	memcpy(about.boot, here.boot, sizeof(about.boot));
	memcpy(about.netns, here.netns, sizeof(about.netns));
	c.kind = known;
	snprintf(c.kind_name, sizeof(c.kind_name), "%s", kind);
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.from, sizeof(c.from), "%s", from);
	snprintf(c.to, sizeof(c.to), "%s", to);
	assert_int_equal(journal_begin(&journal, &about, &r, &e), 0);
	assert_int_equal(journal_intent(&journal, r, &c, &n, &e), 0);
	assert_int_equal(journal_done(&journal, r, n, to, &e), 0);
	assert_int_equal(journal_end(&journal, r, &e), 0);
	return r;
}

static void print(void *arg, const struct change *c, const char *text)
{
	size_t at = strlen(said);
	snprintf(said + at, sizeof(said) - at, "%s: %s\n", c->name, text);
}

static void has(const char *needle)
{
	if (!strstr(said, needle))
		fail_msg("no \"%s\" in: %s", needle, said);
}

static int undo_it(struct undo *u, unsigned run, bool force, struct err *e)
{
	*u = (struct undo){
		.site = &site, .by = "test", .reason = UNDO_ASKED, .force = force, .print = print};
	said[0] = 0;
	return undo_run(u, &journal, journal_find(&journal, run), e);
}

static struct undo undone(unsigned run, bool force)
{
	struct err e = {0};
	struct undo u;
	if (undo_it(&u, run, force, &e) < 0)
		fail_msg("%s", e.text);
	return u;
}

/* A journal of a newer epolltune: the change is not accessible, and can be dropped. */
static void what_this_version_does_not_know_can_be_dropped(void **state)
{
	static const struct {
		const char *kind, *name, *says;
	} rows[] = {
		{"sysctl", "net.core.nosuch", "is not a sysctl that epolltune knows"},
		{"device", "device.nosuch@lo", "is not an interface setting that epolltune knows"},
		{"nosuch", KNOB, "is of a kind that epolltune does not know: nosuch"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned run = ran(rows[i].kind, rows[i].name, "60", "70")->id;
		struct undo u = undone(run, false);
		assert_int_equal(u.unreachable, 1);
		assert_int_equal(u.failed, 0);
		has(rows[i].says);
		has("Roll back with the epolltune that made the run, or use --force to drop it");
		assert_null(journal_open_run(&journal, &here));
		u = undone(run, true);
		assert_int_equal(u.stale, 1);
		assert_int_equal(journal_find(&journal, run)->status, RUN_ROLLED_BACK);
	}
}

/* Our file as another process left it. The run stays unfinished until the file is repaired, or the
 * line is dropped. */
static void a_file_that_is_not_ours_any_more_can_be_repaired_or_dropped(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{KNOB " = 70\n",
		 "does not begin with \"# Written by epolltune\", and is not changed: restore that "
		 "line or move the file away"},
		{DROPIN_HEAD KNOB " = 70", "lacks a final newline: repair it or move it away"},
		{"", "is empty"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = {0};
		char path[160];
		unsigned id = ran("sysctl.d", KNOB, "", KNOB " = 70")->id;
		struct output o = run("mkdir -p %s" DROPIN_DIRECTORY, dir);
		output_free(&o);
		snprintf(path, sizeof(path), "%s" DROPIN_DIRECTORY "/" DROPIN_FILE, dir);
		file_write(path, rows[i].text);
		struct undo u;
		assert_true(undo_it(&u, id, false, &e) < 0);
		assert_int_equal(u.failed, 1);
		has(rows[i].says);
		has(path);
		has("Retry, or use --force to drop it from the journal");
		assert_int_equal(journal_find(&journal, id)->status, RUN_UNFINISHED);
		if (i == 0) {
			assert_int_equal(unlink(path), 0);
			assert_int_equal(undone(id, false).unchanged, 1);
		} else {
			assert_int_equal(undone(id, true).stale, 1);
			has(rows[i].says);
		}
		assert_int_equal(journal_find(&journal, id)->status, RUN_ROLLED_BACK);
	}
}

static bool restored(void)
{
	char now[CHANGE_VALUE];
	return kind_sysctl.read(&site, KNOB, now, NULL) == 0 && strcmp(now, "60") == 0;
}

/* The process that makes the changes hangs, or is stopped: it neither arms the watchdog nor ends.
 */
static void the_watchdog_does_not_wait_for_a_process_that_hangs(void **state)
{
	struct err e = {0};
	struct watchdog w;
	if (!allowed)
		skip_because("no network namespace of its own");
	struct run *r = ran("sysctl", KNOB, "60", "70");
	uint64_t long_ago = watchdog_clock_ms();
	assert_int_equal(journal_wait(&journal, r, long_ago, &e), 0);
	journal_unlock(&journal);
	file_write(FILE_OF_KNOB, "70");
	assert_int_equal(watchdog_start(&w, state_dir, &site, r->id, 3600, 0, &e), 0);
	WAIT_UNTIL(restored());
	assert_true(restored());
	assert_int_equal(watchdog_arm(&w, long_ago, &e), -ECHILD);
	watchdog_leave(&w);
}

/* A run with a deadline in the journal whose process was killed before it armed the watchdog.
 * Returns when that has read the journal. */
static struct run *killed_as_it_armed(uint64_t deadline_ms)
{
	struct err e = {0};
	struct watchdog w;
	char end;
	struct run *r = ran("sysctl", KNOB, "60", "70");
	assert_int_equal(journal_wait(&journal, r, deadline_ms, &e), 0);
	file_write(FILE_OF_KNOB, "70");
	assert_int_equal(watchdog_start(&w, state_dir, &site, r->id, 60, 3600, &e), 0);
	assert_int_equal(shutdown(w.channel, SHUT_WR), 0);
	assert_int_equal(read(w.channel, &end, 1), 0);
	watchdog_leave(&w);
	return r;
}

static void a_decision_after_the_process_was_killed_counts(void **state)
{
	struct err e = {0};
	if (!allowed)
		skip_because("no network namespace of its own");
	struct run *r = killed_as_it_armed(watchdog_clock_ms() + 60000);
	assert_true(journal_watched(&journal, r->id));
	assert_int_equal(journal_confirm(&journal, r, "test", &e), 0);
	assert_int_equal(journal_end(&journal, r, &e), 0);
	WAIT_UNTIL(!journal_watched(&journal, r->id));
	assert_false(journal_watched(&journal, r->id));
	assert_false(restored());
}

/* The commands print the deadline of the journal. */
static void the_deadline_of_the_journal_counts(void **state)
{
	struct err e = {0};
	struct journal now;
	if (!allowed)
		skip_because("no network namespace of its own");
	journal_unlock(&journal);
	unsigned run = killed_as_it_armed(watchdog_clock_ms())->id;
	WAIT_UNTIL(!journal_watched(&journal, run));
	assert_true(restored());
	assert_int_equal(journal_open(&now, state_dir, JOURNAL_READ, &e), 0);
	assert_int_equal(journal_find(&now, run)->status, RUN_ROLLED_BACK);
	journal_close(&now);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_this_version_does_not_know_can_be_dropped),
		TEST(a_file_that_is_not_ours_any_more_can_be_repaired_or_dropped),
		TEST(the_watchdog_does_not_wait_for_a_process_that_hangs),
		TEST(a_decision_after_the_process_was_killed_counts),
		TEST(the_deadline_of_the_journal_counts),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
