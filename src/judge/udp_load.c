#include "judge/udp_load.h"

#include "epolltune/catalogue.h"
#include "epolltune/quantity.h"
#include "judge/traffic.h"

void udp_load_judge(const struct subject *s, uint64_t most, struct report *r)
{
	const struct wall *w = report_find(r, "udp.receive");
	const struct listener *socket = s ? subject_datagrams(s, false).smallest : NULL;
	const struct report_observed *o = &r->observed;
	bool observed = o->us && !o->udp_others;
	bool judged = subject_is_datagrams(s) && w && w->verdict == VERDICT_OK;
	struct wording words = {0};
	char name[192];
	if (!w || !socket || w->verdict == VERDICT_NA || w->limit == REPORT_NONE || !w->limit ||
	    r->target.datagrams_per_s || observed || judged)
		return;
	listener_name(&s->listeners, socket, name, sizeof(name));
	wording_set(&words, "socket", "%s", name);
	wording_set(&words, "endpoint", "%s", socket->address);
	wording_set(&words, "capacity", "%s", quantity_count((uint64_t)w->limit).text);
	wording_set(&words, "size", "%s B", quantity_count(r->target.datagram_bytes).text);
	uint64_t seen = observed_datagrams(o, 100);
	wording_set(&words, "most", "%s", most ? quantity_count(seen).text : "");
	wording_flag(&words, "others", o->udp_others);
	report_finding(r, "udp.receive.unjudged", &words);
}
