/* Which of the processes that hold a listener accept its connections. */
#include "../support/support.h"

#include <stdlib.h>
#include <string.h>

#include "host/acceptors.h"

#define HOLDERS 6

/* Pids are 1 + the index. */
static const struct {
	const char *of;
	struct holder all[HOLDERS];
	const char *chosen; /* pids, in ascending order */
	bool unshown;
	size_t in_turns;
} cases[] = {
	{"no process", {{.parent = 0}}, "", false, 0},
	{"one process without evidence", {{.listens = true}}, "1", false, 0},
	{"nginx: workers watch",
	 {{.listens = true, 0},
	  {.parent = 1, .listens = true, .accepts = true, 0},
	  {.parent = 1, .listens = true, .accepts = true}},
	 "23",
	 false,
	 0},
	{"nginx: one worker has the only client",
	 {{.listens = true, 0},
	  {.parent = 1, .listens = true, .accepts = true, .clients = 1},
	  {.parent = 1, .listens = true, .accepts = true}},
	 "23",
	 false,
	 0},
	{"nginx: a worker drains after a reload",
	 {{.listens = true, 0},
	  {.parent = 1, .clients = 7},
	  {.parent = 1, .listens = true, .accepts = true}},
	 "3",
	 false,
	 0},
	{"nginx: only one worker watches, by accept_mutex",
	 {{.listens = true, .p.name = "nginx"},
	  {.parent = 1, .listens = true, .p.name = "nginx", .polls = true, .accepts = true, 0},
	  {.parent = 1, .listens = true, .p.name = "nginx", .polls = true, 0},
	  {.parent = 1, .listens = true, .p.name = "nginx", .polls = true}},
	 "2",
	 false,
	 2},
	{"nginx: two have clients, and one has none yet",
	 {{.listens = true, .p.name = "nginx"},
	  {.parent = 1, .listens = true, .p.name = "nginx", .polls = true, .clients = 3},
	  {.parent = 1, .listens = true, .p.name = "nginx", .polls = true, .clients = 1},
	  {.parent = 1, .listens = true, .p.name = "nginx", .polls = true}},
	 "23",
	 false,
	 1},
	{"Perl: the others wait for a lock",
	 {{.listens = true, 0},
	  {.parent = 1, .listens = true, .accepts = true, 0},
	  {.parent = 1, .listens = true, .locks = true}},
	 "2",
	 false,
	 1},
	{"a sibling with another name",
	 {{.listens = true, 0},
	  {.parent = 1, .listens = true, .p.name = "server", .accepts = true, 0},
	  {.parent = 1, .listens = true, .p.name = "helper", .polls = true}},
	 "2",
	 false,
	 0},
	{"gunicorn: one of the workers that poll has a client",
	 {{.listens = true, 0},
	  {.parent = 1, .listens = true, .may_accept = true, .clients = 1},
	  {.parent = 1, .listens = true, .may_accept = true, 0},
	  {.parent = 1, .listens = true, .may_accept = true}},
	 "234",
	 false,
	 0},
	{"Python: a pool that the server forked",
	 {{.listens = true, .accepts = true, 0},
	  {.parent = 1, .listens = true, 0},
	  {.parent = 1, .listens = true}},
	 "1",
	 false,
	 0},
	{"a pool, and a server that polls",
	 {{.listens = true, .may_accept = true, 0},
	  {.parent = 1, .listens = true, 0},
	  {.parent = 1, .listens = true}},
	 "1",
	 false,
	 0},
	{"a helper that may accept too",
	 {{.listens = true, .accepts = true}, {.parent = 1, .listens = true, .may_accept = true}},
	 "1",
	 false,
	 0},
	{"Node.js: workers have what the master accepts",
	 {{.listens = true, .accepts = true, 0},
	  {.parent = 1, .clients = 9},
	  {.parent = 1, .clients = 8}},
	 "23",
	 false,
	 0},
	{"Node.js: the master has one for a moment",
	 {{.listens = true, .accepts = true, .clients = 1}, {.parent = 1, .clients = 9}},
	 "2",
	 false,
	 0},
	{"a server whose child was given one of its connections",
	 {{.listens = true, .accepts = true, .clients = 700}, {.parent = 1, .clients = 1}},
	 "12",
	 false,
	 0},
	{"its descendant of another session accepts",
	 {{.listens = true}, {.listens = true, .accepts = true}},
	 "2",
	 false,
	 0},
	{"workers that wait in select()",
	 {{.listens = true, 0},
	  {.parent = 1, .listens = true, .may_accept = true, 0},
	  {.parent = 1, .listens = true, .may_accept = true}},
	 "23",
	 false,
	 0},
	{"parent and child wait in poll()",
	 {{.listens = true, .may_accept = true, 0},
	  {.parent = 1, .listens = true, .may_accept = true}},
	 "12",
	 true,
	 0},
	{"no process waits for it",
	 {{.listens = true}, {.parent = 1, .listens = true}},
	 "12",
	 true,
	 0},
};

static int order(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

static void evidence_decides(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct holder all[HOLDERS];
		char chosen[HOLDERS + 1] = "";
		size_t count = 0, in_turns = 9;
		bool unshown = true;
		memcpy(all, cases[i].all, sizeof(all));
		while (count < HOLDERS &&
		       (all[count].listens || all[count].accepts || all[count].clients)) {
			all[count].p.pid = (pid_t)count + 1;
			count++;
		}
		count = acceptors_choose(all, count, &unshown, &in_turns);
		for (size_t k = 0; k < count; k++)
			chosen[k] = (char)('0' + all[k].p.pid);
		qsort(chosen, count, 1, order);
		if (strcmp(chosen, cases[i].chosen) != 0 || unshown != cases[i].unshown ||
		    in_turns != cases[i].in_turns)
			fail_msg("%s: %s%s, %zu in turns", cases[i].of, chosen,
				 unshown ? ", which is not visible" : "", in_turns);
	}
}

static void a_process_for_each_connection_is_seen(void **state)
{
	static const struct {
		const char *of;
		struct holder all[4];
		size_t count;
		bool forks;
	} rows[] = {
		{"two connections",
		 {{.listens = true, .accepts = true},
		  {.p.started = 150, .parent = 1, .clients = 1},
		  {.p.started = 900, .parent = 1, .clients = 1}},
		 3,
		 true},
		{"a pool of workers without epoll, which the parent gives connections to",
		 {{.listens = true, .accepts = true},
		  {.p.started = 1, .parent = 1, .clients = 1},
		  {.p.started = 2, .parent = 1, .clients = 1}},
		 3,
		 false},
		{"one connection: maybe the only worker",
		 {{.listens = true, .accepts = true}, {.parent = 1, .clients = 1}},
		 2,
		 false},
		{"no connection", {{.listens = true, .accepts = true}}, 1, false},
		{"a worker with two",
		 {{.listens = true, .accepts = true},
		  {.parent = 1, .clients = 1},
		  {.parent = 1, .clients = 2}},
		 3,
		 false},
		{"workers of an event loop, which the parent gives connections to",
		 {{.listens = true, .accepts = true},
		  {.parent = 1, .clients = 1, .polls = true},
		  {.parent = 1, .clients = 1, .polls = true}},
		 3,
		 false},
		{"workers that accept",
		 {{.listens = true, .may_accept = true},
		  {.parent = 1, .listens = true, .clients = 1},
		  {.parent = 1, .listens = true, .clients = 1}},
		 3,
		 false},
		{"a parent that serves too",
		 {{.listens = true, .accepts = true, .clients = 1},
		  {.parent = 1, .clients = 1},
		  {.parent = 1, .clients = 1}},
		 3,
		 false},
		{"workers that drain, whose parent is gone",
		 {{.clients = 1}, {.clients = 1}},
		 2,
		 false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct holder all[4];
		memcpy(all, rows[i].all, sizeof(all));
		for (size_t k = 0; k < rows[i].count; k++)
			all[k].p.pid = (pid_t)k + 1;
		if (acceptors_fork(all, rows[i].count) != rows[i].forks)
			fail_msg("%s", rows[i].of);
	}
}

static void a_thread_for_each_connection_is_seen(void **state)
{
	static const struct {
		const char *of;
		struct holder all[3];
		size_t count;
		bool threaded, runtime;
	} rows[] = {
		{"a thread each, and two of the server",
		 {{.p.threads = 102, .accepted = 100, .looked = 64, .reads = 62}},
		 1,
		 true,
		 false},
		{"the same, of which nothing is visible but the number",
		 {{.p.threads = 102, .accepted = 100}},
		 1,
		 true,
		 false},
		{"few, of which only the number is visible",
		 {{.p.threads = 22, .accepted = 20}},
		 1,
		 false,
		 false},
		{"few",
		 {{.p.threads = 22, .accepted = 20, .looked = 22, .reads = 20}},
		 1,
		 true,
		 false},
		{"too few",
		 {{.p.threads = 10, .accepted = 8, .looked = 10, .reads = 8}},
		 1,
		 false,
		 false},
		{"event loops, as of Go",
		 {{.p.threads = 22, .accepted = 20, .looked = 22, .reads = 1}},
		 1,
		 false,
		 false},
		{"fewer threads than connections",
		 {{.p.threads = 17, .accepted = 90, .looked = 17, .reads = 16}},
		 1,
		 false,
		 false},
		{"a pool that is larger than what it serves",
		 {{.p.threads = 201, .accepted = 100, .looked = 64, .reads = 60}},
		 1,
		 false,
		 false},
		{"workers, of which one has too few to show it",
		 {{.p.threads = 42, .accepted = 40, .looked = 42, .reads = 40},
		  {.p.threads = 3, .accepted = 1, .looked = 3, .reads = 1}},
		 2,
		 true,
		 false},
		{"workers, of which one shows that it has not",
		 {{.p.threads = 42, .accepted = 40, .looked = 42, .reads = 40},
		  {.p.threads = 3, .accepted = 60, .looked = 3, .reads = 1}},
		 2,
		 false,
		 false},
		{"no client", {{.p.threads = 9, .looked = 9}}, 1, false, false},
		{"of Java, with threads of its own",
		 {{.p.threads = 228, .accepted = 200, .looked = 64, .reads = 42}},
		 1,
		 true,
		 true},
		{"of Java, as a pool of Tomcat that waits",
		 {{.p.threads = 228, .accepted = 210, .looked = 64, .reads = 3}},
		 1,
		 false,
		 true},
		{"the same, of which nothing is visible",
		 {{.p.threads = 228, .accepted = 210}},
		 1,
		 false,
		 true},
		{"beyond such a pool", {{.p.threads = 328, .accepted = 300}}, 1, true, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (acceptors_thread(rows[i].all, rows[i].count, rows[i].runtime) !=
		    rows[i].threaded)
			fail_msg("%s", rows[i].of);
}

/* After a reload. */
static void connections_of_those_that_drain_are_counted(void **state)
{
	static const struct holder reloaded[] =
		{{.p.pid = 1, .listens = true},
		 {.parent = 1, .accepted = 700, .left = 200, .others = 90, .clients = 7},
		 {.parent = 1, .accepted = 5, .clients = 5},
		 {.parent = 1, .listens = true, .accepts = true, .accepted = 40}},
				   forked[] = {{.p.pid = 1, .listens = true, .accepts = true},
					       {.parent = 1, .accepted = 1, .clients = 1},
					       {.parent = 1, .accepted = 1, .clients = 1}};
	struct subject_drained d = acceptors_drained(reloaded, 4);
	assert_int_equal(d.open, 415);
	assert_int_equal(d.left, 200);
	assert_int_equal(d.others, 90);
	assert_int_equal(acceptors_drained(forked, 3).open, 0);
}

static void one_that_hands_over_accepts(void **state)
{
	static const struct {
		const char *of;
		struct holder all[3];
		size_t hand;
	} rows[] = {
		{"Node.js: workers have what the master accepts",
		 {{.listens = true, .accepts = true},
		  {.parent = 1, .clients = 9},
		  {.parent = 1, .clients = 8}},
		 1},
		{"nginx: workers accept",
		 {{.listens = true},
		  {.parent = 1, .listens = true, .accepts = true, .clients = 9},
		  {.parent = 1, .listens = true, .accepts = true, .clients = 8}},
		 0},
		{"nginx, of which it is not visible who accepts",
		 {{.listens = true, .may_accept = true},
		  {.parent = 1, .listens = true, .clients = 9},
		  {.parent = 1, .listens = true, .clients = 8}},
		 0},
		{"the master has them",
		 {{.listens = true, .accepts = true, .clients = 9}, {.parent = 1, .clients = 1}},
		 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct holder all[3];
		memcpy(all, rows[i].all, sizeof(all));
		for (size_t k = 0; k < 3; k++)
			all[k].p.pid = (pid_t)k + 1;
		if (acceptors_hand(all, 3) != rows[i].hand)
			fail_msg("%s", rows[i].of);
	}
}

/* Node.js: a child that runs another program gets no connections. */
static void a_child_of_the_same_server_may_get_connections(void **state)
{
	static const char names[] = "node,nodejs,node *";
	static const struct {
		const char *of;
		struct process_stat child;
		bool may;
	} rows[] = {
		{"another program", {.pid = 9, .parent = 2, .name = "sleep"}, false},
		{"a worker without clients", {.pid = 9, .parent = 2, .name = "node"}, true},
		{"by its title", {.pid = 9, .parent = 2, .name = "node /app/worke"}, true},
		{"of another process", {.pid = 9, .parent = 8, .name = "node"}, false},
		{"one that has clients", {.pid = 1, .parent = 2, .name = "node"}, false},
	};
	static const struct holder all[] = {{.p.pid = 1, .parent = 2, .clients = 1},
					    {.p.pid = 2, .listens = true, .accepts = true}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (acceptors_have_child(all, 2, &rows[i].child, 1, names) != rows[i].may)
			fail_msg("%s", rows[i].of);
	assert_false(acceptors_have_child(all, 2, NULL, 0, names));
}

/* MongoDB: each open connection has a descriptor more, which is not held when it is closed. */
static void what_connections_hold_is_not_held_beside_them(void **state)
{
	static const struct {
		uint64_t others, accepted, each, held;
	} rows[] = {
		{20, 0, 2, 20},     {520, 500, 2, 20},  {1020, 500, 3, 20},
		{520, 500, 0, 520}, {520, 500, 1, 520}, {20, 500, 2, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(acceptors_held(rows[i].others, rows[i].accepted, rows[i].each),
				 rows[i].held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_decides),
		cmocka_unit_test(a_process_for_each_connection_is_seen),
		cmocka_unit_test(a_thread_for_each_connection_is_seen),
		cmocka_unit_test(connections_of_those_that_drain_are_counted),
		cmocka_unit_test(one_that_hands_over_accepts),
		cmocka_unit_test(a_child_of_the_same_server_may_get_connections),
		cmocka_unit_test(what_connections_hold_is_not_held_beside_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
