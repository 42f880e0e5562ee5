/* Compares what the kernel has counted with an earlier report. */
#include <string.h>

#include "epolltune/counters.h"
#include "epolltune/probe.h"
#include "epolltune/quantity.h"

static size_t group_length(const char *counter) { return strcspn(counter, "."); }

static bool same_group(const char *a, const char *b)
{
	size_t length = group_length(a);
	return length == group_length(b) && !strncmp(a, b, length);
}

static bool group_restarted(const struct since *s, const char *counter)
{
	for (size_t i = 0; i < s->restarted_count; i++)
		if (!s->same_boot || same_group(s->restarted[i], counter))
			return true;
	return false;
}

static void restarted_find(struct since *s)
{
	for (size_t i = 0; i < s->report->counter_count; i++) {
		const struct report_counter *c = &s->report->counters[i];
		int64_t value = host_counter(s->now, c->name);
		if (!counter_is_gauge(c->name) && value >= 0 && value < c->value &&
		    s->restarted_count < SINCE_GROUPS && !group_restarted(s, c->name))
			s->restarted[s->restarted_count++] = c->name;
	}
}

static enum since_reset reset_of_all(const struct since *s, const struct host_identity *here)
{
	const char *netns = s->report->host.netns;
	if (s->report->host.boot[0] && here->boot[0] && !s->same_boot)
		return SINCE_REBOOT;
	return s->same_boot && netns[0] && here->netns[0] && strcmp(netns, here->netns) != 0
		       ? SINCE_NETNS
		       : SINCE_CONTINUED;
}

struct since since_make(const struct probe_options *o, const struct host_identity *here,
			const struct host_counters *now)
{
	const struct report *report = o->since;
	struct since s = {.report = report, .now = now, .began = o->since_began};
	if (!report)
		return s;
	s.same_boot = here->boot[0] && !strcmp(report->host.boot, here->boot);
	s.all = reset_of_all(&s, here);
	if (!s.all)
		restarted_find(&s);
	return s;
}

/* Those are the same in each network namespace. */
static bool is_of_machine(const char *counter)
{
	return same_group(counter, COUNTER_OOM_KILLS) ||
	       same_group(counter, COUNTER_SOFTNET_DROPPED);
}

enum since_reset since_reset(const struct since *s, const char *counter)
{
	if (s->all == SINCE_NETNS && is_of_machine(counter))
		return SINCE_CONTINUED;
	if (s->all)
		return s->all;
	return group_restarted(s, counter) ? SINCE_RESTART : SINCE_CONTINUED;
}

int64_t since_growth(const struct since *s, const char *counter)
{
	int64_t now = s->report ? host_counter(s->now, counter) : -1;
	int64_t then = s->report ? report_counter_value(s->report, counter) : -1;
	if (now < 0 || since_reset(s, counter))
		return now;
	return then < 0 ? -1 : now - then;
}

/* Other sockets have the same cookies where this one began again. */

static const struct report_listener *listener_then(const struct report *r, const struct listener *l)
{
	for (size_t i = 0; i < r->listed; i++)
		if (r->listeners[i].cookie == l->cookie &&
		    !strcmp(r->listeners[i].address, l->address))
			return &r->listeners[i];
	return NULL;
}

uint64_t since_drops(const struct since *s, const struct listener *l)
{
	const struct report *r = s->report;
	if (!r || l->kind != LISTENER_TCP)
		return 0;
	if (since_reset(s, COUNTER_LISTEN_DROPS))
		return l->drops;
	const struct report_listener *then = listener_then(r, l);
	/* The count wraps. */
	if (then)
		return (uint32_t)(l->drops - then->drops);
	/* It was made since, if the report has all that there were. */
	return r->listed && r->listed == r->listener_count ? l->drops : 0;
}

void since_words(const struct since *s, enum since_reset reset, struct timespec now,
		 struct wording *words)
{
	char stamp[REPORT_STAMP];
	double age = (double)(now.tv_sec - s->report->time.tv_sec);
	struct quantity_shown ago = quantity_ago(age);
	wording_set(words, "report", "%s", report_stamp(s->report->time.tv_sec, stamp));
	wording_flag(words, "reboot", reset == SINCE_REBOOT);
	wording_flag(words, "netns", reset == SINCE_NETNS);
	wording_flag(words, "in_place", s->report->host.isolation == ISOLATION_IN_PLACE);
	if (!reset) {
		wording_set(words, "since", "since the %s %s%s%s%s",
			    s->began ? "observation began at" : "report of", stamp,
			    ago.text[0] ? " (" : "", ago.text, ago.text[0] ? ")" : "");
		wording_set(words, "after", "since %s", stamp);
		return;
	}
	const char *since = reset == SINCE_REBOOT  ? "since the reboot"
			    : reset == SINCE_NETNS ? "since this network namespace was made"
						   : "since the counters restarted";
	wording_set(words, "since", "%s", since);
	wording_set(words, "after", "%s", since);
}
