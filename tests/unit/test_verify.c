/* Whether changes improved their walls, by two reports. */
#include "../support/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tune/verify.h"

static const struct row {
	const char *name;
	const char *wall, *finding; /* of the change */
	enum wall_verdict was, is;
	int64_t before, after;
	bool foreign;
	int code;
	const char *unproven; /* NULL: proven */
} rows[] = {
	{"ok now", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_OK, 17, 2049, false,
	 0, NULL},
	{"better, not enough", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_TIGHT,
	 17, 1100, false, 0, "is still tight"},
	{"as short, but much higher", "accept-queue", "accept-queue.short", VERDICT_SHORT,
	 VERDICT_SHORT, 100, 200, false, 0, "is still short"},
	{"higher by a tenth", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_SHORT,
	 100, 110, false, -ECANCELED, "is still short"},
	{"as a bound, lower is better", "napi.latency", "", VERDICT_TIGHT, VERDICT_TIGHT, 200, 100,
	 false, 0, "is still tight"},
	{"higher where lower is better", "napi.latency", "", VERDICT_TIGHT, VERDICT_TIGHT, 100, 200,
	 false, -ECANCELED, "is still tight"},
	{"not measured again", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_UNKNOWN,
	 17, REPORT_NONE, false, 0, "could not be measured again: not proven"},
	{"no loss seen", "nic.ring", "nic.ring.overrun", VERDICT_SHORT, VERDICT_OK, 256, 512, false,
	 0, "no loss while observed: proven only under load"},
	{"of another machine: tight is enough", "accept-queue", "accept-queue.short", VERDICT_TIGHT,
	 VERDICT_TIGHT, 100, 100, true, 0, "is still tight"},
	{"of another machine: short is not", "accept-queue", "accept-queue.short", VERDICT_SHORT,
	 VERDICT_SHORT, 10, 5000, true, -ECANCELED, "is still short"},
};

static void put(struct report *r, const char *wall, enum wall_verdict verdict, int64_t measured)
{
	report_init(r);
	struct wall *w = report_wall(r, wall);
	w->verdict = verdict;
	w->method = METHOD_MEASURED;
	w->measured = measured;
}

static void improved_or_not(void **state)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	assert_true(plan && before && after);
	plan->count = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct change *c = &plan->changes[0];
		struct verification v = {plan, before, after, row->foreign, false};
		struct err e = {0};
		char text[80];
		*c = (struct change){.scope = CHANGE_NETNS};
		report_text(c->wall, "%s", row->wall);
		report_text(c->finding, "%s", row->finding);
		put(before, row->wall, row->was, row->before);
		put(after, row->wall, row->is, row->after);
		int code = verify_plan(&v, &e);
		bool unproven = verify_unproven(&v, c, text);
		if (code != row->code || v.doubtful != (row->unproven != NULL) ||
		    unproven != v.doubtful || (unproven && strcmp(text, row->unproven) != 0))
			fail_msg("%s: %d, \"%s\", %s", row->name, code, e.text,
				 unproven ? text : "proven");
	}
	free(plan);
	free(before);
	free(after);
}

/* A wall that no change is meant for may not become worse. */
static void another_wall_becomes_worse(void **state)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	struct verification v = {plan, before, after, false, false};
	struct err e = {0};
	assert_true(plan && before && after);
	put(before, "syn-queue", VERDICT_OK, 4097);
	put(after, "syn-queue", VERDICT_SHORT, 17);
	assert_int_equal(verify_plan(&v, &e), -ECANCELED);
	assert_string_equal(e.text, "syn-queue became worse: ok before, short after");
	v.foreign = true;
	assert_int_equal(verify_plan(&v, &e), 0);
	free(plan);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(improved_or_not),
		cmocka_unit_test(another_wall_becomes_worse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
