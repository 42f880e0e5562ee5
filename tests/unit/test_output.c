/* output_write() replaces a file completely or not at all. */
#include "../support/support.h"
#include "report/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64], path[128];

static int enter(void **state)
{
	strcpy(directory, "/tmp/epolltune-output-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/report.json", directory);
	return 0;
}

static int leave(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static size_t files(void)
{
	size_t n = 0;
	DIR *d = opendir(directory);
	assert_non_null(d);
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(d);
	return n;
}

static void assert_content(const char *expected)
{
	char text[64] = "";
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	size_t length = fread(text, 1, sizeof(text) - 1, in);
	text[length] = 0;
	fclose(in);
	assert_string_equal(text, expected);
}

static int write_text(FILE *out, void *arg, struct err *e)
{
	fputs(arg, out);
	return 0;
}

static int fail_half_way(FILE *out, void *arg, struct err *e)
{
	fputs(arg, out);
	return err_set(e, ENOMEM, "no memory");
}

static int write_much(FILE *out, void *arg, struct err *e)
{
	(void)arg, (void)e;
	for (int i = 0; i < 100000; i++)
		fputs("0123456789", out);
	return 0;
}

static int interrupted(FILE *out, void *arg, struct err *e)
{
	fputs(arg, out);
	raise(SIGINT);
	raise(SIGTERM);
	return 0;
}

static void a_new_file_heeds_the_umask(void **state)
{
	struct err e = {0};
	struct stat at;
	mode_t before = umask(027);
	assert_int_equal(output_write(path, write_text, "new", &e), 0);
	umask(before);
	assert_content("new");
	assert_int_equal(stat(path, &at), 0);
	assert_int_equal(at.st_mode & 07777, 0640);
	assert_int_equal(output_write(path, write_text, "newer", &e), 0);
	assert_content("newer");
	assert_int_equal(files(), 1);
}

static void a_failure_leaves_the_old_file(void **state)
{
	struct err e = {0};
	assert_int_equal(output_write(path, write_text, "old", &e), 0);
	assert_int_equal(output_write(path, fail_half_way, "new", &e), -ENOMEM);
	assert_non_null(strstr(e.text, "report.json: no memory"));
	assert_content("old");
	assert_int_equal(files(), 1);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	struct err e = {0};
	assert_int_equal(output_write(path, write_text, "old", &e), 0);
	struct rlimit before, small;
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){4096, before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	int status = output_write(path, write_much, NULL, &e);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(status, -EFBIG);
	assert_non_null(strstr(e.text, "cannot write"));
	assert_content("old");
	assert_int_equal(files(), 1);
}

static sig_atomic_t caught;
static void catch_signal(int number) { caught += number != 0; }

static void a_signal_waits(void **state)
{
	struct err e = {0};
	signal(SIGINT, catch_signal);
	signal(SIGTERM, catch_signal);
	assert_int_equal(output_write(path, interrupted, "whole", &e), 0);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	assert_int_equal(caught, 2);
	assert_content("whole");
	assert_int_equal(files(), 1);
}

static void what_is_no_file_is_spared(void **state)
{
	struct err e = {0};
	struct stat at;
	char link[160];
	assert_int_equal(output_write(directory, write_text, "x", &e), -EISDIR);
	char fifo[160], read_back[8] = "";
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	int reader = open(fifo, O_RDWR | O_NONBLOCK);
	assert_int_equal(output_write(fifo, write_text, "pipe", &e), 0);
	assert_int_equal(read(reader, read_back, sizeof(read_back)), 4);
	close(reader);
	assert_int_equal(lstat(fifo, &at), 0);
	assert_true(S_ISFIFO(at.st_mode));
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(output_write("/nonexistent/x", write_text, "x", &e), -ENOENT);
	assert_int_equal(output_write("", write_text, "x", &e), -ENOENT);

	assert_int_equal(output_write(path, write_text, "old", &e), 0);
	snprintf(link, sizeof(link), "%s/link", directory);
	assert_int_equal(symlink("report.json", link), 0);
	assert_int_equal(output_write(link, write_text, "x", &e), -ELOOP);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("missing", link), 0);
	assert_int_equal(output_write(link, write_text, "x", &e), -ELOOP);
	assert_int_equal(unlink(link), 0);
	assert_content("old");
	assert_int_equal(files(), 1);
}

static int write_first(FILE *out, void *arg, struct err *e)
{
	file_write(path, "another");
	fputs(arg, out);
	return 0;
}

static void a_file_that_appears_is_not_replaced(void **state)
{
	struct err e = {0};
	assert_int_equal(output_check_new(path, &e), 0);
	assert_int_equal(output_create(path, write_first, "mine", &e), -EEXIST);
	assert_content("another");
	assert_int_equal(files(), 1);
	assert_non_null(strstr(e.text, "report.json: exists; remove it"));
	assert_int_equal(output_check_new(path, &e), -EEXIST);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(output_create(path, write_text, "mine", &e), 0);
	assert_content("mine");
	assert_int_equal(files(), 1);
}

/* The default action ends a command that waits for a reader. */
static void a_signal_ends_the_wait_for_a_reader(void **state)
{
	struct err e = {0};
	int status;
	assert_int_equal(mkfifo(path, 0600), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(30);
		_exit(output_write(path, write_text, "x", &e) == 0);
	}
	struct output o = run("for i in $(seq 100); do grep -q '^State:.S' /proc/%d/status && "
			      "break; sleep 0.1; done; sleep 0.2",
			      (int)pid);
	output_free(&o);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* A caller that writes again soon, and has its signals blocked. */
static void a_brief_writer_waits_for_no_reader(void **state)
{
	struct err e = {0};
	sigset_t held, before;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(output_replace(path, write_text, "x", &e), -ENXIO);
	assert_non_null(strstr(e.text, "no process reads it"));
	int reader = open(path, O_RDWR | O_NONBLOCK);
	char back[8] = "";
	assert_int_equal(output_replace(path, write_text, "pipe", &e), 0);
	assert_int_equal(read(reader, back, sizeof(back)), 4);
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, &before);
	raise(SIGTERM);
	assert_int_equal(output_replace(path, write_text, "fits", &e), 0);
	assert_int_equal(output_replace(path, write_much, NULL, &e), -EINTR);
	assert_int_equal(sigwaitinfo(&held, NULL), SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(reader);
}

/* What a killed writer left is neither written to nor followed, and removed if it is a file. */
static void a_leftover_is_not_written_to(void **state)
{
	struct err e = {0};
	char left[160], other[160];
	snprintf(left, sizeof(left), "%s/.epolltune-0", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	int (*const write[])(const char *, output_writer, void *, struct err *) = {output_write,
										   output_replace};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(write[i](path, write_text, "first", &e), 0);
		assert_content("first");
		assert_int_equal(link(path, left), 0);
		assert_int_equal(write[i](path, fail_half_way, "second", &e), -ENOMEM);
		assert_content("first");
		assert_int_equal(files(), 1);
		assert_int_equal(symlink("other", left), 0);
		assert_int_equal(write[i](path, write_text, "third", &e), 0);
		assert_content("third");
		assert_int_equal(access(other, F_OK), -1);
		assert_int_equal(unlink(left), 0);
		assert_int_equal(files(), 1);
	}
}

static void leftovers_of_any_number_are_removed(void **state)
{
	static const unsigned numbers[] = {1, 5, 99};
	struct err e = {0};
	char left[160];
	for (size_t i = 0; i < 3; i++) {
		snprintf(left, sizeof(left), "%s/.epolltune-%u", directory, numbers[i]);
		file_write(left, "torn");
	}
	assert_int_equal(output_replace(path, write_text, "whole", &e), 0);
	assert_content("whole");
	assert_int_equal(files(), 1);
}

static void names_that_are_taken_are_the_reason(void **state)
{
	struct err e = {0};
	char left[160];
	for (unsigned i = 0; i < 100; i++) {
		snprintf(left, sizeof(left), "%s/.epolltune-%u", directory, i);
		assert_int_equal(mkdir(left, 0700), 0);
	}
	assert_int_equal(output_write(path, write_text, "x", &e), -EBUSY);
	assert_non_null(strstr(e.text, ".epolltune-0 to .epolltune-99"));
}

/* Another writer comes when half is written, and another ends before it. */
static int write_halves(FILE *out, void *arg, struct err *e)
{
	fputs("half ", out);
	fflush(out);
	assert_int_equal(output_replace(path, fail_half_way, "x", e), -ENOMEM);
	assert_int_equal(output_replace(path, write_text, "whole", e), 0);
	assert_content("whole");
	assert_int_equal(output_write(path, write_text, "durable", e), 0);
	assert_content("durable");
	fputs(arg, out);
	return 0;
}

static void writers_at_once_have_files_of_their_own(void **state)
{
	struct err e = {0};
	assert_int_equal(output_replace(path, write_halves, "and half", &e), 0);
	assert_content("half and half");
	assert_int_equal(output_write(path, write_halves, "and half", &e), 0);
	assert_content("half and half");
	assert_int_equal(files(), 1);
}

static void works_in_the_current_directory(void **state)
{
	struct err e = {0};
	char before[4096];
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(directory), 0);
	int status = output_write("report.json", write_text, "here", &e);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(status, 0);
	assert_content("here");
	assert_int_equal(files(), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_heeds_the_umask),
		TEST(a_failure_leaves_the_old_file),
		TEST(a_full_disk_leaves_the_old_file),
		TEST(a_signal_waits),
		TEST(what_is_no_file_is_spared),
		TEST(a_file_that_appears_is_not_replaced),
		TEST(a_signal_ends_the_wait_for_a_reader),
		TEST(a_brief_writer_waits_for_no_reader),
		TEST(works_in_the_current_directory),
		TEST(a_leftover_is_not_written_to),
		TEST(leftovers_of_any_number_are_removed),
		TEST(names_that_are_taken_are_the_reason),
		TEST(writers_at_once_have_files_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
