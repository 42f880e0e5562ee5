/* The recording of a watch: its size, what an interrupted writer leaves, and invalid files.
 */
#include "../support/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/record.h"

#define SIZE ((uint64_t)1 << 20)
#define ROWS 300

static char directory[] = "/tmp/epolltune-record-XXXXXX";
static char path[64], older[72], moved[72];

static int enter(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/w.jsonl", directory);
	snprintf(older, sizeof(older), "%s.1", path);
	snprintf(moved, sizeof(moved), "%s/evidence", directory);
	return 0;
}

static int clean(void **state)
{
	unlink(path);
	unlink(older);
	unlink(moved);
	return 0;
}

static int leave(void **state)
{
	clean(state);
	return rmdir(directory);
}

/* Looks of many rows, whose counter has their number. */
static void record(unsigned from, unsigned to)
{
	struct recording *r = NULL;
	struct watch w = {0};
	struct err e = {0};
	struct watch_sample *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	for (unsigned i = 0; i < ROWS; i++)
		watch_gauge(s, "accept-queue")->key = i + 1;
	if (recording_open(&r, path, SIZE, &e))
		fail_msg("%s", e.text);
	for (unsigned k = from; k < to; k++) {
		s->seconds = k > from;
		s->counters[WATCH_ESTABLISHED] = k;
		assert_int_equal(watch_add(&w, s, &e), 0);
		if (recording_add(r, &w, &e))
			fail_msg("%s", e.text);
	}
	recording_close(&r);
	watch_free(&w);
	free(s);
}

static off_t size_of(const char *file)
{
	struct stat st;
	return stat(file, &st) ? -1 : st.st_size;
}

/* The numbers of the looks follow each other up to `last`; returns the first. */
static int64_t replay(int64_t last)
{
	struct replay *r = NULL;
	struct err e = {0};
	struct watch_sample *s = calloc(1, sizeof(*s));
	int64_t first = -1, next = -1;
	int rc = replay_open(&r, path, &e);
	while (!rc && (rc = replay_next(r, s, &e)) > 0) {
		if (first < 0)
			first = next = s->counters[WATCH_ESTABLISHED];
		assert_int_equal(s->counters[WATCH_ESTABLISHED], next);
		assert_int_equal(s->count, ROWS);
		next++;
		rc = 0;
	}
	if (rc)
		fail_msg("%s", e.text);
	assert_int_equal(next, last + 1);
	replay_close(&r);
	free(s);
	return first;
}

static void its_size_is_bounded_and_the_newest_looks_are_kept(void **state)
{
	record(0, 12);
	assert_true(size_of(older) > (off_t)SIZE / 4 && size_of(path) > 0);
	assert_true(size_of(older) + size_of(path) <= (off_t)SIZE);
	int64_t first = replay(11);
	assert_in_range(first, 1, 10);
}

static void it_is_continued(void **state)
{
	record(0, 2);
	record(2, 4);
	assert_int_equal(replay(3), 0);
}

static void what_an_interrupted_writer_left_is_cut_off(void **state)
{
	record(0, 2);
	assert_int_equal(truncate(path, size_of(path) - 5), 0);
	assert_int_equal(replay(0), 0);
	record(1, 3);
	assert_int_equal(replay(2), 0);
}

/* As of a disk that is full for some time; the growth after it is not since the look before it. */
static void a_look_that_cannot_be_written_leaves_nothing(void **state)
{
	struct recording *r = NULL;
	struct watch w = {0};
	struct err e = {0};
	struct rlimit before, full;
	struct watch_sample *s = calloc(1, sizeof(*s));
	struct replay *in = NULL;
	assert_non_null(s);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	watch_gauge(s, "conntrack")->value = 7;
	assert_int_equal(recording_open(&r, path, SIZE, &e), 0);
	for (int64_t k = 0; k < 5; k++) {
		bool fails = k == 1 || k == 2;
		s->seconds = k > 0;
		s->counters[WATCH_ESTABLISHED] = k;
		assert_int_equal(watch_add(&w, s, &e), 0);
		full = before;
		full.rlim_cur = (rlim_t)size_of(path) + 100;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, fails ? &full : &before), 0);
		assert_int_equal(recording_add(r, &w, &e), fails ? -EFBIG : 0);
	}
	recording_close(&r);
	watch_free(&w);
	assert_int_equal(replay_open(&in, path, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		static const int64_t looks[] = {0, 3, 4};
		assert_int_equal(replay_next(in, s, &e), 1);
		assert_int_equal(s->counters[WATCH_ESTABLISHED], looks[i]);
		assert_true((s->seconds > 0) == (i == 2));
	}
	assert_int_equal(replay_next(in, s, &e), 0);
	replay_close(&in);
	free(s);
}

static int add(struct recording *r, struct watch *w, int64_t look, struct err *e)
{
	struct watch_sample *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->seconds = look > 0;
	s->counters[WATCH_ESTABLISHED] = look;
	assert_int_equal(watch_add(w, s, e), 0);
	free(s);
	return recording_add(r, w, e);
}

/* Of PATH.1, which may not be there, and PATH. */
static void looks_are(const int64_t *looks, const bool *begins, size_t count)
{
	struct replay *r = NULL;
	struct err e = {0};
	struct watch_sample *s = calloc(1, sizeof(*s));
	assert_int_equal(replay_open(&r, path, &e), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(replay_next(r, s, &e), 1);
		assert_int_equal(s->counters[WATCH_ESTABLISHED], looks[i]);
		assert_int_equal(s->seconds <= 0, begins[i]);
	}
	assert_int_equal(replay_next(r, s, &e), 0);
	replay_close(&r);
	free(s);
}

/* A run begins with each, as the look before is elsewhere; those of PATH.1 may be older. */
static void one_that_is_moved_or_removed_is_begun_again(void **state)
{
	for (int how = 0; how < 2; how++) {
		struct recording *r = NULL;
		struct watch w = {0};
		struct err e = {0};
		off_t size = 0;
		assert_int_equal(recording_open(&r, path, SIZE, &e), 0);
		for (int64_t look = 0; look < 4; look++) {
			if (look == 2) {
				size = size_of(path);
				assert_int_equal(how ? unlink(path) : rename(path, moved), 0);
			}
			assert_int_equal(add(r, &w, look, &e), 0);
		}
		recording_close(&r);
		watch_free(&w);
		looks_are((const int64_t[]){2, 3}, (const bool[]){true, false}, 2);
		assert_int_equal(size_of(moved), how ? -1 : size);
		clean(NULL);
	}
}

/* Not even a second time. */
static void what_is_put_in_its_place_is_kept(void **state)
{
	struct recording *r = NULL;
	struct watch w = {0};
	struct err e = {0};
	assert_int_equal(recording_open(&r, path, SIZE, &e), 0);
	assert_int_equal(add(r, &w, 0, &e), 0);
	assert_int_equal(rename(path, moved), 0);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("root:x:0:0\n", out);
	fclose(out);
	assert_int_equal(add(r, &w, 1, &e), -EEXIST);
	assert_int_equal(add(r, &w, 2, &e), -EEXIST);
	assert_int_equal(size_of(path), strlen("root:x:0:0\n"));
	assert_int_equal(rename(moved, path), 0);
	for (int64_t look = 3; look < 5; look++)
		assert_int_equal(add(r, &w, look, &e), 0);
	recording_close(&r);
	watch_free(&w);
	looks_are((const int64_t[]){0, 3, 4}, (const bool[]){true, true, false}, 3);
}

static void other_files_are_kept(void **state)
{
	static const struct {
		const char *text, *link;
		int code;
	} cases[] = {{"root:x:0:0\n", NULL, EEXIST},
		     {"{\"schema\":\"epolltune.report/1\"}\n", NULL, EEXIST},
		     {NULL, "/dev/null", ELOOP}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recording *r = NULL;
		struct err e = {0};
		unlink(path);
		if (cases[i].text) {
			FILE *out = fopen(path, "w");
			assert_non_null(out);
			fputs(cases[i].text, out);
			fclose(out);
		} else {
			assert_int_equal(symlink(cases[i].link, path), 0);
		}
		assert_int_equal(recording_open(&r, path, SIZE, &e), -cases[i].code);
		assert_non_null(strstr(e.text, path));
		recording_close(&r);
		if (cases[i].text)
			assert_int_equal(size_of(path), strlen(cases[i].text));
	}
}

static void one_process_records_at_a_time(void **state)
{
	struct recording *first = NULL, *second = NULL;
	struct err e = {0};
	assert_int_equal(recording_open(&first, path, SIZE, &e), 0);
	assert_int_equal(recording_open(&second, path, SIZE, &e), -EBUSY);
	recording_close(&first);
	recording_close(&second);
}

static void a_damaged_line_is_named(void **state)
{
	static const char damage[] = "{\"schema\":\"epolltune.watch/1\",\"rows\":[]}\n\0\n";
	struct replay *r = NULL;
	struct err e = {0};
	struct watch_sample *s = calloc(1, sizeof(*s));
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fwrite(damage, 1, sizeof(damage) - 1, out);
	fclose(out);
	assert_int_equal(replay_open(&r, path, &e), 0);
	assert_int_equal(replay_next(r, s, &e), 1);
	assert_int_equal(replay_next(r, s, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "w.jsonl:2: "));
	replay_close(&r);
	free(s);
}

/* A replay that shows nothing is not one without problems. */
static void a_file_without_a_whole_line_is_refused(void **state)
{
	static const char *const texts[] = {"", "{\"schema\":\"epolltune.watch/1\","};
	struct watch_sample *s = calloc(1, sizeof(*s));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct replay *r = NULL;
		struct err e = {0};
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		fputs(texts[i], out);
		fclose(out);
		assert_int_equal(replay_open(&r, path, &e), 0);
		assert_int_equal(replay_next(r, s, &e), -ENODATA);
		assert_non_null(strstr(e.text, "w.jsonl: has no complete line"));
		replay_close(&r);
	}
	free(s);
}

static void a_line_without_end_is_refused(void **state)
{
	struct replay *r = NULL;
	struct err e = {0};
	struct watch_sample *s = calloc(1, sizeof(*s));
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	for (unsigned i = 0; i < 3 << 20; i++)
		fputc(' ', out);
	fclose(out);
	assert_int_equal(replay_open(&r, path, &e), 0);
	assert_int_equal(replay_next(r, s, &e), -EBADMSG);
	replay_close(&r);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(its_size_is_bounded_and_the_newest_looks_are_kept, clean),
		cmocka_unit_test_teardown(it_is_continued, clean),
		cmocka_unit_test_teardown(what_an_interrupted_writer_left_is_cut_off, clean),
		cmocka_unit_test_teardown(a_look_that_cannot_be_written_leaves_nothing, clean),
		cmocka_unit_test_teardown(one_that_is_moved_or_removed_is_begun_again, clean),
		cmocka_unit_test_teardown(what_is_put_in_its_place_is_kept, clean),
		cmocka_unit_test_teardown(other_files_are_kept, clean),
		cmocka_unit_test_teardown(one_process_records_at_a_time, clean),
		cmocka_unit_test_teardown(a_damaged_line_is_named, clean),
		cmocka_unit_test_teardown(a_file_without_a_whole_line_is_refused, clean),
		cmocka_unit_test_teardown(a_line_without_end_is_refused, clean),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
