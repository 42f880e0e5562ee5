/* Which processes the query means, and which listeners they hold. */
#include "host/subject_search.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/descriptors.h"
#include "host/inode_table.h"
#include "host/machine.h"
#include "host/processes.h"

/* Descriptors to look at: of a process, first, and behind a listener that it holds. What a server
 * opens at its start has low ones; the others are looked at for a listener that no process has so
 * low. */
#define SCAN_LOW 128
#define SCAN_BEHIND 1024

/* The socket of a listener of this network namespace. */
struct claim {
	uint64_t inode; /* first: its order */
	bool held;      /* by the tree in question */
	bool other;     /* it belongs to a process of another server */
};

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
	return inode_table_find(s->claims, s->claim_count, sizeof(*s->claims), inode);
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

int subject_search_make(struct subject_search *s, struct err *e)
{
	s->descriptors = SUBJECT_DESCRIPTORS;
	s->claims = calloc(s->all->count + 1, sizeof(*s->claims));
	if (!s->claims)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	for (size_t i = 0; i < s->all->count; i++)
		if (s->all->at[i].inode)
			s->claims[s->claim_count++].inode = s->all->at[i].inode;
	inode_table_sort(s->claims, s->claim_count, sizeof(*s->claims));
	s->unheld = s->claim_count;
	return 0;
}

void subject_search_free(struct subject_search *s)
{
	free(s->members);
	free(s->claims);
	spaces_free(&s->elsewhere);
	s->members = NULL;
	s->claims = NULL;
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

int subject_search_members(struct subject_search *s, struct err *e)
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
	return 0;
}

void subject_search_keep(struct subject_search *s)
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
		       process_listens(&s->elsewhere, process, netns, s->udp);
}

bool subject_search_has(pid_t pid, void *search)
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
		if (!c || c->held || c->other || owner < 0 ||
		    subject_search_has(l->processes[owner].pid, s))
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
void subject_search_look(struct subject_search *s)
{
	struct netns_id here = {0};
	CLEAN(close_fd) int self = process_open(s->host, getpid(), NULL);
	if (self >= 0)
		here = process_netns(self);
	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < s->count; i++)
			if (is_asked(s, &s->members[i]) != others)
				member_look(s, &s->members[i], here);
		rest_look(s, others ? any_member : is_asked);
		for (size_t i = 0; i < s->count && !others; i++)
			if (s->members[i].holds)
				subject_search_keep(s);
	}
}

/* A unit is one server, also with processes of several names. */
static pid_t tree_of(const struct subject_search *s, const struct member *m)
{
	return s->query->kind == BY_UNIT ? s->members[0].root : m->root;
}

const struct member *subject_search_trees(const struct subject_search *s,
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

void subject_search_name(struct subject_search *s, char list[CANDIDATES][CANDIDATE])
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
		for (size_t l = 0; l < s->all->count; l++)
			if (is_held(s, &s->all->at[l])) {
				snprintf(list[count], CANDIDATE, "%s (pid %d) on %s", m->name,
					 (int)m->root, s->all->at[l].address);
				break;
			}
		named[count++] = tree_of(s, m);
	}
}

int subject_search_own(const struct subject_search *s, struct err *e)
{
	CLEAN(free_pointer) pid_t *pids = calloc(s->count + 1, sizeof(*pids));
	if (!pids)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	for (size_t i = 0; i < s->count; i++)
		pids[i] = s->members[i].pid;
	return listeners_own_among(s->host, s->all, pids, s->count, e);
}

int subject_search_own_tree(const struct host *h, pid_t root, struct listeners *l, struct err *e)
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
