/* capture: writes what --sysroot reads of this machine into an archive. */
#include "host/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/shell.h"
#include "check/check.h"
#include "commands/command.h"
#include "commands/target_options.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/knob_value.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"
#include "report/output.h"
#include "report/table.h"

#define DEFAULT_NAME "epolltune-capture.tar.gz"
#define WINDOW_US 1000000
/* Of more interfaces only those that a check reads are captured. */
#define INTERFACES 64

struct arguments {
	struct check_options check;
	const char *output;
	uint64_t window_us;
	bool addresses;
};
#define AT(member) OPTION_AT(struct arguments, member)

static const struct option_row options[] = {
	{"server", "WHO", "capture the limits of this server, in its network namespace",
	 AT(check.server), TEXT(NULL)},
	{"output", "FILE", "write the archive to FILE, atomically (" DEFAULT_NAME ")", AT(output),
	 TEXT_OF(FILES), .writes = true},
	{"window", "TIME", "time between the two samples", AT(window_us),
	 NUMBER(DURATION, WINDOW_MIN_US, HOUR_US)},
	{"netns", "PATH|PID", "capture another network namespace: path, name or pid",
	 AT(check.netns), TEXT(NULL)},
	{"addresses", NULL, "keep network addresses and the name of the host", AT(addresses), FLAG},
	{0},
};

/* What only `list` and `explain` read. */
static void rest_read(const struct host *h)
{
	CLEAN(nics_freep) struct nics n = {0};
	char value[KNOB_VALUE];
	for (size_t i = 0; i < knob_count(); i++)
		knob_read(knob_at(i), h, value, NULL);
	if (nics_read(h, NIC_STATISTICS, &n, NULL) || n.count > INTERFACES)
		return;
	nics_free(&n);
	nics_read(h, NIC_ALL, &n, NULL);
}

/* What a check reads of a captured machine, and of the running one, is then in the capture: the
 * probes are the list of its files. */
static int sample_take(const struct arguments *a, struct host *live,
		       const struct capture_options *o, struct capture **out, struct err *e)
{
	CLEAN(free_pointer) struct report *report = calloc(1, sizeof(*report));
	CLEAN(host_closep) struct host *h = NULL;
	struct check_options check = a->check;
	int rc = report ? capture_make(out, e) : err_set(e, ENOMEM, "report: out of memory");
	if (!rc)
		rc = capture_fill(&h, *out, live, o, e);
	/* The probes are to read all that any option asks for. */
	check.server = NULL;
	check.probe.peers = 1;
	check.target.datagrams_per_s = 1;
	check.target.idle_us = 1;
	if (!rc)
		rc = check_inspect(&check, h, report, e);
	if (!rc)
		rest_read(h);
	host_shadow(live, rc ? NULL : h);
	if (!rc)
		rc = check_inspect(&check, live, report, e);
	host_shadow(live, NULL);
	return rc;
}

static int about_put(time_t when, struct capture *c, struct err *e)
{
	char stamp[REPORT_STAMP], text[256];
	int n = snprintf(
		text, sizeof(text),
		"epolltune %s\ncaptured %s\nread it with: epolltune check --sysroot FILE\n",
		EPOLLTUNE_VERSION, report_stamp(when, stamp));
	const struct capture_file f = {.data = text, .size = (size_t)n};
	return capture_put(c, "about", &f, e);
}

/* Both samples in one capture. */
static int capture_take(const struct arguments *a, struct capture **out, struct err *e)
{
	CLEAN(subject_free) struct subject subject = {0};
	CLEAN(host_closep) struct host *live = NULL;
	CLEAN(capture_free) struct capture *first = NULL;
	char enter[REPORT_ENTER] = "";
	int rc = check_open(&a->check, &live, &subject, enter, e);
	const struct capture_options o = {.addresses = a->addresses,
					  .server = a->check.server ? &subject : NULL};
	if (!rc)
		rc = sample_take(a, live, &o, &first, e);
	if (!rc) {
		clock_sleep_us(a->window_us);
		rc = sample_take(a, live, &o, out, e);
	}
	if (!rc)
		rc = capture_join(*out, first, e);
	if (!rc && o.server)
		rc = subject_capture(live, o.server, *out, e);
	if (!rc)
		rc = capture_list_left_out(*out, e);
	return rc ? rc : about_put(time(NULL), *out, e);
}

struct writing {
	const struct capture *capture;
	char directory[64];
	time_t when;
};

static int capture_write_to(FILE *out, void *arg, struct err *e)
{
	const struct writing *w = arg;
	return capture_write(w->capture, w->directory, w->when, out, e);
}

static const char *note_of(const struct capture_file *f)
{
	if (f->error)
		return capture_left_out_reason(f->error);
	bool earlier = !strncmp(f->path, CAPTURE_EARLIER, strlen(CAPTURE_EARLIER));
	return f->hidden
		       ? (earlier ? "first sample, private data replaced" : "private data replaced")
		       : (earlier ? "first sample" : "");
}

static int contents_print(const struct capture *c, FILE *out, struct err *e)
{
	static const struct table_column columns[] = {
		{"FILE", TABLE_LEFT}, {"BYTES", TABLE_RIGHT}, {"", TABLE_LEFT}, {0}};
	struct table t = {.columns = columns, .gap = "  "};
	for (size_t i = 0; i < c->count; i++) {
		const struct capture_file *f = &c->at[i];
		table_row(&t);
		table_cell(&t, "%s%s", f->path, f->kind == CAPTURE_DIRECTORY ? "/" : "");
		if (f->kind == CAPTURE_DIRECTORY || f->error)
			table_cell(&t, "%s", "");
		else
			table_cell(&t, "%zu", f->size);
		table_cell(&t, "%s", note_of(f));
	}
	return table_print(&t, out, e);
}

/* An archive may be the only one of a machine that was in trouble. */
static int output_unused(const char *path, struct err *e)
{
	if (!strcmp(path, "-") && isatty(1))
		return err_set(e, EINVAL,
			       "capture: standard output is a terminal; give --output FILE");
	return output_check_new(path, e);
}

static int capture(void *arguments, const struct given *given)
{
	const struct arguments *a = arguments;
	const char *path = a->output ? a->output : DEFAULT_NAME;
	bool piped = !strcmp(path, "-");
	CLEAN(capture_free) struct capture *c = NULL;
	struct writing w = {.when = time(NULL)};
	struct tm now;
	struct err e = {0};
	if (given_check(given, 0, &e) || output_unused(path, &e) || capture_take(a, &c, &e))
		return command_error(&e);
	w.capture = c;
	strftime(w.directory, sizeof(w.directory), CAPTURE_NAME "%Y%m%dT%H%M%SZ",
		 gmtime_r(&w.when, &now));
	if (output_create(path, capture_write_to, &w, &e))
		return command_error(&e);
	FILE *out = piped ? stderr : stdout;
	char word[PATH_MAX];
	shell_word(word, sizeof(word), path);
	if (contents_print(c, out, &e))
		return command_error(&e);
	if (!piped)
		printf("\nWrote %s: %s%s. Read it with: epolltune check --sysroot %s\n", path,
		       quantity_of(c->count, "file").text,
		       a->addresses ? ""
				    : ", without addresses, the name of the host "
				      "and command lines",
		       word);
	return EXIT_OK;
}

static const struct arguments defaults = {
	.check = {.target = TARGET_DEFAULT},
	.window_us = WINDOW_US,
};

const struct command capture_command = {
	.name = "capture",
	.arguments = "",
	.summary = "Write what a check reads of this machine into an archive",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = capture,
};
