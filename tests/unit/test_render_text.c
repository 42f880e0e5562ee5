/* Compares the text renderer with golden texts. RENDER_GOLDEN=write updates them: review the diff.
 */
#include "../support/support.h"
#include "report/render.h"
#include "sample_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *render(const struct report *r, const struct render_style *style)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	struct err e = {0};
	if (render_text(out, r, style, &e))
		fail_msg("%s", e.text);
	fclose(out);
	return text;
}

static void compare(const struct report *r, const char *name, struct render_style style)
{
	char path[128], golden[16384];
	snprintf(path, sizeof(path), "tests/unit/golden/%s", name);
	char *text = render(r, &style);
	const char *mode = getenv("RENDER_GOLDEN");
	if (mode && strcmp(mode, "write") == 0) {
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		fputs(text, out);
		fclose(out);
	}
	FILE *in = fopen(path, "r");
	if (!in)
		fail_msg("%s is missing", path);
	size_t length = fread(golden, 1, sizeof(golden) - 1, in);
	golden[length] = 0;
	fclose(in);
	assert_string_equal(text, golden);
	free(text);
}

static size_t columns(const char *line, size_t length)
{
	size_t n = 0;
	for (size_t i = 0; i < length; i++)
		n += ((unsigned char)line[i] & 0xc0) != 0x80;
	return n;
}

/* No line beyond the width, none with blanks at its end. */
static void check_lines(const char *text, size_t width)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		if (columns(text, length) > width)
			fail_msg("wider than %zu: %.*s", width, (int)length, text);
		if (length && text[length - 1] == ' ')
			fail_msg("blank at the end: %.*s|", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static void golden_texts(void **state)
{
	struct report r;
	sample_short(&r);
	compare(&r, "short-60.txt", (struct render_style){false, 60, true, false});
	compare(&r, "short-80.txt", (struct render_style){false, 80, true, false});
	compare(&r, "short-120.txt", (struct render_style){false, 120, true, false});
	compare(&r, "short-80-ascii.txt", (struct render_style){false, 80, false, false});
	compare(&r, "short-80-color.txt", (struct render_style){true, 80, true, false});
	sample_healthy(&r);
	compare(&r, "healthy-80.txt", (struct render_style){false, 80, true, false});
	sample_observed(&r);
	compare(&r, "observed-80.txt", (struct render_style){false, 80, true, false});
	sample_unknown(&r);
	compare(&r, "unknown-80.txt", (struct render_style){false, 80, true, false});
}

static void fits_its_width(void **state)
{
	struct report r;
	void (*const samples[])(struct report * r) = {sample_short, sample_healthy, sample_observed,
						      sample_unknown};
	for (size_t i = 0; i < 4; i++)
		for (unsigned width = 60; width <= 140; width++)
			for (int utf8 = 0; utf8 < 2; utf8++) {
				samples[i](&r);
				char *text = render(
					&r, &(struct render_style){false, width, utf8, false});
				check_lines(text, width < 100 ? width : 100);
				free(text);
			}
}

/* The first line goes on below its beginning, and the table leaves out what does not fit. */
static void a_narrow_page_wraps_and_leaves_out(void **state)
{
	struct report r;
	sample_short(&r);
	struct wall *w = report_wall(&r, "memory.connection");
	w->verdict = VERDICT_UNKNOWN;
	w->limit = INT64_C(1) << 40;
	w->needed = INT64_C(36) << 20;
	w->needed_max = INT64_C(75) << 20;
	report_wall(&r, "application.connections")->verdict = VERDICT_UNKNOWN;
	report_text(r.host.kernel, "6.18.44-of-a-provider");
	char *text = render(&r, &(struct render_style){false, 60, true, false});
	check_lines(text, 60);
	assert_non_null(strstr(text, "\n  2 CPUs · 23.5 GiB\n"));
	assert_null(strstr(text, "BASIS"));
	assert_non_null(strstr(text, " 36 to 75 MiB unknown"));
	free(text);
	text = render(&r, &(struct render_style){false, 80, true, false});
	assert_non_null(strstr(text, "BASIS"));
	free(text);
}

/* The command that the report ends with asks the same question, on a line of its own if it is long.
 */
static void the_hint_repeats_the_question(void **state)
{
	struct report r;
	sample_short(&r);
	r.backlog = 511;
	char *text = render(&r, &(struct render_style){false, 80, true, false});
	assert_non_null(strstr(text, "\nTo see the changes:\n  epolltune apply --rate 50k --server "
				     "nginx --backlog 511 --dry-run\n"));
	free(text);
	/* apply runs there, and changes only what that namespace has of its own. */
	report_text(r.enter, "nsenter --net=/proc/7/ns/net");
	text = render(&r, &(struct render_style){false, 80, true, false});
	assert_non_null(strstr(text, "\nTo see the changes:\n  nsenter --net=/proc/7/ns/net "
				     "epolltune apply --rate 50k --server "));
	free(text);
	const struct report own = r;
	for (size_t i = 0; i < r.finding_count; i++)
		for (size_t k = 0; k < r.findings[i].proposal_count; k++)
			report_text(r.findings[i].proposals[k].knob, "net.ipv4.tcp_mem");
	text = render(&r, &(struct render_style){false, 80, true, false});
	assert_null(strstr(text, "epolltune apply"));
	free(text);
	r = own;
	r.enter[0] = 0;
	r.server.asked[0] = 0;
	report_text(r.probes, "accept-queue");
	text = render(&r, &(struct render_style){false, 80, true, false});
	assert_non_null(strstr(text,
			       "\nTo see the changes:\n  epolltune apply --rate 50k --backlog "
			       "511 --probe accept-queue --dry-run\n"));
	free(text);
	/* A name may have what marks others as cut. */
	report_text(r.server.asked, "unix:/run/a….sock");
	text = render(&r, &(struct render_style){false, 80, true, false});
	assert_non_null(strstr(text, " --server 'unix:/run/a….sock' "));
	free(text);
}

/* What is wrapped cannot be pasted; the sentences around it are wrapped as ever. */
static void commands_are_not_wrapped(void **state)
{
	static const char *const commands[] = {
		("epolltune apply --only net.ipv4.tcp_rmem --set 'net.ipv4.tcp_rmem=4096 131072 "
		 "8388608' --allow-lower"),
		"epolltune explain tcp_rmem-starts-with-megabytes",
		"sysctl -w net.ipv4.tcp_fack=0",
		("(d=/etc/systemd/system/nginx.service.d; mkdir -p $d && printf "
		 "'[Service]\\nLimitNOFILE=16384:524288\\n' >$d/zz-LimitNOFILE.conf && systemctl "
		 "daemon-reload && systemctl restart nginx.service)"),
	};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		for (unsigned width = 60; width <= 100; width++) {
			struct report r;
			sample_short(&r);
			report_text(r.findings[0].advice,
				    "To set the kernel's default: %s and then epolltune measures "
				    "the clients' side in a lab of its own",
				    commands[i]);
			char *text = render(&r, &(struct render_style){false, width, true, false});
			assert_non_null(strstr(text, commands[i]));
			const char *rest = strstr(text, commands[i]) + strlen(commands[i]);
			check_lines(rest + strspn(rest, " "), width);
			free(text);
		}
}

static void has(const struct report *r, const char *line)
{
	char *text = render(r, &(struct render_style){false, 100, true, false});
	if (!strstr(text, line))
		fail_msg("no \"%s\" in:\n%s", line, text);
	free(text);
}

static void lacks(const struct report *r, const char *line)
{
	char *text = render(r, &(struct render_style){false, 100, true, false});
	if (strstr(text, line))
		fail_msg("\"%s\" in:\n%s", line, text);
	free(text);
}

static void one_connection_is_singular(void **state)
{
	static struct report r;
	sample_short(&r);
	r.target.connections = 1;
	has(&r, "Target: 1 connection · ");
}

/* What apply cannot change is not called a change. */
static void the_hint_names_manual_steps(void **state)
{
	struct report r;
	sample_short(&r);
	report_text(r.further, " --family 6");
	has(&r, "\nTo see the changes: epolltune apply --rate 50k --server nginx --family 6 "
		"--dry-run\n");
	for (size_t i = 0; i < r.finding_count; i++)
		for (size_t k = 0; k < r.findings[i].proposal_count; k++)
			report_text(r.findings[i].proposals[k].knob, "listen.backlog");
	has(&r, "\nFor the manual steps: epolltune apply --rate 50k --server nginx --family 6 "
		"--dry-run\n");
	/* A list that does not fit would ignore less. */
	r.cut = !report_text(r.ignored, "%0300d", 1);
	lacks(&r, "epolltune apply");
}

/* A check of something else does not show the notes of this one. */
static void the_notes_are_of_the_same_check(void **state)
{
	struct report r;
	sample_observed(&r);
	report_text(r.command, "epolltune check --quick --sysroot cap.tar.gz");
	has(&r, "\nFor the notes: epolltune check --quick --sysroot cap.tar.gz --verbose\n");
	r.command[0] = 0;
	lacks(&r, "For the notes");
}

static void the_role_of_a_known_proxy_is_observed(void **state)
{
	struct report r;
	sample_observed(&r);
	has(&r, "--role (proxy if");
	r.server.proxy = true;
	lacks(&r, "--role (proxy if");
}

static void a_saved_target_is_named(void **state)
{
	struct report r;
	sample_healthy(&r);
	lacks(&r, "Saved");
	report_text(r.stored, "./a b");
	report_text(r.stored_as, "./a b");
	has(&r, "\nSaved as ./a b. Use it with: epolltune check --target './a b'\nReady");
}

static void ascii_is_ascii(void **state)
{
	struct report r;
	sample_short(&r);
	char *text = render(&r, &(struct render_style){false, 80, false, false});
	for (const char *c = text; *c; c++)
		assert_true((unsigned char)*c < 0x80);
	free(text);
}

static void strip(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (*text == '\033')
			text += strcspn(text, "m");
		else
			*to++ = *text;
	}
	*to = 0;
}

static void color_changes_no_text(void **state)
{
	struct report r;
	void (*const samples[])(struct report * r) = {sample_short, sample_healthy, sample_unknown};
	for (size_t i = 0; i < 3; i++)
		for (unsigned width = 60; width <= 120; width += 20) {
			samples[i](&r);
			char *plain = render(&r, &(struct render_style){false, width, true, false});
			char *color = render(&r, &(struct render_style){true, width, true, false});
			assert_string_not_equal(plain, color);
			strip(color);
			assert_string_equal(plain, color);
			free(plain);
			free(color);
		}
}

static void hostile_text_stays_text(void **state)
{
	struct report r;
	sample_hostile(&r);
	for (int utf8 = 0; utf8 < 2; utf8++) {
		char *text = render(&r, &(struct render_style){false, 80, utf8, false});
		assert_null(strchr(text, '\033'));
		assert_null(strchr(text, '\a'));
		assert_null(strstr(text, "\xff"));
		free(text);
	}
}

static void a_full_disk_is_told(void **state)
{
	struct report r;
	sample_short(&r);
	FILE *full = fopen("/dev/full", "w");
	if (!full)
		skip_because("no /dev/full");
	struct err e = {0};
	struct render_style style = {false, 80, true, false};
	assert_true(render_text(full, &r, &style, &e) < 0);
	assert_string_equal(e.text, "cannot write the report: No space left on device");
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_texts),
		cmocka_unit_test(fits_its_width),
		cmocka_unit_test(a_narrow_page_wraps_and_leaves_out),
		cmocka_unit_test(the_hint_repeats_the_question),
		cmocka_unit_test(commands_are_not_wrapped),
		cmocka_unit_test(one_connection_is_singular),
		cmocka_unit_test(the_hint_names_manual_steps),
		cmocka_unit_test(the_notes_are_of_the_same_check),
		cmocka_unit_test(the_role_of_a_known_proxy_is_observed),
		cmocka_unit_test(a_saved_target_is_named),
		cmocka_unit_test(ascii_is_ascii),
		cmocka_unit_test(color_changes_no_text),
		cmocka_unit_test(hostile_text_stays_text),
		cmocka_unit_test(a_full_disk_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
