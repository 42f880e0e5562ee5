#include "judge/role.h"

#include <math.h>

#include "epolltune/catalogue.h"
#include "epolltune/quantity.h"

/* More than a pool has, as of connections to a database. */
#define OPENED_MIN 500

/* Whether it suffices, and would not for a proxy. UNIX sockets take no port. */
static bool is_changed(const struct wall *w, const struct target *t, bool local)
{
	const struct wall_row *row = wall_row_find(w->name);
	struct target proxy = *t;
	proxy.role = TARGET_PROXY;
	if (!row || !row->need || w->verdict != VERDICT_OK || w->limit == REPORT_NONE ||
	    (local && row->need(t) == REPORT_NONE))
		return false;
	return row->need(&proxy) != row->need(t) &&
	       report_verdict(w->limit, row->need(&proxy)) != VERDICT_OK;
}

/* The connections to its listeners. */
static uint64_t clients_of(const struct subject *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s->listeners.count; i = listeners_group(&s->listeners, i))
		sum += s->listeners.at[i].clients;
	return sum;
}

void role_judge(const struct subject *s, struct report *r)
{
	const bool many = s->opened >= OPENED_MIN && s->opened >= clients_of(s) / 2;
	struct target proxy = r->target;
	struct wording words = {0};
	char walls[WORDING_TEXT] = "", options[256];
	if (r->target.role == TARGET_PROXY || r->target.datagrams_only || (!many && !s->behind.any))
		return;
	for (size_t i = 0; i < r->wall_count; i++)
		if (is_changed(&r->walls[i], &r->target, subject_upstreams_local(s)))
			report_append(walls, "%s%s", walls[0] ? ", " : "", r->walls[i].name);
	if (!walls[0])
		return;
	proxy.role = TARGET_PROXY;
	target_arguments(&proxy, options, sizeof(options));
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)s->pid);
	wording_flag(&words, "named", s->behind.any);
	wording_set(&words, "opened", "%s", many ? quantity_count(s->opened).text : "");
	wording_set(&words, "clients", "%s", quantity_count(clients_of(s)).text);
	wording_set(&words, "walls", "%s", walls);
	wording_set(&words, "asked", "%s", r->server.asked);
	wording_set(&words, "options", "%s", options);
	struct finding *f = report_finding(r, "listeners.role", &words);
	if (many)
		finding_evidence(f, "connections to other servers", "connections",
				 (double)s->opened, NAN);
}
