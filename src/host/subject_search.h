/* subject_search: internal to src/host/: the processes that --server names by pid, unit or name,
 * with their trees, and which listeners these hold. */
#pragma once

#include "epolltune/listener.h"
#include "host/elsewhere.h"
#include "host/server_query.h"

/* Descriptors of all processes that a search looks at, at most. */
#define SUBJECT_DESCRIPTORS 1048576
/* Candidates that an error lists, and bytes of each. */
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

struct claim;

/* The caller sets the first five, which must outlive it; the others are zero. */
struct subject_search {
	const struct host *host;
	const struct server_query *query;
	struct listeners *all; /* of this network namespace */
	bool here_only;        /* this network namespace was asked for */
	bool udp;              /* listeners are UDP sockets */

	struct claim *claims;       /* by inode */
	size_t claim_count, unheld; /* and those that are neither held nor another's */
	struct member *members;     /* NULL: not looked for */
	size_t count;
	unsigned descriptors;      /* that may still be looked at */
	bool cut;                  /* they were too few to find all that it holds */
	struct spaces elsewhere;   /* of the members in other network namespaces */
	enum unit_manager manager; /* of the unit that is asked for */
};

/* -ENOMEM. The caller frees with subject_search_free(), also after an error. */
int subject_search_make(struct subject_search *s, struct err *e);
void subject_search_free(struct subject_search *s);
/* Finds the members; with an address or a path the owners of `all`, and their trees. There may be
 * none, which is not an error. */
int subject_search_members(struct subject_search *s, struct err *e);
/* Finds what each of them holds: what a process that is named by pid holds is the server, not what
 * a relative holds. */
void subject_search_look(struct subject_search *s);
/* The first member of the trees of which one is so; NULL: there is none. *count: how many trees.
 * Lists them, "nginx (pid 812)". A unit is one tree. */
const struct member *subject_search_trees(const struct subject_search *s,
					  bool (*is)(const struct member *), size_t *count,
					  char list[CANDIDATES][CANDIDATE]);
/* Adds to each that is listed where it listens. Forgets what members hold. */
void subject_search_name(struct subject_search *s, char list[CANDIDATES][CANDIDATE]);
/* Drops the listeners that no member holds. */
void subject_search_keep(struct subject_search *s);
/* Finds the owners of `all` among the members, where a search among all processes ended at its
 * limit. */
int subject_search_own(const struct subject_search *s, struct err *e);
/* The same in the tree of a server that was found. */
int subject_search_own_tree(const struct host *h, pid_t root, struct listeners *l, struct err *e);
/* Whether a process is a member; `search`: struct subject_search. */
bool subject_search_has(pid_t pid, void *search);
