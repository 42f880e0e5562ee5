/* The journal: what it reads after a crash, and what it refuses. */
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tune/journal.h"

static char base[64], directory[96], file[128];

static int make_directory(void **state)
{
	strcpy(base, "/dev/shm/epolltune-journal-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(directory, sizeof(directory), "%s/state", base);
	snprintf(file, sizeof(file), "%s/" JOURNAL_FILE, directory);
	return 0;
}

static int remove_directory(void **state)
{
	struct output o = run("rm -rf '%s'", base);
	output_free(&o);
	return 0;
}

static void put(const char *path, const char *bytes, size_t size)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}

static size_t get(const char *path, char *bytes, size_t size)
{
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	size_t n = fread(bytes, 1, size, in);
	fclose(in);
	return n;
}

static struct run about(void)
{
	return (struct run){.by = "alice",
			    .command = "epolltune apply",
			    .boot = "b",
			    .netns = "1",
			    .confirm_s = 2,
			    .persist = true};
}

static struct change change(const char *name, const char *from, const char *to)
{
	struct change c = {
		.kind = change_kind_find("sysctl"), .scope = CHANGE_NETNS, .why = "because"};
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.from, sizeof(c.from), "%s", from);
	snprintf(c.to, sizeof(c.to), "%s", to);
	return c;
}

/* A run of two changes, applied and rolled back except for a conflict. */
static void write_runs(void)
{
	struct journal j;
	struct err e;
	size_t n;
	struct run first = about(), *r;
	struct change a = change("net.core.somaxconn", "16", "2048");
	struct change b = change("net.ipv4.tcp_rmem", "4096 131072 262144", "4096 131072 8388608");
	assert_int_equal(journal_open(&j, directory, JOURNAL_MAKE, &e), 0);
	assert_int_equal(journal_begin(&j, &first, &r, &e), 0);
	assert_int_equal(r->id, 1);
	assert_int_equal(journal_intent(&j, r, &a, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(journal_done(&j, r, n, "2048", &e), 0);
	assert_int_equal(journal_intent(&j, r, &b, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(journal_done(&j, r, n, "4096 131072 8388608", &e), 0);
	assert_int_equal(journal_end(&j, r, &e), 0);
	assert_int_equal(r->status, RUN_APPLIED);
	assert_int_equal(journal_rollback(&j, r, "bob", "asked for", "b", &e), 0);
	assert_int_equal(journal_item(&j, r, 1, CHANGE_REVERTING, NULL, &e), 0);
	assert_int_equal(journal_item(&j, r, 1, CHANGE_REVERTED, NULL, &e), 0);
	assert_int_equal(journal_item(&j, r, 0, CHANGE_CONFLICT, "99", &e), 0);
	assert_int_equal(journal_end(&j, r, &e), 0);
	assert_int_equal(r->status, RUN_PARTLY);
	journal_close(&j);
}

/* The words of a journal, also those of another version. */
static void reasons_are_read_by_their_words(void **state)
{
	static const struct {
		const char *words;
		enum undo_reason reason;
		const char *text;
	} rows[] = {
		{"asked for", UNDO_ASKED, "by epolltune rollback"},
		{"not confirmed in time", UNDO_LATE, "not confirmed in time"},
		{"the proof failed", UNDO_PROOF_FAILED, "the proof failed"},
		{"interrupted by SIGTERM", UNDO_INTERRUPTED, "interrupted by SIGTERM"},
		{"interrupted by a signal", UNDO_INTERRUPTED, "interrupted by a signal"},
		{"asked for tomorrow", UNDO_OTHER, "asked for tomorrow"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct journal j;
		struct run about = {.by = "alice", .command = "test"}, *r;
		struct err e;
		assert_int_equal(journal_open(&j, directory, JOURNAL_MAKE, &e), 0);
		assert_int_equal(journal_begin(&j, &about, &r, &e), 0);
		assert_int_equal(r->undo, UNDO_NONE);
		assert_string_equal(run_undo_text(r), "");
		assert_int_equal(journal_rollback(&j, r, "bob", rows[i].words, "b", &e), 0);
		assert_int_equal(r->undo, rows[i].reason);
		assert_string_equal(run_undo_text(r), rows[i].text);
		journal_close(&j);
	}
}

static void reads_back_what_it_wrote(void **state)
{
	struct journal j;
	struct err e;
	write_runs();
	assert_int_equal(journal_open(&j, directory, JOURNAL_READ, &e), 0);
	assert_false(j.torn);
	assert_int_equal(j.count, 1);
	const struct run *r = &j.runs[0];
	assert_int_equal(r->status, RUN_PARTLY);
	assert_string_equal(r->by, "alice");
	assert_string_equal(r->reason, "asked for");
	assert_int_equal(r->undo, UNDO_ASKED);
	assert_true(r->persist);
	assert_int_equal(r->confirm_s, 2);
	assert_int_equal(r->count, 2);
	assert_string_equal(r->items[1].from, "4096 131072 262144");
	assert_int_equal(r->items[0].state, CHANGE_CONFLICT);
	assert_int_equal(r->items[1].state, CHANGE_REVERTED);
	assert_true(run_in_force(r));
	journal_close(&j);

	struct stat st;
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void modes_do_not_depend_on_the_umask(void **state)
{
	mode_t was = umask(0);
	reads_back_what_it_wrote(state);
	umask(was);
}

static void private_umask(void **state)
{
	mode_t was = umask(077);
	reads_back_what_it_wrote(state);
	umask(was);
}

/* Cut anywhere, it has the whole records before the cut, and can be written again. */
static void torn_at_every_byte(void **state)
{
	char bytes[8192];
	write_runs();
	size_t size = get(file, bytes, sizeof(bytes));
	assert_true(size > 500 && size < sizeof(bytes));
	for (size_t cut = 0; cut <= size; cut++) {
		struct journal j;
		struct err e;
		size_t whole = cut;
		while (whole > 0 && bytes[whole - 1] != '\n')
			whole--;
		put(file, bytes, cut);
		assert_int_equal(journal_open(&j, directory, JOURNAL_READ, &e), 0);
		assert_int_equal(j.torn, whole != cut);
		assert_int_equal(j.good, whole);
		assert_int_equal(j.count, whole > 0);
		journal_close(&j);

		struct run next = about(), *r;
		assert_int_equal(journal_open(&j, directory, JOURNAL_WRITE, &e), 0);
		assert_int_equal(journal_begin(&j, &next, &r, &e), 0);
		assert_int_equal(r->id, whole > 0 ? 2 : 1);
		journal_close(&j);
		assert_int_equal(journal_open(&j, directory, JOURNAL_READ, &e), 0);
		assert_false(j.torn);
		assert_int_equal(j.count, whole > 0 ? 2 : 1);
		journal_close(&j);
	}
}

/* With any byte damaged, it is read or refused, and not modified. */
static void damaged_at_every_byte(void **state)
{
	static const char damages[] = {0x01, 0x20, (char)0x80, '\n' ^ '"'};
	char bytes[8192], now[8192];
	size_t refused = 0;
	write_runs();
	size_t size = get(file, bytes, sizeof(bytes));
	for (size_t at = 0; at < size; at++)
		for (size_t i = 0; i < sizeof(damages); i++) {
			struct journal j;
			struct err e = {0};
			bytes[at] ^= damages[i];
			put(file, bytes, size);
			int r = journal_open(&j, directory, JOURNAL_READ, &e);
			assert_true(r == 0 || r == -EBADMSG || r == -EPROTO);
			assert_true(r == 0 || e.text[0]);
			refused += r < 0;
			journal_close(&j);
			assert_int_equal(get(file, now, sizeof(now)), size);
			assert_memory_equal(now, bytes, size);
			bytes[at] ^= damages[i];
		}
	assert_true(refused > size);
}

static void blocks_that_never_reached_the_disk(void **state)
{
	char bytes[8192] = {0};
	struct journal j;
	struct err e;
	write_runs();
	size_t size = get(file, bytes, sizeof(bytes) - 600);
	put(file, bytes, size + 512); /* zeros behind */
	assert_int_equal(journal_open(&j, directory, JOURNAL_WRITE, &e), 0);
	assert_true(j.torn);
	assert_int_equal(j.count, 1);
	journal_close(&j);
	struct stat st;
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, size);
}

static void refuses(const char *bytes, int code, const char *needle)
{
	char now[8192];
	struct journal j;
	static const enum journal_access ways[] = {JOURNAL_READ, JOURNAL_WRITE, JOURNAL_MAKE};
	put(file, bytes, strlen(bytes));
	for (size_t i = 0; i < 3; i++) {
		struct err e = {0};
		assert_int_equal(journal_open(&j, directory, ways[i], &e), code);
		assert_non_null(strstr(e.text, needle));
		assert_null(strchr(e.text, '\n'));
		size_t n = get(file, now, sizeof(now));
		assert_int_equal(n, strlen(bytes));
		assert_memory_equal(now, bytes, n); /* not modified */
	}
}

#define BEGIN                                                                                      \
	"{\"v\":1,\"event\":\"begin\",\"run\":1,\"time\":1,\"by\":\"a\",\"command\":\"c\","        \
	"\"boot\":\"b\",\"netns\":\"1\",\"confirm_s\":0,\"persist\":false}\n"

static void refuses_what_is_not_its_own(void **state)
{
	write_runs();
	refuses("{\"v\":3,\"event\":\"begin\"}\n", -EPROTO, "version 3");
	refuses(BEGIN "{\"v\":3}\n" BEGIN, -EPROTO, "line 2");
	refuses("garbage\n", -EBADMSG, "line 1");
	refuses("garbage", -EBADMSG, "line 1");
	refuses(BEGIN "garbage\n", -EBADMSG, "line 2");
	refuses(BEGIN "{\"v\":1,\"event\"\n" BEGIN, -EBADMSG, "line 2");
	refuses(BEGIN BEGIN "{\"v\":1}\n", -EBADMSG, "line 2"); /* the same run again */
	refuses(BEGIN
		"{\"v\":1,\"event\":\"done\",\"run\":1,\"time\":1,\"n\":0,\"became\":\"\"}\n" BEGIN,
		-EBADMSG, "line 2"); /* done without an intent */
	refuses("[1]\n", -EBADMSG, "line 1");
	refuses("{}\n", -EBADMSG, "line 1");
	refuses("{\"event\":\"begin\"}\n{\"v\":1}\n", -EBADMSG, "line 1");
}

/* A whole record was acknowledged: a damaged one is refused and kept, also by a writer. */
static void a_whole_last_record_is_not_torn(void **state)
{
	write_runs();
	refuses(BEGIN "{\"v\":1,\"event\":\"future\",\"run\":1,\"time\":1}\n", -EBADMSG, "line 2");
	refuses(BEGIN "{\"v\":1,\"event\":\"intent\",\"run\":1,\"time\":1,\"m\":0}\n", -EBADMSG,
		"line 2");
	refuses(BEGIN "{\"v\":1,\"event\":\"end\",\"run\":1,\"tame\"}\n", -EBADMSG, "line 2");
	/* A time beyond the calendar. */
	refuses(BEGIN "{\"v\":1,\"event\":\"end\",\"run\":1,\"time\":9223372036854775807}\n",
		-EBADMSG, "line 2");
}

#define RECORD(rest) "{\"v\":1,\"run\":1,\"time\":1,\"event\":" rest "}\n"
#define INTENT(n)                                                                                  \
	RECORD("\"intent\",\"n\":" n ",\"kind\":\"sysctl\",\"scope\":\"netns\",\"name\":\"k\","    \
	       "\"object\":\"\",\"from\":\"1\",\"to\":\"2\",\"why\":\"w\"")                        \
	RECORD("\"done\",\"n\":" n ",\"became\":\"2\"")

/* As epolltune 0.1 wrote it; new records are appended in the new form. */
static void reads_version_1(void **state)
{
	static const char old[] =
		BEGIN INTENT("0") INTENT("1") INTENT("2") INTENT("3") RECORD("\"end\"")
			RECORD("\"rollback\",\"by\":\"a\",\"reason\":\"asked for\",\"boot\":\"b\"")
				RECORD("\"undo\",\"n\":3") RECORD("\"undone\",\"n\":3")
					RECORD("\"spared\",\"n\":2,\"found\":\"9\"")
						RECORD("\"spared\",\"n\":1,\"found\":\"\"")
							RECORD("\"gone\",\"n\":0")
								RECORD("\"end\"");
	static const enum change_state states[] = {CHANGE_STALE, CHANGE_UNREACHABLE,
						   CHANGE_CONFLICT, CHANGE_REVERTED};
	char bytes[8192] = {0};
	struct journal j;
	struct err e;
	write_runs();
	put(file, old, strlen(old));
	assert_int_equal(journal_open(&j, directory, JOURNAL_WRITE, &e), 0);
	assert_int_equal(j.count, 1);
	assert_int_equal(j.runs[0].status, RUN_PARTLY);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(j.runs[0].items[i].state, states[i]);
	assert_int_equal(journal_item(&j, &j.runs[0], 2, CHANGE_CONFLICT, "9", &e), 0);
	assert_int_equal(journal_item(&j, &j.runs[0], 1, CHANGE_UNREACHABLE, NULL, &e), 0);
	journal_close(&j);
	get(file, bytes, sizeof(bytes) - 1);
	assert_non_null(strstr(bytes, "\"conflict\""));
	assert_non_null(strstr(bytes, "\"unreachable\""));
	assert_int_equal(journal_open(&j, directory, JOURNAL_READ, &e), 0);
	assert_int_equal(j.runs[0].items[2].state, CHANGE_CONFLICT);
	journal_close(&j);
}

/* A record that does not fit its run is refused before anything is written. */
static void writes_no_record_that_does_not_fit(void **state)
{
	char before[8192], after[8192];
	struct journal j;
	struct err e = {0};
	write_runs();
	size_t size = get(file, before, sizeof(before));
	assert_int_equal(journal_open(&j, directory, JOURNAL_WRITE, &e), 0);
	struct run *r = &j.runs[0];
	const struct change *items = r->items;
	assert_int_equal(journal_done(&j, r, 0, "2048", &e), -EPROTO); /* done already */
	assert_int_equal(journal_item(&j, r, 7, CHANGE_REVERTED, NULL, &e), -EPROTO);
	struct run strange = *r;
	strange.id = 9;
	assert_int_equal(journal_end(&j, &strange, &e), -EPROTO);
	assert_int_equal(get(file, after, sizeof(after)), size);
	assert_memory_equal(after, before, size);
	assert_int_equal(j.good, size);
	assert_int_equal(r->items[0].state, CHANGE_CONFLICT);
	/* It can be written on, and items keep their addresses. */
	assert_int_equal(journal_item(&j, r, 0, CHANGE_REVERTED, NULL, &e), 0);
	assert_ptr_equal(r->items, items);
	assert_int_equal(r->items[0].state, CHANGE_REVERTED);
	journal_close(&j);
}

static void refused_place(const char *needle)
{
	struct journal j;
	struct err e = {0};
	assert_int_equal(journal_open(&j, directory, JOURNAL_MAKE, &e), -EPERM);
	if (!strstr(e.text, needle))
		fail_msg("\"%s\" lacks \"%s\"", e.text, needle);
}

static void refuses_a_strange_place(void **state)
{
	char other[128];
	snprintf(other, sizeof(other), "%s/other", base);

	assert_int_equal(symlink(base, directory), 0);
	refused_place("symbolic link");
	assert_int_equal(unlink(directory), 0);

	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(chmod(directory, 0777), 0);
	refused_place("writable by others");
	assert_int_equal(chmod(directory, 0755), 0);

	put(other, "", 0);
	assert_int_equal(symlink(other, file), 0);
	refused_place("symbolic link");
	assert_int_equal(unlink(file), 0);

	assert_int_equal(link(other, file), 0);
	refused_place("not a regular file");
	assert_int_equal(unlink(file), 0);

	assert_int_equal(mkfifo(file, 0644), 0);
	refused_place("not a regular file");
	assert_int_equal(unlink(file), 0);

	put(file, "", 0);
	assert_int_equal(chmod(file, 0666), 0);
	refused_place("writable by others");
	assert_int_equal(chmod(file, 0644), 0);

	if (geteuid() == 0 && chown(directory, 12345, 0) == 0)
		refused_place("belongs to user 12345");
}

static void one_writer(void **state)
{
	struct journal first, second;
	struct err e;
	write_runs();
	assert_int_equal(journal_open(&first, directory, JOURNAL_WRITE, &e), 0);
	assert_int_equal(journal_open(&second, directory, JOURNAL_MAKE, &e), -EBUSY);
	assert_non_null(strstr(e.text, "another epolltune"));
	assert_int_equal(journal_open(&second, directory, JOURNAL_READ, &e), 0);
	assert_true(journal_busy(&second));
	journal_close(&second);
	journal_close(&first);
	assert_int_equal(journal_open(&second, directory, JOURNAL_WRITE, &e), 0);
	journal_close(&second);
}

/* A handle is read again only if the file was written or replaced since. */
static void read_again_if_written(void **state)
{
	struct journal j, writer;
	struct run next = about(), *r;
	struct err e;
	write_runs();
	assert_int_equal(journal_open(&j, directory, JOURNAL_READ, &e), 0);
	assert_false(journal_changed(&j));
	const struct run *runs = j.runs;
	assert_int_equal(journal_refresh(&j, &e), 0);
	assert_ptr_equal(j.runs, runs);
	assert_int_equal(journal_open(&writer, directory, JOURNAL_WRITE, &e), 0);
	assert_int_equal(journal_begin(&writer, &next, &r, &e), 0);
	assert_false(journal_changed(&writer));
	assert_true(journal_changed(&j));
	assert_int_equal(journal_refresh(&j, &e), 0);
	assert_int_equal(journal_next(&j), 3);
	assert_false(journal_changed(&j));
	/* A copy in its place is another file. */
	char bytes[8192], copy[512];
	snprintf(copy, sizeof(copy), "%s/copy", base);
	put(copy, bytes, get(file, bytes, sizeof(bytes)));
	assert_int_equal(rename(copy, file), 0);
	assert_true(journal_changed(&j));
	put(file, "{}\n", 3);
	assert_int_equal(journal_refresh(&j, &e), -EBADMSG);
	assert_int_equal(journal_next(&j), 3);
	journal_close(&writer);
	journal_close(&j);
}

static void locked_and_unlocked(void **state)
{
	struct journal j = JOURNAL_CLOSED, other;
	struct run next = about(), *r;
	struct err e;
	assert_int_equal(journal_lock(&j, directory, &e), 0);
	assert_int_equal(journal_next(&j), 1);
	journal_unlock(&j);
	write_runs();
	assert_int_equal(journal_lock(&j, directory, &e), 0);
	assert_int_equal(journal_next(&j), 2);
	journal_unlock(&j);
	const struct run *runs = j.runs;
	assert_int_equal(journal_lock(&j, directory, &e), 0);
	assert_ptr_equal(j.runs, runs);
	assert_int_equal(journal_begin(&j, &next, &r, &e), 0);
	assert_int_equal(r->id, 2);
	/* Busy: the handle stays as it is. */
	other = (struct journal)JOURNAL_CLOSED;
	assert_int_equal(journal_lock(&other, directory, &e), -EBUSY);
	assert_int_equal(other.fd, -1);
	journal_close(&j);
}

static void nothing_there(void **state)
{
	struct journal j;
	struct err e;
	assert_int_equal(journal_open(&j, directory, JOURNAL_READ, &e), -ENOENT);
	assert_int_equal(journal_open(&j, directory, JOURNAL_WRITE, &e), -ENOENT);
	assert_int_equal(access(directory, F_OK), -1); /* and nothing made */
	assert_int_equal(journal_watch(directory, 1, NULL), -ENOENT);
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(journal_watch(directory, 1, NULL), -ENOENT);
	assert_int_equal(journal_open(&j, "/", JOURNAL_MAKE, &e), -EINVAL);
	assert_int_equal(journal_open(&j, "", JOURNAL_MAKE, &e), -EINVAL);
	snprintf(directory, sizeof(directory), "%s/no/such", base);
	assert_int_equal(journal_open(&j, directory, JOURNAL_MAKE, &e), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reasons_are_read_by_their_words),
		TEST(reads_back_what_it_wrote),
		TEST(modes_do_not_depend_on_the_umask),
		TEST(private_umask),
		TEST(torn_at_every_byte),
		TEST(damaged_at_every_byte),
		TEST(blocks_that_never_reached_the_disk),
		TEST(reads_version_1),
		TEST(writes_no_record_that_does_not_fit),
		TEST(refuses_what_is_not_its_own),
		TEST(a_whole_last_record_is_not_torn),
		TEST(refuses_a_strange_place),
		TEST(one_writer),
		TEST(read_again_if_written),
		TEST(locked_and_unlocked),
		TEST(nothing_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
