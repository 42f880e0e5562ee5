/* Finds the server that the operator names: by process, unit or address. */
#include "epolltune/subject.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "epolltune/ports.h"
#include "host/acceptors.h"
#include "host/descriptors.h"
#include "host/elsewhere.h"
#include "host/machine.h"
#include "host/processes.h"
#include "host/server_query.h"

/* Descriptors to look at: of a process, first, behind a listener that it holds, and of all. What a
 * server opens at its start has low ones; the others are looked at for a listener that no process
 * has so low. */
#define SCAN_LOW 128
#define SCAN_BEHIND 1024
#define SCAN_ALL 1048576
/* Candidates that an error lists. */
#define CANDIDATES 4
#define CANDIDATE 160

/* A process that the query names, or one of its tree. */
struct member {
	pid_t pid, root;
	char name[16];
	uint64_t started;
	bool elsewhere; /* in another network namespace */
	bool holds;     /* a listener of this one */
	bool denied;    /* its descriptors are not visible */
	bool more;      /* not all of them were looked at */
};

/* The socket of a listener of this network namespace. */
struct claim {
	uint64_t inode; /* first: its order */
	bool held;      /* by the tree in question */
	bool other;     /* it belongs to a process of another server */
};

struct subject_search {
	const struct host *host;
	const struct server_query *query;
	struct listeners *all;      /* of this network namespace */
	struct claim *claims;       /* by inode */
	size_t claim_count, unheld; /* and those that are neither held nor another's */
	struct member *members;
	size_t count;
	unsigned descriptors;      /* that may still be looked at */
	bool cut;                  /* they were too few to find all that it holds */
	bool here_only;            /* this network namespace was asked for */
	bool udp;                  /* listeners are UDP sockets */
	enum unit_manager manager; /* of the unit that is asked for */
};

static bool any_listener(const struct listener *l, void *unused) { return true; }

/* "nginx (pid 812) on 0.0.0.0:80; nginx (pid 990) on …" */
static int several(const struct server_query *q, char list[CANDIDATES][CANDIDATE], size_t count,
		   struct err *e)
{
	static const char end[] = " and 99999 more; give a pid or an address";
	size_t named = 0;
	err_set(e, ENOTUNIQ, "--server %s: several servers: ", q->who);
	while (named < count && named < CANDIDATES &&
	       err_append_before(e, end, "%s%.78s", named ? "; " : "", list[named]))
		named++;
	if (count > named)
		err_append(e, " and %zu more", count - named);
	err_append(e, "; give a pid or an address");
	return -ENOTUNIQ;
}

/* Without their owners, listeners of one user at several addresses may be several servers; 0.0.0.0
 * and [::] are one. */
static bool hidden_agree(const struct listener *a, const struct listener *b)
{
	return a->uid == b->uid &&
	       (listener_shares_arrivals(a, b) ||
		(a->device == b->device && listener_is_wild(a) && listener_is_wild(b)));
}

static int hidden_check(const struct listeners *l, const struct server_query *q, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	const struct listener *first = NULL;
	for (size_t i = 0; i < l->count; i++) {
		const struct listener *at = &l->at[i];
		if (at->owner >= 0)
			return 0;
		first = first ? first : at;
		if (hidden_agree(first, at))
			continue;
		snprintf(list[0], CANDIDATE, "%s", first->address);
		snprintf(list[1], CANDIDATE, "%s", at->address);
		return several(q, list, 2, e);
	}
	return 0;
}

static pid_t root_of(const struct listeners *l, const struct listener *at)
{
	return at->owner < 0 ? 0 : l->processes[at->owner].root;
}

/* Whether two listeners are of one server: of one tree, or of those that share an address by
 * SO_REUSEPORT, which need no common ancestor. */
static bool one_server(const struct listeners *l, const struct listener *a,
		       const struct listener *b)
{
	return root_of(l, a) == root_of(l, b) || listener_shares_arrivals(a, b);
}

/* Marks those that are of one server with the first, directly or by others. */
static void server_mark(const struct listeners *l, bool *mine)
{
	bool more = l->count;
	mine[0] = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < l->count; i++)
			for (size_t k = 0; k < l->count && !mine[i]; k++)
				if (mine[k] && one_server(l, &l->at[i], &l->at[k]))
					more = mine[i] = true;
	}
}

/* The owners must be one server. */
static int owners_agree(const struct listeners *l, const struct server_query *q, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	pid_t roots[CANDIDATES + 1];
	size_t count = 0;
	CLEAN(free_pointer) bool *mine = calloc(l->count + 1, sizeof(*mine));
	if (!mine)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	server_mark(l, mine);
	for (size_t i = 0; i < l->count && count <= CANDIDATES; i++) {
		pid_t root = root_of(l, &l->at[i]);
		bool known = !root || (count && mine[i]);
		for (size_t k = 0; k < count; k++)
			known |= roots[k] == root;
		if (known)
			continue;
		if (count < CANDIDATES)
			listener_name(l, &l->at[i], list[count], CANDIDATE);
		roots[count++] = root;
	}
	return count > 1 ? several(q, list, count, e) : 0;
}

/* Where the kernel forwards the clients of all that listens past it, that has nothing to judge. */
static int bypass_check(const struct listeners *l, const struct server_query *q, struct err *e)
{
	const struct forwarder_row *row = NULL;
	const struct process *first = NULL;
	const struct listener *held = NULL;
	for (size_t i = 0; i < l->count; i++) {
		const struct listener *at = &l->at[i];
		if (at->owner < 0 || !at->port)
			continue;
		row = forwarder_row_find(l->processes[at->owner].name, at->port);
		if (!row || !row->bypassed || (row->copies_local && listener_on_loopback(at)))
			return 0;
		held = held ? held : at;
		first = first ? first : &l->processes[at->owner];
	}
	if (!first)
		return 0;
	err_set(e, EREMOTE,
		"--server %s: %s (pid %d) only holds the published port %s, and the kernel forwards "
		"clients of other hosts past it",
		q->who, first->name, (int)first->pid, held->address);
	err_remedy(e, "give the pid of the server behind it, as of: %s", row->pid);
	return -EREMOTE;
}

static int find_by_listener(const struct host *h, const struct server_query *q, struct subject *out,
			    struct err *e)
{
	struct listeners *l = &out->listeners;
	int rc = server_query_keep(l, q, e);
	if (!rc)
		rc = listeners_own(h, l, any_listener, NULL, e);
	if (!rc)
		rc = hidden_check(l, q, e);
	if (!rc)
		rc = bypass_check(l, q, e);
	return rc ? rc : owners_agree(l, q, e);
}

static const struct process_stat *stat_find(const struct process_stat *all, size_t count, pid_t pid)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && all[low].pid == pid ? &all[low] : NULL;
}

/* Ordered by pid. */
struct processes {
	struct process_stat *at;
	size_t count;
};

static bool stat_of(const void *from, pid_t pid, struct process_stat *out)
{
	const struct processes *all = from;
	const struct process_stat *found = stat_find(all->at, all->count, pid);
	if (found)
		*out = *found;
	return found;
}

static bool owns_any(const struct listeners *l, pid_t pid)
{
	for (size_t i = 0; i < l->process_count; i++)
		if (l->processes[i].pid == pid)
			return true;
	return false;
}

/* Whether a process is in the unit that is asked for, of any manager. */
static bool in_unit(const struct subject_search *s, pid_t pid, enum unit_manager *manager)
{
	char unit[sizeof(((struct process *)0)->unit)];
	CLEAN(close_fd) int process = process_open(s->host, pid, NULL);
	if (process < 0)
		return false;
	*manager = process_unit(process, unit, sizeof(unit));
	return !strcmp(unit, s->query->who);
}

/* The system's unit comes before one of a user, and that before one of a container that has a
 * systemd of its own. */
static enum unit_manager manager_find(const struct subject_search *s,
				      const struct process_stat *all, size_t count)
{
	enum unit_manager best = UNIT_INSIDE, is;
	for (size_t i = 0; i < count && best != UNIT_SYSTEM; i++)
		if (in_unit(s, all[i].pid, &is) && is < best)
			best = is;
	return best;
}

static bool process_asked(const struct subject_search *s, const struct process_stat *p)
{
	const struct server_query *q = s->query;
	enum unit_manager manager;
	if (q->kind == BY_PID)
		return p->pid == q->pid;
	if (q->kind == BY_ADDRESS || q->kind == BY_PATH)
		return owns_any(s->all, p->pid);
	if (q->kind == BY_NAME)
		return server_named(q->who, p->name);
	return in_unit(s, p->pid, &manager) && manager == s->manager;
}

/* NULL: it is none of a listener. */
static struct claim *claim_find(const struct subject_search *s, uint64_t inode)
{
	const struct claim key = {.inode = inode};
	return inode ? bsearch(&key, s->claims, s->claim_count, sizeof(key), u64_compare) : NULL;
}

static bool is_held(const struct subject_search *s, const struct listener *l)
{
	const struct claim *c = claim_find(s, l->inode);
	return c && c->held;
}

static bool is_unheld(const struct listener *l, void *search)
{
	return l->inode && !is_held(search, l);
}

static void claims_clear(struct subject_search *s)
{
	for (size_t i = 0; i < s->claim_count; i++)
		s->claims[i].held = s->claims[i].other = false;
	s->unheld = s->claim_count;
}

static int claims_make(struct subject_search *s, struct err *e)
{
	s->claims = calloc(s->all->count + 1, sizeof(*s->claims));
	if (!s->claims)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	for (size_t i = 0; i < s->all->count; i++)
		if (s->all->at[i].inode)
			s->claims[s->claim_count++].inode = s->all->at[i].inode;
	qsort(s->claims, s->claim_count, sizeof(*s->claims), u64_compare);
	s->unheld = s->claim_count;
	return 0;
}

/* Whether the process holds one of the listeners, all of which it marks. */
static bool claims_mark(struct subject_search *s, const struct descriptor *d)
{
	struct claim *c = claim_find(s, d->socket);
	if (!c)
		return false;
	s->unheld -= !c->held && !c->other;
	c->held = true;
	return true;
}

/* Looks at the descriptors of a process, `low` or all of them, while there are listeners to find.
 */
static void descriptors_look(struct subject_search *s, int process, struct member *m, bool low)
{
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	unsigned end = low ? SCAN_LOW : UINT_MAX, n = 0;
	m->holds = m->more = false;
	m->denied = descriptors_open(&all, process) < 0;
	while (!m->denied && !m->more && (!m->holds || s->unheld)) {
		m->more = n == end || !s->descriptors;
		if (m->more || !descriptors_next(&all, &d))
			return;
		n++;
		s->descriptors--;
		m->denied = !d.link[0]; /* root without CAP_SYS_PTRACE sees the numbers only */
		if (!claims_mark(s, &d))
			continue;
		m->holds = true;
		if (low)
			end = n + SCAN_BEHIND;
	}
}

/* Names the processes that listen here, for an operator who has mistyped one: "nginx, redis". */
static void listening_name(const struct subject_search *s, char *text, size_t size)
{
	struct listeners *l = s->all;
	size_t used = 0, named = 0;
	listeners_own(s->host, l, any_listener, NULL, NULL);
	text[0] = 0;
	for (size_t i = 0; i < l->process_count && named < CANDIDATES && used < size; i++) {
		bool known = false;
		for (size_t k = 0; k < i; k++)
			known |= !strcmp(l->processes[k].name, l->processes[i].name);
		if (known)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", named++ ? ", " : "",
					 l->processes[i].name);
	}
}

static int no_process(const struct subject_search *s, struct err *e)
{
	const struct server_query *q = s->query;
	char names[160];
	if (q->kind == BY_UNIT)
		return err_set(e, ESRCH, "--server %s: no process runs in this unit", q->who);
	err_set(e, ESRCH, "--server %s: no such process", q->who);
	if (q->kind == BY_PID)
		return q->pid <= UINT16_MAX ? err_remedy(e, "for a port write :%d", (int)q->pid)
					    : -ESRCH;
	listening_name(s, names, sizeof(names));
	return names[0] ? err_remedy(e, "processes that listen here: %s", names) : -ESRCH;
}

static int members_find(struct subject_search *s, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	CLEAN(free_pointer) pid_t *roots = NULL;
	size_t count, root_count = 0;
	int rc = process_list(s->host, &all, &count, e);
	if (rc)
		return rc;
	const struct processes list = {all, count};
	s->members = calloc(count + 1, sizeof(*s->members));
	roots = calloc(count + 1, sizeof(*roots));
	if (!s->members || !roots)
		return err_set(e, ENOMEM, "cannot list processes: out of memory");
	if (s->query->kind == BY_UNIT)
		s->manager = manager_find(s, all, count);
	for (size_t i = 0; i < count; i++)
		if (process_asked(s, &all[i]))
			roots[root_count++] = process_root(&all[i], stat_of, &list);
	for (size_t i = 0; i < count && root_count; i++) {
		pid_t root = process_root(&all[i], stat_of, &list);
		for (size_t k = 0; k < root_count; k++) {
			if (roots[k] != root)
				continue;
			struct member *m = &s->members[s->count++];
			*m = (struct member){
				.pid = all[i].pid, .root = root, .started = all[i].started};
			snprintf(m->name, sizeof(m->name), "%s", all[i].name);
			break;
		}
	}
	return s->count ? 0 : no_process(s, e);
}

static void keep_held(struct subject_search *s)
{
	struct listeners *l = s->all;
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (is_held(s, &l->at[i]))
			l->at[kept++] = l->at[i];
	l->count = kept;
	/* What is left out now is no more to be found. */
	for (size_t i = 0; i < s->claim_count; i++)
		s->claims[i].other |= !s->claims[i].held;
	s->unheld = 0;
}

static void member_look(struct subject_search *s, struct member *m, struct netns_id here)
{
	CLEAN(close_fd) int process = process_open(s->host, m->pid, NULL);
	if (process < 0)
		return;
	/* A process that has left this network namespace keeps the listeners that it got here. */
	descriptors_look(s, process, m, true);
	if (m->holds || s->here_only || !netns_is_known(here))
		return;
	struct netns_id netns = process_netns(process);
	m->elsewhere = netns_is_known(netns) && !netns_same(netns, here) &&
		       process_listens(process, s->udp);
}

static bool is_member(pid_t pid, void *search)
{
	const struct subject_search *s = search;
	for (size_t i = 0; i < s->count; i++)
		if (s->members[i].pid == pid)
			return true;
	return false;
}

/* Leaves those out that a process has which is no member. */
static void others_claim(struct subject_search *s)
{
	struct listeners *l = s->all;
	listeners_own(s->host, l, is_unheld, s, NULL);
	for (size_t i = 0; i < l->count; i++) {
		struct claim *c = claim_find(s, l->at[i].inode);
		int owner = l->at[i].owner;
		if (!c || c->held || c->other || owner < 0 || is_member(l->processes[owner].pid, s))
			continue;
		c->other = true;
		s->unheld--;
	}
	l->hidden = l->cut = false; /* of others */
}

/* Looks at the descriptors that were left out: of the members that `chosen` says, for listeners
 * that others do not have. */
static void rest_look(struct subject_search *s,
		      bool (*chosen)(const struct subject_search *s, const struct member *m))
{
	bool any = false;
	for (size_t i = 0; i < s->count; i++)
		any |= s->members[i].more && chosen(s, &s->members[i]);
	if (any && s->unheld)
		others_claim(s);
	for (size_t i = 0; any && i < s->count && s->unheld; i++) {
		struct member *m = &s->members[i];
		CLEAN(close_fd)
		int process = m->more && chosen(s, m) ? process_open(s->host, m->pid, NULL) : -1;
		if (process < 0)
			continue;
		bool held = m->holds;
		descriptors_look(s, process, m, false);
		m->holds |= held;
		s->cut |= m->more;
	}
	s->cut &= s->unheld != 0;
}

static bool is_asked(const struct subject_search *s, const struct member *m)
{
	return s->query->kind == BY_PID && m->pid == s->query->pid;
}

static bool any_member(const struct subject_search *s, const struct member *m) { return true; }

/* What a process that the operator names by pid holds is the server, not what a relative holds. */
static void members_look(struct subject_search *s, struct netns_id here)
{
	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < s->count; i++)
			if (is_asked(s, &s->members[i]) != others)
				member_look(s, &s->members[i], here);
		rest_look(s, others ? any_member : is_asked);
		for (size_t i = 0; i < s->count && !others; i++)
			if (s->members[i].holds)
				keep_held(s);
	}
}

/* A unit is one server, also with processes of several names. */
static pid_t tree_of(const struct subject_search *s, const struct member *m)
{
	return s->query->kind == BY_UNIT ? s->members[0].root : m->root;
}

static bool member_holds(const struct member *m) { return m->holds; }
static bool member_elsewhere(const struct member *m) { return m->elsewhere; }
static bool member_denied(const struct member *m) { return m->denied; }

/* The first member of the trees of which one is so; *count: of how many. Lists them. */
static const struct member *trees_find(const struct subject_search *s,
				       bool (*is)(const struct member *), size_t *count,
				       char list[CANDIDATES][CANDIDATE])
{
	const struct member *first = NULL;
	*count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct member *m = &s->members[i];
		bool known = !is(m);
		for (size_t k = 0; k < i && !known; k++)
			known = is(&s->members[k]) && tree_of(s, &s->members[k]) == tree_of(s, m);
		if (known)
			continue;
		if (*count < CANDIDATES)
			snprintf(list[*count], CANDIDATE, "%s (pid %d)", m->name, (int)m->root);
		++*count;
		first = first ? first : m;
	}
	return first;
}

/* Adds to each candidate where it listens. */
static void candidates_name(struct subject_search *s, const struct listeners *all,
			    char list[CANDIDATES][CANDIDATE])
{
	pid_t named[CANDIDATES];
	size_t count = 0;
	for (size_t i = 0; i < s->count && count < CANDIDATES; i++) {
		const struct member *m = &s->members[i];
		bool known = !m->holds;
		for (size_t k = 0; k < count; k++)
			known |= named[k] == tree_of(s, m);
		CLEAN(close_fd) int process = known ? -1 : process_open(s->host, m->pid, NULL);
		if (process < 0)
			continue;
		struct member again = *m;
		claims_clear(s);
		descriptors_look(s, process, &again, true);
		for (size_t l = 0; l < all->count; l++)
			if (is_held(s, &all->at[l])) {
				snprintf(list[count], CANDIDATE, "%s (pid %d) on %s", m->name,
					 (int)m->root, all->at[l].address);
				break;
			}
		named[count++] = tree_of(s, m);
	}
}

static int no_listener(const struct subject_search *s, struct subject *out, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	size_t count;
	const struct member *m = trees_find(s, member_elsewhere, &count, list);
	if (count > 1)
		return several(s->query, list, count, e);
	if (m) {
		out->pid = m->pid;
		return err_set(e, EXDEV, "%s (pid %d) is in another network namespace", m->name,
			       (int)m->root);
	}
	m = trees_find(s, member_denied, &count, list);
	if (m) {
		err_set(e, EACCES, "the descriptors of %s (pid %d) are not visible to this user",
			m->name, (int)m->root);
		return err_remedy(
			e,
			"run the check as root (with CAP_SYS_PTRACE), or give the address: --server :PORT");
	}
	if (s->cut) {
		err_set(e, E2BIG, "%s (pid %d) has no listener among the first %d descriptors",
			s->members[0].name, (int)s->members[0].root, SCAN_ALL);
		return err_remedy(e, "give the address: --server :PORT");
	}
	return err_set(e, ENOENT,
		       "%s (pid %d) has no TCP, UNIX or UDP listener in this network "
		       "namespace",
		       s->members[0].name, (int)s->members[0].root);
}

/* Where the search among all processes ended at its limit. */
static int members_own(const struct subject_search *s, struct listeners *l, struct err *e)
{
	CLEAN(free_pointer) pid_t *pids = calloc(s->count + 1, sizeof(*pids));
	if (!pids)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	for (size_t i = 0; i < s->count; i++)
		pids[i] = s->members[i].pid;
	return listeners_own_among(s->host, l, pids, s->count, e);
}

static int find_by_process(struct subject_search *s, struct subject *out, struct err *e)
{
	char list[CANDIDATES + 1][CANDIDATE];
	size_t count, others;
	struct netns_id here = {0};
	CLEAN(close_fd) int self = process_open(s->host, getpid(), NULL);
	if (self >= 0)
		here = process_netns(self);
	int rc = members_find(s, e);
	if (rc)
		return rc;
	members_look(s, here);
	trees_find(s, member_holds, &count, list);
	if (!count)
		return no_listener(s, out, e);
	if (count > 1) {
		candidates_name(s, s->all, list);
		return several(s->query, list, count, e);
	}
	const struct member *other = trees_find(s, member_elsewhere, &others, list + 1);
	if (other) {
		candidates_name(s, s->all, list);
		for (size_t i = 1; i <= others && i < CANDIDATES; i++)
			strncat(list[i], " in another network namespace",
				CANDIDATE - strlen(list[i]) - 1);
		return several(s->query, list, others + 1, e);
	}
	keep_held(s);
	rc = listeners_own(s->host, s->all, any_listener, NULL, e);
	if (!rc && s->all->cut)
		rc = members_own(s, s->all, e);
	return rc ? rc : bypass_check(s->all, s->query, e);
}

/* The first process of the tree. */
static void root_describe(const struct host *h, struct subject *out, pid_t pid)
{
	struct process p;
	if (process_read(h, pid, &p, NULL) < 0)
		return;
	out->pid = pid;
	out->started = p.started;
	snprintf(out->name, sizeof(out->name), "%s", p.name);
	snprintf(out->unit, sizeof(out->unit), "%s", p.unit);
	out->manager = p.manager;
	/* The limits of the service are those of its unit, not of the systemd that holds its
	 * socket. They are readable for other users too. */
	out->activated = !strcmp(p.name, "systemd");
	out->soft = out->activated ? 0 : p.soft;
	out->hard = out->activated ? 0 : p.hard;
	out->limited = out->activated ? 0 : pid;
}

/* The tree of which the server is described: of a socket that several trees hold, that of the
 * process which the operator names. */
static pid_t root_described(const struct subject_search *s, const struct process *owner)
{
	for (size_t i = 0; s->query->kind == BY_PID && i < s->count; i++)
		if (s->members[i].pid == s->query->pid && s->members[i].holds)
			return s->members[i].root;
	return owner->root;
}

static int subject_describe(struct subject_search *s, struct subject *out, struct err *e)
{
	const struct listeners *l = &out->listeners;
	int owner = -1;
	for (size_t i = 0; i < l->count && owner < 0; i++)
		owner = l->at[i].owner;
	if (owner < 0)
		return 0;
	root_describe(s->host, out, root_described(s, &l->processes[owner]));
	if (!s->members) {
		int rc = members_find(s, e);
		if (rc)
			return rc == -ESRCH ? 0 : rc;
	}
	return out->activated ? 0 : acceptors_find(s->host, is_member, s, out, e);
}

/* Among the listeners of `out`. */
static int find_in(const struct host *h, const struct server_query *q, bool here_only, bool udp,
		   struct subject *out, struct err *e)
{
	struct subject_search s = {.host = h,
				   .query = q,
				   .all = &out->listeners,
				   .descriptors = SCAN_ALL,
				   .here_only = here_only,
				   .udp = udp};
	int rc = claims_make(&s, e);
	if (!rc)
		rc = q->kind == BY_ADDRESS || q->kind == BY_PATH ? find_by_listener(h, q, out, e)
								 : find_by_process(&s, out, e);
	if (!rc)
		rc = subject_describe(&s, out, e);
	if (s.cut)
		out->cut = udp ? 1u << LISTENER_UDP : 1u << LISTENER_TCP | 1u << LISTENER_UNIX;
	free(s.members);
	free(s.claims);
	return rc;
}

/* Of TCP and UNIX sockets, or of another kind. */
static int find_among(const struct host *h, const struct server_query *q, bool here_only,
		      enum listener_kind kind, struct subject *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	int rc = kind == LISTENER_UDP        ? listeners_read_udp(h, false, &out->listeners, e)
		 : kind == LISTENER_VSOCK    ? listeners_read_vsock(h, &out->listeners, e)
		 : kind == LISTENER_DATAGRAM ? listeners_read_datagram(h, &out->listeners, e)
					     : listeners_read(h, &out->listeners, e);
	return rc ? rc : find_in(h, q, here_only, kind == LISTENER_UDP, out, e);
}

/* A UNIX datagram socket that is asked for, or the only kind of the server that is. That of a path
 * is named without its owner, which may not be visible. */
static bool datagram_find(const struct host *h, const struct server_query *q, struct subject *out)
{
	if (q->kind != BY_PATH)
		return !find_among(h, q, true, LISTENER_DATAGRAM, out, NULL);
	*out = (struct subject){0};
	return !listeners_read_datagram(h, &out->listeners, NULL) &&
	       !server_query_keep(&out->listeners, q, NULL);
}

static int datagram_refuse(const struct host *h, const struct server_query *q, const char *address,
			   struct err *e)
{
	uint64_t length;
	char queue[48] = "";
	if (!host_read_u64(h, "proc/sys/net/unix/max_dgram_qlen", &length, NULL))
		snprintf(queue, sizeof(queue), " = %" PRIu64 " for new ones", length);
	return err_set(e, EOPNOTSUPP,
		       "--server %s: %s is a UNIX datagram socket, and epolltune does not check "
		       "those; the limit of its queue is net.unix.max_dgram_qlen%s",
		       q->who, address, queue);
}

/* A server that listens at what is not checked, or at what this kernel cannot list. Otherwise the
 * error `rc` remains: it has no listener. */
static int unchecked(const struct host *h, const struct server_query *q, unsigned unlisted, int rc,
		     struct err *e)
{
	CLEAN(subject_free) struct subject other = {0};
	CLEAN(subject_free) struct subject datagram = {0};
	if (q->kind == BY_ADDRESS)
		unlisted &= ~(1u << LISTENER_UNIX);
	if (q->kind == BY_PATH)
		unlisted &= ~(1u << LISTENER_UDP);
	else if (q->kind != BY_ADDRESS && !find_among(h, q, true, LISTENER_VSOCK, &other, NULL))
		return err_set(e, EOPNOTSUPP,
			       "--server %s: %s (pid %d) listens at %s only, and epolltune does "
			       "not check vsock",
			       q->who, other.name, (int)other.pid, other.listeners.at[0].address);
	if (q->kind != BY_ADDRESS && datagram_find(h, q, &datagram))
		return datagram_refuse(h, q, datagram.listeners.at[0].address, e);
	if (!unlisted)
		return rc;
	return err_set(e, EOPNOTSUPP,
		       "--server %s: nothing known listens there, but this kernel cannot list %s",
		       q->who, listeners_unlisted(unlisted));
}

int subject_among(const struct host *h, struct listeners *l, const char *who, struct subject *out,
		  struct err *e)
{
	struct server_query q;
	*out = (struct subject){.listeners = *l};
	*l = (struct listeners){0};
	int rc = server_query_make(who, &q, e);
	return rc ? rc : find_in(h, &q, true, false, out, e);
}

/* Whether a process is one of the server's. What systemd holds is of any service. */
static bool is_own(const struct server_query *q, const struct subject *s, const struct process *p)
{
	bool in_unit = q->kind == BY_UNIT && !strcmp(p->unit, q->who) && p->manager == s->manager;
	return !s->activated && (in_unit || subject_has_root(s, p->root));
}

/* As members_own(), of a server that was found. */
static int tree_own(const struct host *h, pid_t root, struct listeners *l, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	CLEAN(free_pointer) pid_t *pids = NULL;
	size_t count, of = 0;
	int rc = process_list(h, &all, &count, e);
	if (rc)
		return rc;
	const struct processes list = {all, count};
	pids = calloc(count + 1, sizeof(*pids));
	for (size_t i = 0; pids && i < count; i++)
		if (process_root(&all[i], stat_of, &list) == root)
			pids[of++] = all[i].pid;
	return pids ? listeners_own_among(h, l, pids, of, e)
		    : err_set(e, ENOMEM, "cannot find the server: out of memory");
}

/* Adds the UDP sockets of a server that was found by its other listeners: those that receive at the
 * address in question, of any process, or else those of its processes. */
static int datagrams_add(const struct host *h, const struct server_query *q, struct subject *s,
			 struct err *e)
{
	CLEAN(listeners_free) struct listeners udp = {0};
	size_t kept = 0;
	bool ownerless = false;
	if (listeners_read_udp(h, false, &udp, NULL)) {
		s->listeners.unlisted |= 1u << LISTENER_UDP;
		return 0;
	}
	bool named = q->kind == BY_ADDRESS && !server_query_keep(&udp, q, NULL);
	int rc = listeners_own(h, &udp, any_listener, NULL, e);
	if (!rc && udp.cut && s->pid)
		rc = tree_own(h, s->pid, &udp, e);
	s->cut |= (unsigned)(udp.cut && !named) << LISTENER_UDP;
	for (size_t i = 0; i < udp.count; i++) {
		int owner = udp.at[i].owner;
		ownerless |= owner < 0;
		if (named || (owner >= 0 && is_own(q, s, &udp.processes[owner])))
			udp.at[kept++] = udp.at[i];
	}
	udp.count = kept;
	s->ownerless = !kept && (s->activated || (ownerless && (!s->pid || udp.hidden)));
	return rc ? rc : listeners_join(&s->listeners, &udp, e);
}

/* Of an address all sockets are those that the operator means. */
static void set_aside(const struct host *h, const struct server_query *q, struct subject *s)
{
	struct port_set ephemeral;
	if (q->kind == BY_ADDRESS || q->kind == BY_PATH)
		return;
	host_ephemeral_ports(h, &ephemeral);
	subject_set_aside(s, &ephemeral);
}

int subject_find(const struct host *h, const char *who, bool here_only, struct subject *out,
		 struct err *e)
{
	struct server_query q;
	struct err unfound = {0};
	memset(out, 0, sizeof(*out));
	int rc = server_query_make(who, &q, e);
	if (rc)
		return rc;
	rc = find_among(h, &q, here_only, LISTENER_TCP, out, e);
	if (!rc)
		rc = datagrams_add(h, &q, out, e);
	if (!rc) {
		set_aside(h, &q, out);
		subject_paused_read(h, out);
		return 0;
	}
	unsigned unlisted = out->listeners.unlisted;
	if (rc != -ENOENT)
		return rc;
	if (q.kind == BY_PATH)
		return unchecked(h, &q, unlisted, rc, e);
	subject_free(out);
	int found = find_among(h, &q, here_only, LISTENER_UDP, out, &unfound);
	if (found == -EOPNOTSUPP && h->live)
		unlisted |= 1u << LISTENER_UDP;
	if (found == -ENOENT || found == -EOPNOTSUPP)
		return unchecked(h, &q, unlisted, rc, e);
	if (!found)
		set_aside(h, &q, out);
	if (e)
		*e = unfound;
	return found;
}

void subject_free(struct subject *s)
{
	listeners_free(&s->listeners);
	free(s->acceptors);
	s->acceptors = NULL;
	s->acceptor_count = 0;
}
