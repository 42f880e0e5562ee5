#include "verdict.h"

#include "support.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/knob.h"
#include "judge/settings.h"
#include "judge/verdict.h"

const struct experiment *verdict_experiment(const char *probe, const char *wall)
{
	const struct probe *p = probe_find(probe);
	if (!p)
		fail_msg("no probe %s", probe);
	for (const struct experiment *x = p->experiments; x && x->wall; x++)
		if (!strcmp(x->wall, wall))
			return x;
	fail_msg("probe %s has no experiment for %s", probe, wall);
	return NULL;
}

/* What is no knob, of settings.group: "memory.max", "memory.current", likewise of pids, and
 * "cgroup", 1: it is known, 2: it is hidden. */
static bool group_put(struct settings *s, const char *name, const char *value)
{
	struct cgroup_bound *b = &s->group.at[0];
	uint64_t number = strtoull(value, NULL, 10);
	if (!strcmp(name, "cgroup")) {
		s->group_known = number == 1;
		s->group.sight.hidden = number == 2;
	} else if (!strcmp(name, "memory.max") || !strcmp(name, "pids.max")) {
		b->max = number;
		b->file = name[0] == 'm' ? CGROUP_MEMORY_MAX : CGROUP_PIDS_MAX;
		s->group.count = 1;
	} else if (!strcmp(name, "memory.current") || !strcmp(name, "pids.current")) {
		b->used = number;
	} else {
		return false;
	}
	return true;
}

static void setting_put(const struct experiment *x, struct settings *s, const char *name,
			const char *value)
{
	char normal[KNOB_VALUE];
	for (size_t i = 0; i < settings_count(x); i++) {
		const struct knob *k = knob_find(x->knobs[i]);
		if (strcmp(x->knobs[i], name) != 0)
			continue;
		struct err e = {0};
		if (k && knob_check(k, value, normal, &e))
			fail_msg("%s", e.text);
		if (!k)
			snprintf(normal, sizeof(normal), "%s", value);
		for (size_t f = 0; f < 3; f++)
			if (knob_field(normal, f, &s->at[i][f]))
				s->at[i][f] = REPORT_NONE;
		snprintf(s->text[i], sizeof(s->text[i]), "%s", normal);
		return;
	}
	fail_msg("%s does not depend on %s", x->wall, name);
}

struct settings verdict_settings(const struct experiment *x, const char *values)
{
	struct settings s = {
		.machine = {.cpus = 2,
			    .memory_bytes = UINT64_C(16) << 30,
			    .available_bytes = UINT64_C(12) << 30,
			    .page_bytes = 4096,
			    .files_open = 1000,
			    .files_max = 1000000,
			    .kernel = KERNEL(6, 18),
			    .time_wait_overflow = -1,
			    .group_left = INT64_MAX,
			    .sockets_left = INT64_MAX,
			    .room_bytes = UINT64_C(12) << 30},
		.taken = {.basis = ""},
	};
	char copy[512], *rest = copy, *one;
	for (size_t i = 0; i < SETTINGS_MAX; i++)
		for (size_t f = 0; f < 3; f++)
			s.at[i][f] = REPORT_NONE;
	for (size_t i = 0; i < settings_count(x); i++)
		if (!strcmp(x->knobs[i], "listen.backlog")) {
			s.at[i][0] = INT32_MAX;
			snprintf(s.text[i], sizeof(s.text[i]), "%d", INT32_MAX);
		}
	snprintf(copy, sizeof(copy), "%s", values);
	while ((one = strsep(&rest, ";"))) {
		char *equals = strchr(one, '=');
		one += strspn(one, " ");
		if (!equals)
			continue;
		*equals = 0;
		if (!group_put(&s, one, equals + 1))
			setting_put(x, &s, one, equals + 1);
	}
	return s;
}

struct outcome verdict_outcome(int64_t reached, bool limit_met)
{
	struct outcome o = outcome_blank();
	o.reached = reached;
	o.limit_met = limit_met;
	return o;
}

const struct report *verdict_of(const struct experiment *x, const struct target *t,
				const struct settings *s, const struct outcome *o)
{
	static struct report r;
	struct settings then;
	report_init(&r);
	r.target = *t;
	struct wall *w = report_wall(&r, x->wall);
	wall_inspect(x, t, s, w);
	if (o)
		wall_measure(x, t, s, o, w);
	bool solved = settings_solve(x, t, s, o, &then);
	wall_finding(x, t, s, solved ? &then : NULL, o, w, &r);
	return &r;
}

const char *verdict_proposals(const struct report *r)
{
	static char text[512];
	text[0] = 0;
	for (size_t i = 0; r->finding_count && i < r->findings[0].proposal_count; i++) {
		const struct proposal *p = &r->findings[0].proposals[i];
		if (p->proposed[0])
			report_append(text, "%s%s %s -> %s", text[0] ? ", " : "", p->knob,
				      p->current, p->proposed);
	}
	return text;
}

/* A {name} without a value; other braces belong to what an operator pastes. */
static bool unfilled(const char *text)
{
	for (const char *at = text; (at = strchr(at, '{')); at++)
		if (at[1] >= 'a' && at[1] <= 'z')
			return true;
	return false;
}

static void texts_are_whole(const char *what, const struct finding *f)
{
	const char *texts[] = {f->title, f->detail, f->advice, f->answer};
	for (size_t k = 0; k < 4; k++)
		if (unfilled(texts[k]) || strstr(texts[k], "…") || strstr(texts[k], "  ") ||
		    strstr(texts[k], " ."))
			fail_msg("%s: %s: \"%s\"", what, f->id, texts[k]);
}

void findings_are(const char *what, const struct report *r, const char *expected)
{
	char found[400] = "";
	for (size_t i = 0; i < r->finding_count; i++) {
		report_append(found, "%s%s %s", i ? ", " : "", r->findings[i].id,
			      finding_level_name(r->findings[i].level));
		texts_are_whole(what, &r->findings[i]);
	}
	if (strcmp(found, expected) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", what, found, expected);
}

void verdict_is(const char *what, const struct report *r, int64_t limit, enum wall_verdict verdict,
		const char *id, const char *proposals, enum finding_remedy remedy)
{
	const struct wall *w = &r->walls[0];
	const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
	if (w->limit != limit || w->verdict != verdict || r->finding_count > 1 ||
	    strcmp(f ? f->id : "", id) != 0 || strcmp(verdict_proposals(r), proposals) != 0 ||
	    (f && f->remedy != remedy) || strchr(w->detail, '{') ||
	    (f && (strchr(f->title, '{') || strchr(f->detail, '{') || strchr(f->advice, '{'))))
		fail_msg("%s: limit %lld, %s, %s [%s] %s, %s", what, (long long)w->limit,
			 wall_verdict_name(w->verdict), f ? f->id : "", verdict_proposals(r),
			 f ? finding_remedy_name(f->remedy) : "", f ? f->advice : w->detail);
}
