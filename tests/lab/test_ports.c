/* What the probe ports leaves in its lab. */
#include "../support/support.h"

#include <stdlib.h>
#include <string.h>

#include "epolltune/churn.h"
#include "epolltune/cleanup.h"
#include "epolltune/probe.h"
#include "judge/proof.h"

#define DIRECTORY "proc/sys/net/ipv4/"
#define RESERVED DIRECTORY "ip_local_reserved_ports"

static const char *const changed[] = {DIRECTORY "ip_local_port_range", RESERVED,
				      DIRECTORY "tcp_tw_reuse", DIRECTORY "tcp_max_tw_buckets"};
#define CHANGED (sizeof(changed) / sizeof(*changed))

/* In the lab's memory. */
struct knobs {
	char text[CHANGED][256];
};

static int reserve(struct host *h, void *arg, struct err *e)
{
	return host_write(h, RESERVED, "20010-20019,45000", e);
}

static int read_all(struct host *h, void *arg, struct err *e)
{
	struct knobs *k = arg;
	for (size_t i = 0; i < CHANGED; i++)
		if (host_read(h, changed[i], k->text[i], sizeof(k->text[i]), e) < 0)
			return -e->code;
	return 0;
}

/* Connections on 64 ports, by the rows of the tables. */
static const double held[] = {128, 128, 64, 64, 0}, closed[] = {64, 128, 128, 128, 128, 128, 64, 0};

static void remedies_are(const struct finding *f, const double *expected)
{
	size_t i = 0;
	for (; expected[i] > 0; i++)
		if (i >= f->table.row_count || f->table.row[i].value[0] != expected[i])
			fail_msg("row %zu (%s): %g", i, f->table.row[i].name,
				 f->table.row[i].value[0]);
	assert_int_equal(f->table.row_count, i);
}

static void other_knobs_of_the_lab_are_restored(void **state)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	CLEAN(lab_closep) struct lab *lab = NULL;
	const struct probe *p = probe_find("ports");
	CLEAN(free_pointer) struct context *context = calloc(1, p->context_size);
	CLEAN(free_pointer) struct finding *f = calloc(1, sizeof(*f));
	const struct target target = target_default();
	const struct probe_options options = {0};
	assert_int_equal(host_open(&h, "/", &e), 0);
	if (lab_open(&lab, &p->lab, h, &e))
		skip_because("%s", e.text);
	struct trial t = {
		.target = &target, .options = &options, .host = h, .lab = lab, .context = context};
	struct knobs *before = lab_alloc(lab, sizeof(*before), &e),
		     *after = lab_alloc(lab, sizeof(*after), &e);
	assert_true(before && after);
	assert_int_equal(lab_call(lab, LAB_CLIENT, reserve, NULL, &e), 0);
	assert_int_equal(lab_call(lab, LAB_CLIENT, read_all, before, &e), 0);
	assert_string_equal(before->text[1], "20010-20019,45000");
	assert_int_equal(p->prepare(&t, &e), 0);
	trial_keep(&t);
	for (const struct experiment *x = p->experiments; x->wall; x++) {
		struct settings s = {0};
		for (size_t i = 0; i < SETTINGS_MAX; i++)
			s.at[i][0] = s.at[i][1] = s.at[i][2] = REPORT_NONE;
		if (!x->alternatives)
			continue;
		if (trial_end(&t, x->alternatives(&t, &s, f, &e), &e))
			fail_msg("%s", e.text);
		remedies_are(f, strcmp(x->wall, "ports.rate") != 0 ? held : closed);
	}
	assert_int_equal(lab_call(lab, LAB_CLIENT, read_all, after, &e), 0);
	for (size_t i = 0; i < CHANGED; i++)
		assert_string_equal(after->text[i], before->text[i]);
}

static void bounded_churn_takes_its_time(void **state)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	CLEAN(lab_closep) struct lab *lab = NULL;
	const struct lab_options options = {.client_addresses = 1};
	const struct churn_config config = {.close = CHURN_RESET, .max = 100, .max_per_s = 500};
	struct churn_result r;
	assert_int_equal(host_open(&h, "/", &e), 0);
	if (lab_open(&lab, &options, h, &e))
		skip_because("%s", e.text);
	if (churn_run(lab, &config, &r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(r.connections, 100);
	assert_true(r.elapsed_ns >= UINT64_C(99) * 1000000000 / 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_knobs_of_the_lab_are_restored),
		cmocka_unit_test(bounded_churn_takes_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
