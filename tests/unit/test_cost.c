/* Whether an experiment fits into a machine and a control group. */
#include "../support/support.h"

#include <string.h>

#include "judge/cost.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const struct machine small = {
	.memory_bytes = GIB, .room_bytes = 600 * MIB, .page_bytes = 4096};
static const struct machine large = {
	.memory_bytes = 16 * GIB, .room_bytes = 12 * GIB, .page_bytes = 4096};
/* A container of a large machine. */
static const struct machine cramped = {
	.memory_bytes = 16 * GIB, .room_bytes = 40 * MIB, .page_bytes = 4096};
static const struct machine in_use = {
	.memory_bytes = GIB, .room_bytes = 600 * MIB, .page_bytes = 4096, .tcp_pages = 16000};
static const struct machine unknown = {.tcp_pages = -1};

/* 4 flows at 1.5 × 100 Mbit/s over 50 ms, the default; 2 at 1.5 × 1 Gbit/s over 100 ms. */
#define USUAL 3750000
#define FAST 37500000

static const struct {
	const char *name;
	const struct machine *machine;
	struct cost cost;
	bool gentle;
	const char *why; /* a part; "": it fits */
} rows[] = {
	{"few clients", &small, {.clients = 1000}, false, ""},
	{"more than it sends",
	 &large,
	 {.clients = 5000, .clients_max = 4000},
	 false,
	 "at most 4 000 clients"},
	{"clients take memory", &cramped, {.clients = 1000}, false, "available memory"},
	{"nothing is known", &unknown, {.clients = 1000, .flow_bytes = FAST}, false, ""},
	{"gently", &large, {.bytes_per_s = 100000000}, true, "--gentle"},
	{"the default target on 1 GiB", &small, {.flow_bytes = USUAL}, false, ""},
	{"a fast path on 1 GiB", &small, {.flow_bytes = FAST / 4}, false, "TCP memory"},
	{"a fast path on 16 GiB", &large, {.flow_bytes = FAST}, false, ""},
	{"the default target in 40 MiB",
	 &cramped,
	 {.flow_bytes = USUAL},
	 false,
	 "available memory"},
	{"a fast path in 40 MiB", &cramped, {.flow_bytes = FAST}, false, "available memory"},
	{"servers use the TCP memory", &in_use, {.flow_bytes = USUAL}, false, "TCP memory"},
	{"no flow needs it", &in_use, {.clients = 10}, false, ""},
	{"of a damaged target", &large, {.flow_bytes = UINT64_MAX / 2}, false, "available memory"},
};

static void what_does_not_fit_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[COST_WHY];
		cost_refusal(&rows[i].cost, rows[i].machine, rows[i].gentle, why);
		if (rows[i].why[0] ? !strstr(why, rows[i].why) : why[0])
			fail_msg("%s: \"%s\"", rows[i].name, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_does_not_fit_is_named)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
