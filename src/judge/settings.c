#include "judge/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cgroup.h"
#include "epolltune/counters.h"
#include "epolltune/knob_value.h"

/* Before 6.11 an unprivileged lab has no net/core, and its somaxconn is the kernel's default. */

static void machine_groups(const struct host *h, const struct subject *subject, struct machine *m)
{
	struct cgroup c;
	cgroup_read(h, 0, &c);
	bool charged = c.sockets_charged; /* a controller is in one hierarchy for all */
	m->room_bytes = m->available_bytes;
	if (cgroup_left(&c.memory) < m->room_bytes)
		m->room_bytes = cgroup_left(&c.memory);
	if (subject)
		subject_group(h, subject, &c);
	m->group_left = saturated(cgroup_left(&c.memory));
	m->sockets_left = saturated(cgroup_left(&c.tcp));
	m->sockets_several = c.tcp.several;
	m->sockets_hidden = c.tcp.sight.hidden && !charged;
	m->sockets_charged = c.sockets_charged;
	m->container = cgroup_container(h, subject ? subject->pid : 0);
	_Static_assert(sizeof(m->sockets_group) == CGROUP_PATH, "no path is cut");
	snprintf(m->sockets_group, sizeof(m->sockets_group), "%s",
		 cgroup_bound_at(&c.tcp, 0)->path);
	snprintf(m->memory_group, sizeof(m->memory_group), "%s",
		 cgroup_bound_at(&c.memory, 0)->path);
}

void machine_read(const struct host *h, const struct subject *subject, struct machine *m)
{
	struct host_facts facts;
	struct host_files files;
	struct err unread;
	struct host_counters *counters = malloc(sizeof(*counters));
	host_facts(h, &facts);
	*m = (struct machine){
		.cpus = facts.cpus,
		.memory_bytes = facts.memory_bytes,
		.available_bytes = facts.available_bytes,
		.page_bytes = facts.page_bytes,
		.kernel = host_kernel(h),
		.time_wait_overflow = -1,
		.tcp_pages = -1,
		.udp_pages = -1,
		.orphans = -1,
	};
	machine_groups(h, subject, m);
	m->own_netns = host_own_netns(h);
	m->openrc = host_has_openrc(h);
	if (host_files(h, &files, &unread) == 0 && files.allocated <= INT64_MAX / 2) {
		m->files_open = files.allocated;
		m->files_max = files.max;
	}
	int64_t entries = host_number(h, "proc/sys/net/ipv4/tcp_ehash_entries");
	if (entries != REPORT_NONE)
		m->ehash_entries = entries;
	if (counters && host_counters(h, counters, &unread) == 0) {
		m->time_wait_overflow = host_counter(counters, COUNTER_TIME_WAIT_OVERFLOWS);
		m->tcp_pages = host_counter(counters, "sockstat.TCP.mem");
		m->udp_pages = host_counter(counters, "sockstat.UDP.mem");
		m->orphans = host_counter(counters, "sockstat.TCP.orphan");
	}
	free(counters);
}

size_t settings_count(const struct experiment *x)
{
	size_t count = 0;
	while (count < SETTINGS_MAX && x->knobs[count])
		count++;
	return count;
}

/* Writes a value as sysctl does. */
static void value_format(const struct knob *k, const int64_t field[3], char *text, size_t size)
{
	size_t used = 0;
	text[0] = 0;
	for (size_t f = 0; f < knob_fields(k->shape) && used < size; f++)
		used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, f ? " " : "",
					 field[f]);
}

static void nofile_read(const struct host *h, int64_t field[3])
{
	struct host_nofile limit;
	struct err unread;
	if (host_nofile(h, &limit, &unread))
		return;
	field[0] = saturated(limit.soft);
	field[1] = saturated(limit.hard);
}

/* Knobs of a network namespace are integers of 32 bits: only a damaged capture shows more. */
static bool kernel_has(const struct knob *k, int64_t value)
{
	return k->scope != KNOB_NETNS || (value >= INT32_MIN && value <= UINT32_MAX);
}

/* Of the process that accepts; 0, 0 of a hidden one: unknown. */
static void subject_nofile(const struct subject *s, int64_t field[3])
{
	if (!s->soft && !s->hard)
		return;
	field[0] = saturated(s->soft);
	field[1] = saturated(s->hard);
}

/* The limit of its smallest queue, as the kernel keeps it since listen(). */
static int64_t backlog_of(const struct probe_options *o)
{
	struct subject_queue q = {0};
	if (o->subject)
		q = subject_queue(o->subject, LISTENER_TCP);
	if (q.smallest)
		return backlog_of_listener(q.smallest);
	return o->backlog ? (int64_t)o->backlog : INT32_MAX;
}

/* Whether a knob that could not be read was there: its default is no guess then. A captured machine
 * shows in its first network namespace those that only that has. */
static bool is_lost(const struct knob *k, const struct host *h, const struct machine *m, int error)
{
	bool shown = !host_live(h) && knob_initial_only(k) && !m->own_netns;
	return error == -EIO || error == -EFBIG || error == -EBADMSG ||
	       (error == -ENOENT && shown && knob_is_sysctl(k));
}

/* False: it was there, and is not known. */
static bool setting_read(const struct knob *k, const struct host *h, const struct machine *m,
			 const struct probe_options *o, int64_t field[3], char text[SETTING_TEXT])
{
	char value[KNOB_VALUE];
	struct err unread;
	int rc = 0;
	if (!strcmp(k->name, LISTEN_KNOB))
		field[0] = backlog_of(o);
	else if (k->scope == KNOB_PROCESS && o->subject)
		subject_nofile(o->subject, field);
	else if (k->scope == KNOB_PROCESS)
		nofile_read(h, field);
	else if ((rc = knob_read(k, h, value, &unread)) == 0)
		for (size_t f = 0; f < knob_fields(k->shape); f++)
			if (knob_field(value, f, &field[f]) || !kernel_has(k, field[f])) {
				field[0] = field[1] = field[2] = REPORT_NONE;
				break;
			}
	if (field[0] != REPORT_NONE)
		value_format(k, field, text, SETTING_TEXT);
	return !is_lost(k, h, m, rc);
}

void settings_read(const struct experiment *x, const struct host *h, const struct machine *m,
		   const struct probe_options *o, struct settings *s)
{
	*s = (struct settings){.machine = *m,
			       .subject = o->subject,
			       .before = o->before,
			       .guest = o->guest,
			       .peers = o->peers,
			       .datagrams_most = o->datagrams_most,
			       .taken = {.basis = ""}};
	for (size_t i = 0; i < SETTINGS_MAX; i++)
		for (size_t f = 0; f < 3; f++)
			s->at[i][f] = REPORT_NONE;
	for (size_t i = 0; i < settings_count(x); i++) {
		const struct knob *k = knob_find(x->knobs[i]);
		if (k && !setting_read(k, h, m, o, s->at[i], s->text[i]) && !s->lost)
			s->lost = k->name;
	}
	if (x->read)
		x->read(h, s);
}

static size_t find(const struct experiment *x, const char *knob)
{
	size_t i = 0;
	while (i < settings_count(x) && strcmp(x->knobs[i], knob))
		i++;
	return i;
}

/* Lowers the listen argument in place of a somaxconn that the lab cannot set. */
static int somaxconn_emulate(const struct experiment *x, int64_t is, struct settings *s,
			     bool *emulated, struct err *e)
{
	int64_t wanted = s->at[find(x, SOMAXCONN_KNOB)][0];
	size_t backlog = find(x, LISTEN_KNOB);
	if (wanted == is)
		return 0;
	if (backlog < settings_count(x) && (wanted < is || s->at[backlog][0] <= is)) {
		if (s->at[backlog][0] > wanted)
			s->at[backlog][0] = wanted;
		*emulated = true;
		return 0;
	}
	return err_set(e, ENOTSUP,
		       "the lab's somaxconn is fixed at %" PRId64
		       " here (before Linux 6.11 without privilege, or where /proc/sys is "
		       "read-only); root measures it",
		       is);
}

static int setting_enter(const struct experiment *x, struct lab *lab, size_t i, struct settings *s,
			 bool *emulated, struct err *e)
{
	char now[KNOB_VALUE];
	bool somaxconn = !strcmp(x->knobs[i], SOMAXCONN_KNOB);
	int64_t is = SOMAXCONN_DEFAULT;
	int rc = lab_knob_get(lab, x->host, x->knobs[i], now, sizeof(now), e);
	if (rc == -ENOENT && somaxconn)
		return somaxconn_emulate(x, is, s, emulated, e);
	if (rc || !strcmp(now, s->text[i]))
		return rc;
	rc = lab_knob_set(lab, x->host, x->knobs[i], s->text[i], e);
	if (rc && somaxconn && !knob_field(now, 0, &is))
		return somaxconn_emulate(x, is, s, emulated, e);
	return rc;
}

int settings_enter(const struct experiment *x, struct lab *lab, struct settings *s, bool *emulated,
		   struct err *e)
{
	*emulated = false;
	for (size_t i = 0; i < settings_count(x); i++) {
		const struct knob *k = knob_find(x->knobs[i]);
		/* An empty list of ports is a value. */
		bool known = s->text[i][0] ||
			     (k && k->shape == KNOB_PORTS && s->at[i][0] != REPORT_NONE);
		if (!k || k->scope != KNOB_NETNS || !known)
			continue;
		int rc = setting_enter(x, lab, i, s, emulated, e);
		if (rc)
			return rc;
	}
	return 0;
}

bool settings_differ(const struct settings *a, const struct settings *b, size_t i)
{
	return memcmp(a->at[i], b->at[i], sizeof(a->at[i])) != 0;
}

/* Whether only the soft limit changes; the hard limit is its maximum. */
static bool soft_alone(const struct knob *k, const struct settings *now, const struct settings *s,
		       size_t i)
{
	return k->scope == KNOB_PROCESS && s->at[i][1] == now->at[i][1];
}

bool settings_round(const struct experiment *x, const struct settings *now, struct settings *s)
{
	for (size_t i = 0; i < settings_count(x); i++) {
		const struct knob *k = knob_find(x->knobs[i]);
		if (!k || !knob_fields(k->shape) || !settings_differ(now, s, i))
			continue;
		for (size_t f = 0; f < knob_fields(k->shape); f++) {
			if (s->at[i][f] == now->at[i][f] || k->round == KNOB_EXACT)
				continue;
			s->at[i][f] = knob_round(k, s->at[i][f]);
			if (soft_alone(k, now, s, i) && s->at[i][f] > s->at[i][1])
				s->at[i][f] = s->at[i][1];
			if (s->at[i][f] > k->max)
				return false;
		}
		value_format(k, s->at[i], s->text[i], SETTING_TEXT);
	}
	return true;
}

void settings_show(const struct experiment *x, size_t i, const struct settings *now,
		   const struct settings *then, char current[80], char proposed[80])
{
	const struct knob *k = knob_find(x->knobs[i]);
	if (k && k->scope == KNOB_PROCESS) {
		size_t f = soft_alone(k, now, then, i) ? 0 : 1;
		snprintf(current, 80, "%" PRId64, now->at[i][f]);
		snprintf(proposed, 80, "%" PRId64, then->at[i][f]);
		return;
	}
	snprintf(current, 80, "%.79s", now->text[i]);
	snprintf(proposed, 80, "%.79s", then->text[i]);
}

enum limit_field settings_field(const struct experiment *x, size_t i, const struct settings *now,
				const struct settings *then)
{
	const struct knob *k = knob_find(x->knobs[i]);
	if (!k || k->scope != KNOB_PROCESS)
		return LIMIT_NONE;
	return soft_alone(k, now, then, i) ? LIMIT_SOFT : LIMIT_HARD;
}
