/* Runs the probes that a check asks for, and joins their reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/interrupt.h"
#include "check/netns.h"
#include "check/observe.h"
#include "check/room.h"
#include "check/schedule.h"
#include "check/since.h"
#include "check/target_numbers.h"
#include "epolltune/cgroup.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"
#include "epolltune/subject_listeners.h"
#include "epolltune/sysctls.h"
#include "host/capture.h"
#include "judge/outside.h"
#include "judge/role.h"
#include "judge/traffic.h"
#include "judge/udp_load.h"

/* For the end of the labs that are left. */
#define ORPHANS_MS 5000
/* Addresses that a report names. */
#define ADDRESSES_NAMED 3

/* Appends the addresses of those that are set aside, or of the others. */
static size_t addresses_add(const struct listeners *l, bool aside, size_t count,
			    struct report_server *out)
{
	const char *last = "";
	for (size_t i = 0; i < l->count; i++) {
		const char *address = l->at[i].address;
		if (l->at[i].aside != aside || !strcmp(address, last))
			continue;
		last = address;
		if (count++ < ADDRESSES_NAMED)
			report_append(out->addresses, "%s%s", count > 1 ? ", " : "", address);
	}
	return count;
}

/* False: the server that was asked for does not fit. */
static bool server_describe(const char *asked, const struct subject *s, struct report_server *out)
{
	bool whole = report_text(out->asked, "%s", asked);
	report_text(out->name, "%s", s->name);
	report_text(out->unit, "%s", s->unit);
	out->pid = s->pid;
	out->processes = s->accepting;
	size_t count = addresses_add(&s->listeners, false, 0, out);
	count = addresses_add(&s->listeners, true, count, out);
	if (count > ADDRESSES_NAMED)
		report_append(out->addresses, " and %zu more", count - ADDRESSES_NAMED);
	return whole;
}

/* The weakest that a probe with experiments had; none without such a probe. */
static enum report_isolation isolation_of(const struct schedule *s)
{
	enum report_isolation is = ISOLATION_NONE;
	if (s->check.options->sysroot)
		return ISOLATION_SYSROOT;
	for (size_t i = 0; i < s->count; i++) {
		enum report_isolation one = s->at[i].shared->is.isolation;
		if (one == ISOLATION_IN_PLACE)
			return one;
		if (one == ISOLATION_LAB)
			is = one;
	}
	return is;
}

/* The options of experiments, as apply takes them too. */
static void further_options(const struct check_options *o, char further[96])
{
	static const char *const families[] = {
		[FAMILY_OF_HOST] = "", [FAMILY_4] = " --family 4", [FAMILY_6] = " --family 6"};
	char window[32];
	further[0] = 0;
	if (o->probe.window_us)
		report_append_to(further, 96, " --window %s",
				 quantity_word(window, sizeof(window), QUANTITY_DURATION,
					       o->probe.window_us));
	report_append_to(further, 96, "%s%s", o->probe.in_place ? " --in-place" : "",
			 families[o->family]);
}

static void report_head(const struct schedule *s, const char *enter, struct report *out)
{
	char probes[PROBES_TEXT];
	struct host_facts facts;
	struct host_identity identity;
	const struct check_options *o = s->check.options;
	const struct report_observed observed = out->observed;
	report_init(out);
	out->observed = observed;
	clock_gettime(CLOCK_REALTIME, &out->time);
	host_facts(s->check.host, &facts);
	report_text(out->host.name, "%s", facts.name);
	report_text(out->host.kernel, "%s", facts.kernel);
	if (host_identity(s->check.host, &identity, NULL) == 0) {
		report_text(out->host.boot, "%s", identity.boot);
		report_text(out->host.netns, "%s", identity.netns);
	}
	out->host.cpus = facts.cpus;
	out->host.memory_bytes = facts.memory_bytes;
	out->host.isolation = isolation_of(s);
	if (out->host.isolation == ISOLATION_LAB || out->host.isolation == ISOLATION_IN_PLACE)
		out->host.family = check_ipv6(&s->check) ? 6 : 4;
	out->target = o->target;
	out->server.proxy = o->proxy;
	bool whole = report_text(out->probes, "%s", probes_text(o->probes, probes));
	out->backlog = o->probe.backlog;
	out->peers = o->probe.peers;
	out->quick = o->quick;
	out->gentle = o->probe.gentle;
	whole &= report_text(out->enter, "%s", enter);
	whole &= report_text(out->ignored, "%s", o->ignore ? o->ignore : "");
	/* That of a captured machine was not asked for. */
	if (o->server || o->probe.guest)
		whole &= server_describe(o->server ? o->server : o->guest.command, o->probe.subject,
					 &out->server) ||
			 o->probe.guest; /* no command repeats that option */
	out->cut = !whole;
	out->server.run = o->probe.guest;
	out->require_measured = o->measured;
	saved_options(o, out->saved);
	further_options(o, out->further);
}

/* All sockets of the kinds that the server has. */
static int sockets_read(struct host *h, const struct subject *s, struct listeners *now)
{
	CLEAN(listeners_free) struct listeners udp = {0};
	int rc = listeners_read(h, now, NULL);
	if (!rc && subject_listens(s, LISTENER_UDP))
		rc = listeners_read_udp(h, true, &udp, NULL);
	return rc ? rc : listeners_join(now, &udp, NULL);
}

/* A server that ended while the experiments ran is not ready. */
static void subject_look_again(const struct check *check, struct report *out)
{
	CLEAN(listeners_free) struct listeners now = {0};
	CLEAN(free_pointer) struct report *last = NULL;
	const struct probe_options *o = &check->options->probe;
	if (!o->subject || o->guest || check->unasked ||
	    sockets_read(check->host, o->subject, &now) || !(last = calloc(1, sizeof(*last))))
		return;
	report_init(last);
	subject_ended_judge(last, o->subject, &now);
	report_join(out, last); /* what was found before is the same */
}

/* The softnet backlog is the machine's: what the packets of the experiments have lost there is no
 * loss since this report. */
static void softnet_count_again(const struct schedule *s, struct report *out)
{
	if (s->check.unasked || report_counter_value(out, COUNTER_SOFTNET_DROPPED) < 0)
		return;
	int64_t dropped = softnet_dropped(s->check.host);
	if (dropped >= 0)
		report_counter(out, COUNTER_SOFTNET_DROPPED, dropped);
}

/* After that of the same probe: a failure of either is the probe's. */
static void report_join_outside(const struct job *job, const struct subject *subject,
				struct report *out)
{
	struct report_probe *ran = &out->ran[out->probe_count - 1];
	outside_join(out, &job->shared->report, subject ? subject->name : "");
	if (ran->state == PROBE_DONE)
		ran->state = job->shared->is.state;
}

static void report_join_jobs(const struct schedule *s, struct report *out)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct job *job = &s->at[i];
		if (job->outside) {
			report_join_outside(job, s->check.options->probe.subject, out);
			continue;
		}
		report_join(out, &job->shared->report);
		out->ran[out->probe_count++] = job->shared->is;
	}
	subject_look_again(&s->check, out);
	softnet_count_again(s, out);
	report_sort(out);
}

static bool probe_concerns(const struct check *check, const struct probe *p)
{
	return p->guest < GUEST_ONLY || check->options->probe.guest;
}

static void job_add(struct schedule *s, const struct probe *p, struct shared *shared, bool outside)
{
	s->at[s->count] = job_make(&s->check, p, &shared[s->count]);
	s->at[s->count].outside = outside;
	s->count++;
}

static void jobs_choose(struct schedule *s, struct shared *shared)
{
	const struct check_options *o = s->check.options;
	for (size_t i = 0; i < probe_count(); i++) {
		const struct probe *p = probe_at(i);
		if (!probe_chosen(o->probes, i) || !probe_concerns(&s->check, p))
			continue;
		job_add(s, p, shared, false);
		if (o->probe.outside.look && p->observation && p->observation->outside)
			job_add(s, p, shared, true);
	}
}

/* Some run beside each other before, between and after those that run alone. */
uint64_t check_limit(const struct check_options *o)
{
	uint64_t rounds = 3;
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_chosen(o->probes, i))
			rounds += o->probe.gentle || probe_at(i)->mode == PROBE_EXCLUSIVE;
	return rounds * job_longest(o);
}

/* Only probe counters compares with an earlier report: without it "nothing was lost" is not known.
 */
static int since_compared(const struct check_options *o, struct err *e)
{
	char probes[PROBES_TEXT];
	if (!o->probe.since || !o->probes || o->probes & probes_parse("counters", NULL))
		return 0;
	return err_set(e, EINVAL, "check: --since needs probe counters; add it to --probe %s",
		       probes_text(o->probes, probes));
}

static void shared_unmap(struct shared **shared)
{
	if (*shared)
		munmap(*shared, SCHEDULE_JOBS * sizeof(**shared));
}

static int host_choose(const struct check_options *o, struct host **host, struct err *e)
{
	int rc = host_open(host, o->sysroot ? o->sysroot : "/", e);
	if (rc || !o->sysroot)
		return rc;
	if (host_live(*host))
		return err_set(e, EINVAL, "--sysroot %s is this machine, not a captured one",
			       o->sysroot);
	if (!host_has(*host, "proc/sys"))
		return err_set(e, EINVAL,
			       "--sysroot %s is not a captured machine: it has no proc/sys",
			       o->sysroot);
	return 0;
}

static int netns_choose(const struct check_options *o, char enter[REPORT_ENTER], struct err *e)
{
	bool here = false;
	int rc = host_in_netns(o->netns, &here, e);
	if (rc || here)
		return rc;
	if (!o->stay)
		return netns_enter(o->netns, enter, e);
	rc = err_set(e, EXDEV, "the target is of the network namespace %s", o->netns);
	err_remedy(e, "apply changes this one only; run it there with nsenter --net=PATH");
	return rc;
}

/* After -EXDEV, whose text `e` has. */
static int subject_enter(const struct check_options *o, struct host **host, struct subject *subject,
			 char enter[REPORT_ENTER], struct err *e)
{
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)subject->pid);
	subject_free(subject);
	if (o->stay) {
		err_remedy(e, "apply changes this one only; run: nsenter --net=/proc/%s/ns/net %s",
			   pid, o->command ? o->command : "the same command");
		return -EXDEV;
	}
	host_close(*host);
	*host = NULL;
	int rc = netns_enter(pid, enter, e);
	if (!rc)
		rc = host_choose(o, host, e);
	if (!rc)
		rc = subject_find(*host, o->server, true, subject, e);
	return rc == -EXDEV ? err_recode(e, ENOENT) : rc;
}

int check_open(const struct check_options *o, struct host **host, struct subject *subject,
	       char enter[REPORT_ENTER], struct err *e)
{
	int rc = o->netns ? netns_choose(o, enter, e) : 0;
	if (!rc)
		rc = host_choose(o, host, e);
	if (rc)
		return rc;
	if (o->server)
		rc = subject_find(*host, o->server, o->netns, subject, e);
	if (rc == -EXDEV)
		rc = subject_enter(o, host, subject, enter, e);
	return rc ? rc : netns_left_lay(*host, &subject->outside, e);
}

int check_again(const struct check_options *o, struct check_subject *of, struct err *e)
{
	CLEAN(subject_free) struct subject found = {0};
	CLEAN(host_closep) struct host *host = NULL;
	char enter[REPORT_ENTER] = "", pid[16];
	int rc = check_open(o, &host, &found, enter, e);
	if (rc && !host && o->netns) /* the process that names it may have ended */
		rc = subject_find(of->host, o->server, true, &found, e);
	if (!rc) {
		struct subject old = of->subject;
		of->subject = found;
		found = old;
	}
	of->moved = host && enter[0];
	if (host && (!rc || of->moved)) {
		struct host *left = of->host;
		of->host = host;
		host = left;
	}
	if (of->moved) {
		memcpy(of->enter, enter, sizeof(enter));
	} else if (!rc && of->enter[0] && !o->netns && of->subject.pid) {
		snprintf(pid, sizeof(pid), "%d", (int)of->subject.pid);
		netns_command(pid, of->enter);
	}
	return rc;
}

/* The labs of probes that were killed are children of this process: their servers have a grace. */
static void orphans_await(void)
{
	uint64_t until = clock_ms() + ORPHANS_MS;
	while (waitpid(-1, NULL, WNOHANG) >= 0 && clock_ms() < until)
		clock_sleep_ms(1);
}

static void guest_endp(struct guest **r)
{
	guest_close(*r);
	if ((*r)->command) {
		orphans_await();
		guest_socket_remove(*r);
	}
}

/* Starts the operator's server in a lab, as the subject; shows what it printed where it fails. */
static int guest_begin(const struct check *check, struct guest *r, struct subject *subject,
		       struct err *e)
{
	char output[PROGRAM_OUTPUT];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	int rc = guest_open(r, check->host, check_ipv6(check),
			    report_margin(check->options->target.connections), e);
	if (!rc)
		rc = guest_subject_serving(r, check->host, subject, e);
	if (!rc || interrupt_came())
		return rc;
	guest_output(r, output);
	fputs(output, stderr);
	return rc;
}

static const char *unasked(const struct check_options *o)
{
	return o->sysroot ? "experiments need a running machine"
	       : o->quick ? "--quick runs no experiments"
			  : NULL;
}

/* A control group that has used up its CPU quota does so again: for the rest of the period nothing
 * is accepted, and the target's stall cannot be shorter. */
static void stall_raise(const struct host *host, struct check_options *o)
{
	struct host_facts facts;
	struct cgroup group;
	const struct subject *subject = o->probe.subject;
	subject_group(host, subject, &group);
	host_facts(host, &facts);
	uint64_t pause;
	if (!cgroup_paused(&group, facts.cpus, &pause) || pause <= o->target.stall_us)
		return;
	o->target.stall_us = o->probe.pause_us = pause;
}

/* Whether the labs fit into the groups of this process, and what those use without a probe. */
static void groups_read(struct check *c, struct check_options *o)
{
	struct host_facts facts;
	const struct cgroup *group = &c->group;
	cgroup_read(c->host, 0, &c->group);
	o->probe.before = host_live(c->host) ? group : NULL;
	host_facts(c->host, &facts);
	room_lacks(group, facts.cpus, c->cramped, sizeof(c->cramped));
	c->limited = group->quota_count || room_is_scarce(group, facts.cpus);
}

static int probes_run(struct schedule *s, const char *enter, struct report *out, struct err *e)
{
	CLEAN(shared_unmap) struct shared *shared = NULL;
	void *memory = mmap(NULL, SCHEDULE_JOBS * sizeof(*shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return err_errno(e, "memory for the probes' reports");
	shared = memory;
	jobs_choose(s, shared);
	if (!s->check.unasked)
		schedule_run(s);
	else
		schedule_inspect(s);
	report_head(s, enter, out);
	report_join_jobs(s, out);
	return 0;
}

/* What the kernel has counted before: losses while the server is observed are of the report. */
static int before_read(const struct check *check, struct report *before, struct err *e)
{
	struct check_options o = *check->options;
	struct schedule s = {.check = *check};
	o.probes = probes_parse("counters,listeners,container,nic", NULL);
	s.check.options = &o;
	s.check.unasked = "";
	return probes_run(&s, "", before, e);
}

static int values_lay(const struct check_options *o, struct host *h, struct err *e)
{
	for (size_t i = 0; i < o->laid_count; i++) {
		char path[SYSCTL_PATH];
		sysctl_path(o->laid[i].name, path);
		int rc = host_lay(h, path, o->laid[i].value, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* Takes the target from what the server does, but for the numbers that were given. */
static void target_take(struct check_options *o, struct report_observed *seen)
{
	seen->headroom_percent = o->headroom_percent;
	struct target target = observed_target(seen, &o->target);
	seen->target = target_fit(&target);
	struct target checked = observed_headroom(seen, &seen->target, o->headroom_percent);
	checked = target_fit(&checked);
	checked = target_keep(&o->target, o->kept, &checked);
	seen->rate_given = o->kept & target_bit("rate");
	if (seen->udp_others)
		o->probe.datagrams_most = observed_datagrams(seen, o->headroom_percent);
	o->probe.stall_seen = checked.stall_us != o->target.stall_us;
	o->target = checked;
}

/* A server may restart while it is observed: what is judged is how it runs then. `before` has what
 * was counted before, if no earlier report was given; the caller frees it. */
static int observe(const struct check *check, struct check_options *o, struct check_subject *of,
		   struct report **before, struct report_observed *out, struct err *e)
{
	char arguments[256];
	int rc = 0;
	if (!o->probe.since) {
		*before = calloc(1, sizeof(**before));
		if (!*before)
			return err_set(e, ENOMEM, "--observe: out of memory");
		rc = before_read(check, *before, e);
	}
	if (!rc)
		rc = observe_server(o, of, out, e);
	if (rc)
		return rc;
	o->probe.since_began = !o->probe.since;
	if (!o->probe.since)
		o->probe.since = *before;
	target_take(o, out);
	rc = check_again(o, of, e);
	if (!rc) {
		subject_behind_read(of->host, &of->subject);
		o->probe.outside = netns_left_look(of->host); /* it may have another namespace */
		return values_lay(o, of->host, e);
	}
	target_arguments(&out->target, arguments, sizeof(arguments));
	err_prefix(e, "observed for %s, as options:%s; then",
		   quantity_measured(QUANTITY_DURATION, out->us).text,
		   arguments[0] ? arguments : " none, it is the default target");
	return rc;
}

int check_inspect(const struct check_options *given, struct host *host, struct report *out,
		  struct err *e)
{
	struct check_options o = *given;
	struct schedule s = {.check = {.options = &o, .host = host, .watched = -1, .unasked = ""}};
	stall_raise(host, &o);
	return probes_run(&s, "", out, e);
}

/* Without --role a server that is a proxy is judged as one. */
static void role_assume(struct host *h, struct subject *s, struct check_options *o)
{
	const struct server_row *row = subject_row(s);
	subject_behind_read(h, s);
	if (!row || !row->proxies || (s->behind.known && !s->behind.any) ||
	    target_is_asked(o, "role") || o->target.role == TARGET_PROXY)
		return;
	o->proxy = true;
	o->target.role = TARGET_PROXY;
	o->target.role_assumed = true;
}

/* What follows from all walls together. */
static void report_end(const struct check_options *o, const struct accepted *accepted,
		       struct report *out)
{
	if (o->server && !target_is_asked(o, "role"))
		role_judge(o->probe.subject, out);
	udp_load_judge(o->probe.subject, o->probe.datagrams_most, out);
	for (size_t i = 0; i < accepted->count; i++)
		report_accept(out, &accepted->at[i]);
}

static void check_subject_free(struct check_subject *of)
{
	subject_free(&of->subject);
	host_close(of->host);
}

int check_run(const struct check_options *given, struct report *out, struct err *e)
{
	CLEAN(check_subject_free) struct check_subject of = {0};
	CLEAN(host_closep) struct host *earlier = NULL;
	struct check_options options = *given, *o = &options;
	CLEAN(own_time_free) struct own_time *own = NULL;
	CLEAN(guest_endp) struct guest *guest = &o->guest;
	CLEAN(free_pointer) struct report *before = NULL;
	CLEAN(free_pointer) struct accepted *accepted = malloc(sizeof(*accepted));
	CLEAN(close_fd) int watched = eventfd(0, EFD_CLOEXEC);
	struct schedule s = {.check = {.options = o, .watched = watched, .unasked = unasked(o)}};
	if (watched < 0)
		return err_errno(e, "an eventfd for the probes");
	if (!accepted)
		return err_set(e, ENOMEM, "accepted findings: out of memory");
	int rc = accepted_gather(&o->saved.accepted, o->ignore, !o->sysroot, accepted, e);
	if (!rc)
		rc = since_compared(o, e);
	if (!rc)
		rc = check_open(o, &of.host, &of.subject, of.enter, e);
	if (!rc)
		rc = since_check(o, of.host, of.enter[0], e);
	if (!rc)
		rc = values_lay(o, of.host, e);
	if (rc)
		return rc;
	s.check.host = of.host;
	if (o->guest.command && (rc = guest_begin(&s.check, &o->guest, &of.subject, e)))
		return rc;
	o->probe.guest = o->guest.command ? &o->guest : NULL;
	bool named = o->server || o->probe.guest;
	if (!named && (rc = subject_captured(of.host, &of.subject, e)) < 0)
		return rc;
	named |= rc > 0;
	rc = 0;
	o->probe.subject = named ? &of.subject : NULL;
	o->probe.outside = netns_left_look(of.host);
	if (o->sysroot && named && o->probe.backlog)
		return err_set(e, EINVAL,
			       "check: --backlog and a captured server exclude each other: the "
			       "capture has its backlog");
	o->target.datagrams_only &= !o->probe.guest && subject_prefers_datagrams(o->probe.subject);
	if (named && !o->probe.guest)
		role_assume(of.host, &of.subject, o);
	host_open_earlier(&earlier, of.host, NULL);
	s.check.earlier = earlier;
	if (o->observe_us && (rc = observe(&s.check, o, &of, &before, &out->observed, e)))
		return rc;
	s.check.host = of.host;
	o->probe.entered = of.enter[0];
	groups_read(&s.check, o);
	if ((rc = own_time_make(&own, e)))
		return rc;
	s.check.own = own;
	o->probe.own = own;
	if (s.check.unasked)
		host_freeze(of.host);
	stall_raise(of.host, o);
	rc = probes_run(&s, of.enter, out, e);
	if (!rc)
		report_end(o, accepted, out);
	return rc;
}
