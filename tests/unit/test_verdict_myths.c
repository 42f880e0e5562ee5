/* The running values that probe myths reports, and the defaults that it proposes. */
#define probe_myths myths_under_test
#include "../../probes/myths.c"
#include "../support/support.h"
#include "../support/verdict.h"

#define NOTE LEVEL_NOTE
#define WARN LEVEL_WARNING

/* Values on a machine with 16 GiB and Linux 6.18, unless a row has others. */
static const struct row {
	const char *knob, *value;
	unsigned kernel;       /* 0: 6.18 */
	int64_t ehash_entries; /* 0: unknown */
	int64_t overflow;      /* the counter plus one; 0: unknown */
	bool no_memory;
	enum finding_level level; /* of the finding; LEVEL_SKIPPED: there is none */
	const char *proposed;
} rows[] = {
	{"net.ipv4.tcp_tw_recycle", "1", KERNEL(4, 11), 0, 0, false, WARN, "0"},
	{"net.ipv4.tcp_tw_recycle", "0", KERNEL(4, 11), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_tw_recycle", "1", KERNEL(4, 12), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_low_latency", "1", KERNEL(4, 14), 0, 0, false, NOTE, "0"},
	{"net.ipv4.tcp_low_latency", "1", KERNEL(4, 13), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_low_latency", "0", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_fack", "1", KERNEL(4, 15), 0, 0, false, NOTE, "0"},
	{"net.ipv4.tcp_fack", "1", KERNEL(4, 14), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_adv_win_scale", "2", KERNEL(6, 6), 0, 0, false, NOTE, "1"},
	{"net.ipv4.tcp_adv_win_scale", "-2", 0, 0, 0, false, NOTE, "1"},
	{"net.ipv4.tcp_adv_win_scale", "1", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_adv_win_scale", "2", KERNEL(6, 5), 0, 0, false, LEVEL_SKIPPED, ""},
	/* 16 GiB are 4 194 304 pages. */
	{"net.ipv4.tcp_mem", "8388608 12582912 16777216", 0, 0, 0, false, WARN,
	 "196608 262144 393216"},
	{"net.ipv4.tcp_mem", "196608 262144 4194304", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_mem", "8388608 12582912 16777216", 0, 0, 0, true, LEVEL_SKIPPED, ""},
	{"fs.file-max", "100000", 0, 0, 0, false, NOTE, ""},
	{"fs.file-max", "838860", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"fs.file-max", "9223372036854775807", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"fs.file-max", "100000", 0, 0, 0, true, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_max_tw_buckets", "5000", 0, 262144, 0, false, NOTE, "131072"},
	{"net.ipv4.tcp_max_tw_buckets", "5000", 0, 262144, 1, false, NOTE, "131072"},
	{"net.ipv4.tcp_max_tw_buckets", "5000", 0, 262144, 2, false, WARN, "131072"},
	/* A negative value: the table belongs to the machine. */
	{"net.ipv4.tcp_max_tw_buckets", "131071", 0, -262144, 0, false, NOTE, "131072"},
	{"net.ipv4.tcp_max_tw_buckets", "131072", 0, -262144, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_max_tw_buckets", "5000", KERNEL(5, 15), 0, 0, false, NOTE, ""},
	{"net.ipv4.tcp_max_tw_buckets", "5001", KERNEL(5, 15), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.core.rmem_default", "1048576", 0, 0, 0, false, NOTE, "212992"},
	{"net.core.rmem_default", "1048575", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.core.wmem_default", "16777216", 0, 0, 0, false, NOTE, "212992"},
	{"net.ipv4.tcp_rmem", "4096 1048576 6291456", 0, 0, 0, false, NOTE, "4096 131072 6291456"},
	{"net.ipv4.tcp_rmem", "4096 1048576 6291456", KERNEL(4, 19), 0, 0, false, NOTE,
	 "4096 87380 6291456"},
	{"net.ipv4.tcp_rmem", "4096 131072 33554432", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_wmem", "4096 12582912 16777216", 0, 0, 0, false, NOTE,
	 "4096 16384 16777216"},
	{"net.core.somaxconn", "65536", KERNEL(4, 0), 0, 0, false, WARN, "65535"},
	{"net.core.somaxconn", "65535", KERNEL(4, 0), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.core.somaxconn", "65536", KERNEL(4, 1), 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_timestamps", "0", 0, 0, 0, false, NOTE, "1"},
	{"net.ipv4.tcp_timestamps", "1", 0, 0, 0, false, LEVEL_SKIPPED, ""},
	{"net.ipv4.tcp_timestamps", "damaged", 0, 0, 0, false, LEVEL_SKIPPED, ""},
};

static const struct myth *myth_of(const char *knob)
{
	for (size_t i = 0; i < myth_count(); i++)
		for (size_t k = 0; k < 3 && myth_at(i)->knobs[k]; k++)
			if (!strcmp(myth_at(i)->knobs[k], knob))
				return myth_at(i);
	fail_msg("no myth about %s", knob);
	return NULL;
}

static const struct report *judge_row(const struct row *row)
{
	static struct report r;
	struct sample s = {.count = 1};
	struct moment m = {0};
	s.machine = (struct machine){
		.memory_bytes = row->no_memory ? 0 : UINT64_C(16) << 30,
		.page_bytes = 4096,
		.kernel = row->kernel ? row->kernel : KERNEL(6, 18),
		.ehash_entries = row->ehash_entries,
		.time_wait_overflow = row->overflow - 1,
	};
	s.at[0] = (struct value){.myth = myth_of(row->knob), .knob = row->knob};
	snprintf(s.at[0].text, sizeof(s.at[0].text), "%s", row->value);
	report_init(&r);
	observation.judge(&s, &s, &m, &r);
	return &r;
}

static void each_value_gets_its_finding(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		const struct report *r = judge_row(row);
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		if (!f != (row->level == LEVEL_SKIPPED))
			fail_msg("row %zu: %s=%s: %s", i, row->knob, row->value,
				 f ? f->title : "no finding");
		if (!f)
			continue;
		const struct proposal *p = finding_knob(f);
		if (f->level != row->level || strcmp(p->knob, row->knob) != 0 ||
		    strcmp(p->current, row->value) != 0 || strcmp(p->proposed, row->proposed) != 0)
			fail_msg("row %zu: %s %s -> %s, %s", i, p->knob, p->current, p->proposed,
				 finding_level_name(f->level));
		assert_string_equal(f->id, "knob.myth");
		assert_int_equal(f->remedy, REMEDY_KERNEL);
		assert_int_equal(f->tried, row->proposed[0] ? TRIED_NOT : TRIED_NONE);
		assert_int_equal(f->evidence_count, row->overflow > 0);
		assert_null(strchr(f->advice, '{'));
	}
}

static void the_advice_is_a_command(void **state)
{
	static const struct {
		struct row row;
		const char *command;
	} commands[] = {
		{{.knob = "net.ipv4.tcp_timestamps", .value = "0"},
		 "epolltune apply --only net.ipv4.tcp_timestamps --set net.ipv4.tcp_timestamps=1"},
		{{.knob = "net.ipv4.tcp_adv_win_scale", .value = "2"},
		 "epolltune apply --only net.ipv4.tcp_adv_win_scale --set net.ipv4.tcp_adv_win_scale=1 --allow-lower"},
		{{.knob = "net.ipv4.tcp_mem", .value = "8388608 12582912 16777216"},
		 "epolltune apply --only net.ipv4.tcp_mem --set 'net.ipv4.tcp_mem=196608 262144 393216' --allow-lower"},
		/* The table of knobs lacks this one. */
		{{.knob = "net.ipv4.tcp_fack", .value = "1"}, "sysctl -w net.ipv4.tcp_fack=0"},
		{{.knob = "net.ipv4.tcp_max_tw_buckets", .value = "5000"},
		 "Remove the setting from its file: epolltune lint names it. More: epolltune explain "
		 "tcp_max_tw_buckets-5000"},
	};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const char *advice = judge_row(&commands[i].row)->findings[0].advice;
		/* At its end: what follows would be pasted with it. */
		size_t length = strlen(commands[i].command), all = strlen(advice);
		if (all < length || strcmp(advice + all - length, commands[i].command) != 0)
			fail_msg("%s", advice);
	}
}

/* 16 GiB hold 10 000 connections of 1 MiB, not of 12. */
static void what_the_memory_cannot_hold_is_a_warning(void **state)
{
	const struct target t = {.connections = 10000};
	static const struct {
		const char *value;
		bool no_memory;
		const char *findings;
	} cases[] = {
		{"4096 1048576 16777216", false, "knob.myth note"},
		{"4096 12582912 16777216", false, "knob.myth warning"},
		{"4096 12582912 16777216", true, "knob.myth note"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static struct report r;
		struct sample s = {.count = 1};
		s.machine = (struct machine){.memory_bytes =
						     cases[i].no_memory ? 0 : UINT64_C(16) << 30,
					     .kernel = KERNEL(6, 18)};
		s.at[0] = (struct value){.myth = myth_of("net.ipv4.tcp_rmem"),
					 .knob = "net.ipv4.tcp_rmem"};
		snprintf(s.at[0].text, sizeof(s.at[0].text), "%s", cases[i].value);
		report_init(&r);
		observation.judge(&s, &s, &(struct moment){.target = &t}, &r);
		findings_are(cases[i].value, &r, cases[i].findings);
		assert_non_null(strstr(r.findings[0].advice, "--allow-lower"));
	}
}

/* Lowering it does nothing for a server that runs. */
static void a_smaller_start_of_buffers_needs_a_restart(void **state)
{
	static const struct row starts[] = {
		{.knob = "net.ipv4.tcp_rmem", .value = "4096 1048576 6291456"},
		{.knob = "net.ipv4.tcp_wmem", .value = "4096 1048576 4194304"},
	};
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		const char *detail = judge_row(&starts[i])->findings[0].detail;
		if (!strstr(detail, "Restart the server after lowering it"))
			fail_msg("%s: %s", starts[i].knob, detail);
	}
}

/* What has no reason of its own prints what explain prints. */
static void each_myth_that_is_found_has_a_reason(void **state)
{
	for (size_t i = 0; i < myth_count(); i++) {
		const struct myth *m = myth_at(i);
		assert_non_null(myth_reason(m));
		if (m->reason && strcmp(m->reason, m->truth) == 0)
			fail_msg("%s: the reason is the truth", m->name);
	}
	assert_string_equal(
		judge_row(&(struct row){.knob = "net.ipv4.tcp_timestamps", .value = "0"})
			->findings[0]
			.detail,
		myth_of("net.ipv4.tcp_timestamps")->truth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_gets_its_finding),
		cmocka_unit_test(the_advice_is_a_command),
		cmocka_unit_test(what_the_memory_cannot_hold_is_a_warning),
		cmocka_unit_test(a_smaller_start_of_buffers_needs_a_restart),
		cmocka_unit_test(each_myth_that_is_found_has_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
