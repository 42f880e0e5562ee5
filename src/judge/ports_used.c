/* Judges the ports in use: those of TCP by destination, those of UDP for all. */
#include "epolltune/ports_used.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "epolltune/port_settings.h"
#include "epolltune/ports.h"
#include "epolltune/ports_udp.h"
#include "epolltune/quantity.h"
#include "epolltune/report.h"
#include "epolltune/wording.h"

#define WIDEST_LOW 1024
#define WIDEST_HIGH 65535
/* Destinations that are named. */
#define NAMED 4

struct tcp_reuse {
	int64_t reuse, timestamps;
};

static bool reuses(const struct ports_to *to, struct tcp_reuse knobs)
{
	return to->stamps != PORTS_STAMPS_NONE &&
	       ports_reused(knobs.reuse, knobs.timestamps, to->loopback);
}

/* The ports that connect() cannot take; an application may use reserved ones, too. */
static int64_t taken(const struct ports_used *u, const struct ports_to *to, struct tcp_reuse knobs)
{
	int64_t used = (int64_t)to->used - (reuses(to, knobs) ? (int64_t)to->waiting : 0);
	return used < u->available ? used : u->available;
}

static const struct ports_to *fullest(const struct ports_used *u, struct tcp_reuse knobs)
{
	const struct ports_to *max = NULL;
	for (size_t i = 0; i < u->count; i++)
		if (!max || taken(u, &u->at[i], knobs) > taken(u, max, knobs))
			max = &u->at[i];
	return max;
}

/* Of all destinations of a bound source. */
static int64_t bound_taken(const struct ports_used *u, const struct ports_from *from)
{
	return from->used < u->available ? from->used : u->available;
}

struct ports_fullest ports_used_fullest(const struct ports_used *u, int64_t reuse,
					int64_t timestamps)
{
	struct tcp_reuse knobs = {reuse, timestamps};
	struct ports_fullest f = {.to = fullest(u, knobs)};
	if (f.to)
		f.used = taken(u, f.to, knobs);
	for (size_t i = 0; i < u->from_count; i++) {
		const struct ports_from *from = &u->from[i];
		if (!ports_from_bound(u, from) || bound_taken(u, from) <= f.used)
			continue;
		f = (struct ports_fullest){&u->at[from->to], bound_taken(u, from), true};
	}
	return f;
}

static bool is_share_of(int64_t available, int64_t used, int percent)
{
	return available > 0 && used * 100 >= available * percent;
}

static bool is_share(const struct ports_used *u, int64_t used, int percent)
{
	return is_share_of(u->available, used, percent);
}

static const struct process *owner_of(const struct ports_used *u, const struct ports_to *to)
{
	return to->owner < 0 ? NULL : &u->processes[to->owner];
}

/* "10.0.0.1 to 10.0.0.3:80 (nginx, 90 of 100)" */
static void others_add(const struct ports_used *u, const struct ports_to *to, int64_t used,
		       char *others, size_t size)
{
	const struct process *p = owner_of(u, to);
	report_append_to(others, size, "%s%s to %s (%s%s%s of %s)", others[0] ? ", " : "",
			 to->source, to->destination, p ? p->name : "", p ? ", " : "",
			 quantity_count((uint64_t)used).text,
			 quantity_count((uint64_t)u->available).text);
}

static void words_process(struct wording *w, const struct ports_used *u, const struct ports_to *to)
{
	const struct process *p = owner_of(u, to);
	wording_set(w, "process", "%s", p ? p->name : "");
	wording_set(w, "pid", "%d", p ? (int)p->pid : 0);
	wording_set(w, "who", "%s", p ? p->name : to->source);
	wording_flag(w, "hidden", !p && u->hidden && to->used > to->waiting);
}

/* Returns whether tcp_tw_reuse would help. */
static bool words_wait(struct wording *w, const struct ports_to *to, struct tcp_reuse knobs)
{
	bool reused = reuses(to, knobs), closes = !reused && 2 * to->waiting > to->used;
	wording_flag(w, "closes", closes);
	wording_set(w, "waiting", "%s", quantity_count(to->waiting).text);
	wording_set(w, "reusable", "%s",
		    reused && to->waiting ? quantity_count(to->waiting).text : "");
	/* Without timestamps here, those of the destination are not known. */
	bool stamped = to->stamps != PORTS_STAMPS_NONE || knobs.timestamps == 0;
	bool helps = closes && stamped && knobs.reuse != REPORT_NONE;
	wording_flag(w, "reuse", helps);
	wording_flag(w, "no_timestamps", knobs.timestamps == 0);
	return helps;
}

static bool is_narrow(int64_t low, int64_t high) { return low > WIDEST_LOW || high < WIDEST_HIGH; }

static void words_ports(struct wording *w, const struct ports_used *u, const struct ports_to *to,
			int64_t used)
{
	int64_t left = u->available - used;
	wording_set(w, "used", "%s", quantity_count((uint64_t)used).text);
	wording_set(w, "available", "%s", quantity_count((uint64_t)u->available).text);
	wording_set(w, "left", "%s", left ? quantity_count((uint64_t)left).text : "");
	wording_set(w, "source", "%s", to->source);
	wording_set(w, "destination", "%s", to->destination);
	wording_flag(w, "narrow", is_narrow(u->low, u->high));
}

static void range_propose(int64_t low, int64_t high, struct finding *f)
{
	char value[32];
	snprintf(value, sizeof(value), "%" PRId64 " %" PRId64, low, high);
	finding_propose(f, RANGE_KNOB, value, "");
}

/* What is in use of a source address whose sockets do not share ports. */
static void bound_finding(const struct ports_used *u, const struct ports_from *from,
			  struct report *r)
{
	const struct ports_to *to = &u->at[from->to];
	int64_t used = bound_taken(u, from);
	struct wording w = {0};
	words_process(&w, u, to);
	words_ports(&w, u, to, used);
	wording_set(&w, "largest", "%s", quantity_count(from->largest).text);
	struct finding *f = report_finding(r, "ports.ephemeral.bound", &w);
	if (is_share(u, used, PORTS_GONE))
		f->level = LEVEL_CRITICAL;
	finding_evidence(f, "ports in use", "ports", (double)used, NAN);
	finding_evidence(f, "of several destinations", "ports", from->shared, NAN);
	finding_evidence(f, "ports available", "ports", (double)u->available, NAN);
	range_propose(u->low, u->high, f);
}

static void used_finding(const struct ports_used *u, const struct ports_to *to, const char *others,
			 struct tcp_reuse knobs, struct report *r)
{
	int64_t used = taken(u, to, knobs);
	struct wording w = {0};
	char value[32];
	words_process(&w, u, to);
	bool reuse = words_wait(&w, to, knobs);
	words_ports(&w, u, to, used);
	wording_set(&w, "others", "%s", others);
	struct finding *f = report_finding(r, "ports.ephemeral.used", &w);
	if (is_share(u, used, PORTS_GONE))
		f->level = LEVEL_CRITICAL;
	finding_evidence(f, "ports in use", "ports", (double)used, NAN);
	finding_evidence(f, "ports available", "ports", (double)u->available, NAN);
	finding_evidence(f, "ports in TIME_WAIT", "ports", to->waiting, NAN);
	range_propose(u->low, u->high, f);
	if (reuse) {
		snprintf(value, sizeof(value), "%" PRId64, knobs.reuse);
		finding_propose(f, REUSE_KNOB, value, "");
	}
}

static void interval_finding(const struct ports_used *u, const struct ports_to *to,
			     struct report *r)
{
	struct wording w = {0};
	words_process(&w, u, to);
	words_ports(&w, u, to, to->used);
	wording_set(&w, "first", "%u", to->first);
	wording_set(&w, "last", "%u", to->last);
	struct finding *f = report_finding(r, "ports.ephemeral.interval", &w);
	/* A pool that stays open needs no further port. */
	if (!to->waiting && !to->opening)
		f->level = LEVEL_NOTE;
	finding_evidence(f, "ports in use", "ports", to->used, NAN);
	finding_evidence(f, "ports in TIME_WAIT", "ports", to->waiting, NAN);
}

/* Those with most ports come first. */
static void intervals_judge(const struct ports_used *u, struct tcp_reuse knobs, struct report *r)
{
	size_t found = 0;
	for (size_t i = 0; i < u->count && found < NAMED; i++) {
		if (!ports_to_interval(u, &u->at[i], taken(u, &u->at[i], knobs)))
			continue;
		interval_finding(u, &u->at[i], r);
		found++;
	}
}

void ports_used_judge(const struct ports_used *u, int64_t reuse, int64_t timestamps,
		      struct report *r)
{
	struct tcp_reuse knobs = {reuse, timestamps};
	const struct ports_to *worst = fullest(u, knobs);
	char others[WORDING_TEXT] = "";
	size_t near = 0;
	if (worst && !is_share(u, taken(u, worst, knobs), PORTS_NEAR))
		worst = NULL;
	for (size_t i = 0; i < u->count; i++) {
		const struct ports_to *to = &u->at[i];
		if (to == worst || !is_share(u, taken(u, to, knobs), PORTS_NEAR))
			continue;
		if (++near < NAMED)
			others_add(u, to, taken(u, to, knobs), others, sizeof(others));
	}
	if (near >= NAMED)
		report_append(others, " and %zu more", near - NAMED + 1);
	if (worst)
		used_finding(u, worst, others, knobs, r);
	intervals_judge(u, knobs, r);
	for (size_t i = 0; i < u->from_count; i++)
		if (ports_from_bound(u, &u->from[i]))
			bound_finding(u, &u->from[i], r);
}

void ports_udp_judge(const struct ports_udp *u, struct report *r)
{
	struct wording w = {0};
	bool six = !is_share_of(u->available, u->four, PORTS_NEAR);
	uint32_t used = six ? u->all : u->four;
	int64_t left = u->available - used;
	if (!is_share_of(u->available, used, PORTS_NEAR))
		return;
	wording_flag(&w, "six", six);
	wording_set(&w, "used", "%s", quantity_count(used).text);
	wording_set(&w, "available", "%s", quantity_count((uint64_t)u->available).text);
	wording_set(&w, "left", "%s", left ? quantity_count((uint64_t)left).text : "");
	wording_set(&w, "address", "%s", u->address);
	wording_set(&w, "bound", "%s", quantity_count(u->bound).text);
	wording_set(&w, "process", "%s", u->owned ? u->owner.name : "");
	wording_set(&w, "pid", "%d", u->owned ? (int)u->owner.pid : 0);
	wording_flag(&w, "hidden", u->hidden);
	wording_flag(&w, "narrow", is_narrow(u->low, u->high));
	struct finding *f = report_finding(r, "ports.ephemeral.udp", &w);
	if (is_share_of(u->available, used, PORTS_GONE))
		f->level = LEVEL_CRITICAL;
	finding_evidence(f, "ports in use", "ports", used, NAN);
	finding_evidence(f, "ports available", "ports", (double)u->available, NAN);
	range_propose(u->low, u->high, f);
}
