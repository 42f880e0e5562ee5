/* Which processes accept from listeners. */
#include "epolltune/listener.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/owners.h"
#include "host/processes.h"

/* The index of the process in l->processes; -1: there is no memory. */
static int process_take(struct listeners *l, const struct process *p)
{
	for (size_t i = 0; i < l->process_count; i++)
		if (process_same(&l->processes[i], p))
			return (int)i;
	struct process *more = array_add(&l->processes, &l->process_count, sizeof(*more));
	if (!more)
		return -1;
	*more = *p;
	return (int)l->process_count - 1;
}

int listeners_join(struct listeners *l, const struct listeners *more, struct err *e)
{
	CLEAN(free_pointer) int *taken = calloc(more->process_count + 1, sizeof(*taken));
	int rc = taken ? 0 : err_set(e, ENOMEM, "cannot list sockets: out of memory");
	for (size_t i = 0; i < more->process_count && !rc; i++)
		taken[i] = -1;
	for (size_t i = 0; i < more->count && !rc; i++) {
		int owner = more->at[i].owner;
		rc = listeners_add(l, &more->at[i], e);
		if (rc || owner < 0)
			continue;
		if (taken[owner] < 0)
			taken[owner] = process_take(l, &more->processes[owner]);
		l->at[l->count - 1].owner = taken[owner];
	}
	return rc;
}

/* Drops processes that passed all to their children. */
static void processes_compact(struct listeners *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->process_count; i++) {
		bool owns = false;
		for (size_t k = 0; k < l->count; k++)
			if (l->at[k].owner == (int)i) {
				l->at[k].owner = (int)kept;
				owns = true;
			}
		if (owns)
			l->processes[kept++] = l->processes[i];
	}
	l->process_count = kept;
}

/* Whether a socket of UDP, or one of the others, without an owner still exists. */
static bool kind_left(const struct host *h, bool udp, struct listener *const *wanted,
		      const int *owner, size_t count)
{
	struct listeners now;
	size_t i = 0;
	while (i < count && (owner[i] >= 0 || (wanted[i]->kind == LISTENER_UDP) != udp))
		i++;
	if (i == count)
		return false;
	bool left =
		(udp ? listeners_read_udp(h, true, &now, NULL) : listeners_read(h, &now, NULL)) < 0;
	for (; i < count && !left; i++)
		left = owner[i] < 0 && listeners_find(&now, wanted[i]->cookie);
	listeners_free(&now);
	return left;
}

static bool any_left(const struct host *h, struct listener *const *wanted, const int *owner,
		     size_t count)
{
	return kind_left(h, false, wanted, owner, count) ||
	       kind_left(h, true, wanted, owner, count);
}

static int wanted_own(const struct host *h, struct listeners *l, struct listener *const *wanted,
		      struct owners *o, struct err *e)
{
	const size_t count = o->thing_count;
	for (size_t i = 0; i < count; i++) {
		o->sockets[i] = (struct owned_socket){.inode = wanted[i]->inode, .thing = i};
		o->owner[i] = -1;
	}
	int r = owners_find(h, o, e);
	l->processes = o->processes;
	l->process_count = o->process_count;
	for (size_t i = 0; i < count; i++) {
		wanted[i]->owner = o->owner[i];
		wanted[i]->systemd = o->systemd[i];
	}
	bool left = !r && !o->chosen && any_left(h, wanted, o->owner, count);
	l->hidden |= left && o->denied;
	l->cut |= left && o->cut;
	l->apart |= left && o->apart;
	l->unheld |= left && !o->denied && !o->cut && !o->apart;
	return r;
}

static int own(const struct host *h, struct listeners *l,
	       bool (*wanted)(const struct listener *l, void *arg), void *arg, struct owners o,
	       struct err *e)
{
	size_t count = 0;
	if (!h->live)
		return 0;
	CLEAN(free_pointer) struct listener **at = calloc(l->count + 1, sizeof(struct listener *));
	CLEAN(free_pointer)
	struct owned_socket *sockets = calloc(l->count + 1, sizeof(*sockets));
	CLEAN(free_pointer) int *owner = calloc(l->count + 1, sizeof(*owner));
	CLEAN(free_pointer) bool *systemd = calloc(l->count + 1, sizeof(*systemd));
	if (!at || !sockets || !owner || !systemd)
		return err_set(e, ENOMEM, "cannot find the owners of sockets: out of memory");
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].owner < 0 && l->at[i].inode && wanted(&l->at[i], arg))
			at[count++] = &l->at[i];
	o.sockets = sockets;
	o.socket_count = o.thing_count = count;
	o.owner = owner;
	o.systemd = systemd;
	o.processes = l->processes;
	o.process_count = l->process_count;
	int rc = count ? wanted_own(h, l, at, &o, e) : 0;
	processes_compact(l);
	return rc;
}

int listeners_own(const struct host *h, struct listeners *l,
		  bool (*wanted)(const struct listener *l, void *arg), void *arg, struct err *e)
{
	return own(h, l, wanted, arg, (struct owners){0}, e);
}

static bool any_listener(const struct listener *l, void *unused) { return true; }

int listeners_own_by(const struct host *h, struct listeners *l,
		     bool (*chosen)(const struct process *p), struct err *e)
{
	return own(h, l, any_listener, NULL, (struct owners){.chosen = chosen}, e);
}

int listeners_own_among(const struct host *h, struct listeners *l, const pid_t *pids, size_t count,
			struct err *e)
{
	l->cut = false;
	return own(h, l, any_listener, NULL, (struct owners){.among = pids, .among_count = count},
		   e);
}

static int process_adopt(const struct host *h, struct listeners *l, const struct process *was,
			 struct err *e)
{
	struct process now;
	for (size_t i = 0; i < l->process_count; i++)
		if (process_same(&l->processes[i], was))
			return (int)i;
	if (process_read(h, was->pid, &now, NULL) < 0 || !process_same(&now, was))
		return -1;
	int taken = process_take(l, &now);
	return taken < 0 ? err_set(e, ENOMEM, "cannot find the owners of sockets: out of memory")
			 : taken;
}

int listeners_adopt(const struct host *h, struct listeners *l, const struct listeners *earlier,
		    struct err *e)
{
	for (size_t i = 0; h->live && i < earlier->count; i++) {
		const struct listener *was = &earlier->at[i];
		const struct listener *now = listeners_find(l, was->cookie);
		if (!now || was->owner < 0)
			continue;
		int owner = process_adopt(h, l, &earlier->processes[was->owner], e);
		if (owner < -1)
			return owner;
		l->at[now - l->at].owner = owner;
		l->at[now - l->at].systemd = was->systemd;
	}
	return 0;
}
