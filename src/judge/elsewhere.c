/* Judges the listeners of other network namespaces. */
#include "epolltune/elsewhere.h"

#include <math.h>

#include "epolltune/quantity.h"

/* Servers of other network namespaces that a note names. */
#define ELSEWHERE_NAMED 4

void elsewhere_judge(const struct listeners_elsewhere *x, struct report *r)
{
	char names[WORDING_TEXT] = "";
	struct wording words = {0};
	size_t count = 0, late = 0, denied = 0;
	pid_t pid = 0;
	for (size_t i = 0; i < x->count; i++) {
		const struct netns_elsewhere *n = &x->at[i];
		late += n->unread;
		denied += n->denied && !n->unread;
		if (!n->listens && !n->unread && !n->denied)
			continue;
		if (!pid || (n->listens && !count))
			pid = n->pid;
		if (n->listens && count++ < ELSEWHERE_NAMED)
			report_append(names, "%s%s (pid %d)", names[0] ? ", " : "", n->name,
				      (int)n->pid);
	}
	if (!pid)
		return;
	const size_t unread = late + denied;
	wording_set(&words, "count", "%s", count ? quantity_count(count).text : "");
	wording_flag(&words, "several", count > 1);
	wording_set(&words, "names", "%s", names);
	wording_set(&words, "more", "%s",
		    count > ELSEWHERE_NAMED ? quantity_count(count - ELSEWHERE_NAMED).text : "");
	wording_set(&words, "unread", "%s", unread ? quantity_count(unread).text : "");
	wording_flag(&words, "late", late);
	wording_flag(&words, "denied", denied);
	wording_set(&words, "pid", "%d", (int)pid);
	struct finding *f = report_finding(r, "listeners.elsewhere", &words);
	finding_evidence(f, "network namespaces with listeners", "", (double)count, NAN);
	if (unread)
		finding_evidence(f, "network namespaces not looked at", "", (double)unread, NAN);
}

/* Handshakes that the listeners of another network namespace dropped between the looks. */
struct drops_elsewhere {
	int64_t drops, overflows;
};

static struct drops_elsewhere drops_between(const struct listeners_elsewhere *before,
					    const struct netns_elsewhere *now)
{
	struct drops_elsewhere grown = {0};
	for (size_t i = 0; i < before->count; i++) {
		const struct netns_elsewhere *was = &before->at[i];
		if (was->netns != now->netns || was->drops < 0 || now->drops < was->drops)
			continue;
		grown.drops = now->drops - was->drops;
		if (was->overflows >= 0 && now->overflows > was->overflows)
			grown.overflows = now->overflows - was->overflows;
	}
	return grown;
}

/* By the one that drops most. */
void elsewhere_drops_judge(const struct listeners_elsewhere *before,
			   const struct listeners_elsewhere *after, double seconds,
			   struct report *r)
{
	const struct netns_elsewhere *worst = NULL;
	struct drops_elsewhere max = {0};
	struct wording words = {0};
	size_t count = 0;
	for (size_t i = 0; i < after->count && seconds > 0; i++) {
		struct drops_elsewhere one = drops_between(before, &after->at[i]);
		count += one.drops > 0;
		if (one.drops <= max.drops)
			continue;
		max = one;
		worst = &after->at[i];
	}
	if (!worst)
		return;
	wording_set(&words, "who", "%s", worst->name);
	wording_set(&words, "pid", "%d", (int)worst->pid);
	wording_set(&words, "drops", "%s", quantity_count((uint64_t)max.drops).text);
	wording_set(&words, "overflows", "%s", quantity_count((uint64_t)max.overflows).text);
	wording_set(&words, "window", "%s", quantity_seconds(seconds).text);
	wording_set(&words, "more", "%s", count > 1 ? quantity_count(count - 1).text : "");
	struct finding *f = report_finding(r, "listeners.elsewhere.dropping", &words);
	finding_evidence(f, "ListenDrops", "packets", (double)max.drops, NAN);
	finding_evidence(f, "ListenOverflows", "packets", (double)max.overflows, NAN);
}
