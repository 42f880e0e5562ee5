/* What the texts of /proc/PID say of a process. */
#include "../support/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/published.h"
#include "epolltune/subject.h"
#include "host/elsewhere.h"
#include "host/listener_file.h"
#include "host/processes.h"

#define REST " 1 1 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 4 0 98765 1000 10 18446744073709551615 1 2\n"

static void stat_has_pid_name_state_parent_and_start(void **state)
{
	static const struct {
		const char *text, *name;
		pid_t pid, parent;
		char state;
	} rows[] = {
		{"812 (nginx) S 1" REST, "nginx", 812, 1, 'S'},
		{"7 (a b) Z 3" REST, "a b", 7, 3, 'Z'},
		{"7 (x) R 9 (y) D 3" REST, "x) R 9 (y", 7, 3, 'D'},
		{"7 ()) (() R 0" REST, ")) ((", 7, 0, 'R'},
		{"7 () t 2" REST, "", 7, 2, 't'},
		{"7 (\033[31m) T 2" REST, "?[31m", 7, 2, 'T'},
		{"7 (kworker/u8:2-events_unbound) I 2" REST, "kworker/u8:2-ev", 7, 2, 'I'},
		{"2147483647 (x) S 2147483646" REST, "x", 2147483647, 2147483646, 'S'},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process_stat s;
		if (!process_stat_parse(rows[i].text, &s) || s.pid != rows[i].pid ||
		    s.parent != rows[i].parent || s.state != rows[i].state || s.started != 98765 ||
		    s.threads != 4 || strcmp(s.name, rows[i].name) != 0)
			fail_msg("%zu: \"%s\" %d %d %c %llu", i, s.name, (int)s.pid, (int)s.parent,
				 s.state, (unsigned long long)s.started);
	}
}

static void damaged_stat_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"812",
		"812 nginx S 1" REST,
		"812 (nginx",
		"812 nginx) S 1" REST,
		"812 )nginx( S 1" REST,
		"812 (nginx)",
		"812 (nginx) ",
		"812 (nginx) S",
		"812 (nginx) S 1",
		"812 (nginx) SS 1" REST,
		"x (nginx) S 1" REST,
		"4294967297 (nginx) S 1" REST,
		"812 (nginx) S 1 1 1 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 4 0 x98765 1",
		"812 (nginx) S 1 1 1 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 4 0",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct process_stat s;
		if (process_stat_parse(texts[i], &s))
			fail_msg("accepts \"%s\"", texts[i]);
	}
}

static void unit_is_the_innermost_service_or_scope(void **state)
{
	static const struct {
		const char *text, *unit;
	} rows[] = {
		{"0::/system.slice/nginx.service\n", "nginx.service"},
		{"0::/system.slice/nginx.service", "nginx.service"},
		{"0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"},
		{"0::/system.slice/app.service/worker/0\n", "app.service"},
		{"0::/system.slice/nginx.service (deleted)\n", "nginx.service"},
		{"0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"},
		{"0::/user.slice/user-7.slice/user@7.service/app.slice/web.service\n",
		 "web.service"},
		{"0::/../app.service\n", "app.service"},
		{"0::/\n", ""},
		{"0::/init\n", ""},
		{"0::/.service\n", ""},
		{"0::/system.slice\n", ""},
		/* A container's scope does not fit, and half of its name is none. */
		{"0::/system.slice/docker-"
		 "0123456789012345678901234567890123456789012345678901234567890123.scope\n",
		 ""},
		/* v1, and both. */
		{"12:memory:/limited.service\n1:name=systemd:/system.slice/redis.service\n",
		 "redis.service"},
		{"0::/other.service\n1:name=systemd:/system.slice/redis.service\n",
		 "redis.service"},
		{"1:name=systemd:/system.slice/redis.service\n0::/other.service\n",
		 "redis.service"},
		{"12:memory:/limited.service\n", ""},
		{"0::/a:b.service\n", "a:b.service"},
		{"0::/x\033[1m.service\n", "x?[1m.service"},
		{"", ""},
		{"\n\n", ""},
		{"no colon", ""},
		{"1:one", ""},
		{"::", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char unit[64];
		process_unit_parse(rows[i].text, unit, sizeof(unit));
		if (strcmp(unit, rows[i].unit) != 0)
			fail_msg("%s: \"%s\"", rows[i].text, unit);
	}
}

static void a_unit_belongs_to_one_systemd(void **state)
{
	static const struct {
		const char *text, *unit;
		enum unit_manager manager;
	} rows[] = {
		{"0::/system.slice/nginx.service\n", "nginx.service", UNIT_SYSTEM},
		{"0::/system.slice/app.service/worker/0\n", "app.service", UNIT_SYSTEM},
		{"0::/apps.slice/apps-web.slice/web.service\n", "web.service", UNIT_SYSTEM},
		{"0::/../app.service\n", "app.service", UNIT_SYSTEM},
		{"0::/init.scope\n", "init.scope", UNIT_SYSTEM},
		{"0::/user.slice/user-7.slice/user@7.service\n", "user@7.service", UNIT_SYSTEM},
		{"0::/user.slice/user-7.slice/session-3.scope\n", "session-3.scope", UNIT_SYSTEM},
		{"0::/user.slice/user-7.slice/user@7.service/app.slice/web.service\n",
		 "web.service", UNIT_USER},
		{"0::/user.slice/user-7.slice/user@7.service/web.service\n", "web.service",
		 UNIT_USER},
		{"0::/lxc/101/ns/system.slice/nginx.service\n", "nginx.service", UNIT_INSIDE},
		{"0::/lxc.payload.c1/system.slice/nginx.service\n", "nginx.service", UNIT_INSIDE},
		{"0::/machine.slice/systemd-nspawn@a.service/payload/system.slice/nginx.service\n",
		 "nginx.service", UNIT_INSIDE},
		{"1:name=systemd:/docker/4f/system.slice/nginx.service\n", "nginx.service",
		 UNIT_INSIDE},
		{"0::/\n", "", UNIT_SYSTEM},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char unit[64];
		enum unit_manager is = process_unit_parse(rows[i].text, unit, sizeof(unit));
		if (strcmp(unit, rows[i].unit) != 0 || is != rows[i].manager)
			fail_msg("%s: \"%s\" of %d", rows[i].text, unit, (int)is);
	}
	assert_int_equal(unit_manager("/system.slice"), UNIT_SYSTEM);
	assert_int_equal(unit_manager("/"), UNIT_SYSTEM);
	assert_int_equal(unit_manager(""), UNIT_SYSTEM);
	assert_int_equal(unit_manager("/user.slice/user-7.slice/user@7.service/a.slice"),
			 UNIT_USER);
	assert_int_equal(unit_manager("/lxc/101/ns/system.slice/nginx.service"), UNIT_INSIDE);
}

static void limits_are_those_of_open_files(void **state)
{
	static const char head[] =
		"Limit                     Soft Limit           Hard Limit   Units\n"
		"Max processes             7                    8            x\n";
	static const struct {
		const char *line;
		bool known;
		uint64_t soft, hard;
	} rows[] = {
		{"Max open files            1024                 524288               files     \n",
		 true, 1024, 524288},
		{"Max open files            1024                 unlimited            files     \n",
		 true, 1024, HOST_UNLIMITED},
		{"Max open files            unlimited            unlimited            files     \n",
		 true, HOST_UNLIMITED, HOST_UNLIMITED},
		{"Max open files            1024\n", false, 0, 0},
		{"Max open files\n", false, 0, 0},
		{"Max open files            -1                   5\n", false, 0, 0},
		{"", false, 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[512];
		uint64_t soft = 0, hard = 0;
		snprintf(text, sizeof(text), "%s%s", head, rows[i].line);
		bool known = process_limits_parse(text, &soft, &hard);
		if (known != rows[i].known ||
		    (known && (soft != rows[i].soft || hard != rows[i].hard)))
			fail_msg("%s: %llu %llu", rows[i].line, (unsigned long long)soft,
				 (unsigned long long)hard);
	}
}

static void a_status_has_the_user_and_the_threads(void **state)
{
	static const struct {
		const char *text;
		bool known;
		struct process_status status;
	} rows[] = {
		{"Name:\tgunicorn\nUid:\t33\t0\t33\t33\nThreads:\t4\n"
		 "CapInh:\t0000000000000000\nCapEff:\t0000000001200000\n",
		 true,
		 {33, 4, UINT64_C(1) << 21 | UINT64_C(1) << 24}},
		{"Name:\tUid:\nThreads:\t4\nCapEff:\t0\n", false, {0}},
		{"", false, {0}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process_status s = {0};
		bool known = process_status_parse(rows[i].text, &s);
		if (known != rows[i].known ||
		    (known && (s.uid != rows[i].status.uid || s.threads != rows[i].status.threads ||
			       s.effective != rows[i].status.effective)))
			fail_msg("row %zu: uid %u, %llu threads", i, s.uid,
				 (unsigned long long)s.threads);
	}
}

struct tree {
	size_t depth; /* pid 100 has the parent 101, and so on */
	const char *name[12];
};

static bool tree_read(const void *from, pid_t pid, struct process_stat *out)
{
	const struct tree *t = from;
	size_t i = (size_t)pid - 100;
	if (i >= t->depth)
		return false;
	*out = (struct process_stat){.pid = pid, .parent = pid + 1};
	snprintf(out->name, sizeof(out->name), "%s", t->name[i]);
	return true;
}

static void the_root_is_the_first_of_its_family(void **state)
{
	static const struct {
		struct tree tree;
		pid_t root;
	} rows[] = {
		{{1, {"nginx"}}, 100},
		{{3, {"nginx", "nginx", "systemd"}}, 101},
		{{2, {"nginx", "nginx"}}, 101}, /* whose parent is not visible */
		{{3, {"gunicorn: worker", "gunicorn: master", "gunicorn"}}, 102},
		{{3, {"nginx", "bash", "nginx"}}, 100},
		/* Eight generations up at most. */
		{{11, {"sh", "sh", "sh", "sh", "sh", "sh", "sh", "sh", "sh", "sh", "sh"}}, 108},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process_stat p;
		assert_true(tree_read(&rows[i].tree, 100, &p));
		pid_t root = process_root(&p, tree_read, &rows[i].tree);
		if (root != rows[i].root)
			fail_msg("row %zu: %d", i, (int)root);
	}
}

static void a_reused_pid_is_another_process(void **state)
{
	struct process a = {.pid = 812, .started = 5, .name = "nginx"}, b = a;
	b.state = 'D';
	assert_true(process_same(&a, &b));
	b.started = 6;
	assert_false(process_same(&a, &b));
}

static void a_program_is_known_by_its_file_name(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"/usr/bin/epolltune", "/usr/bin/epolltune", true},
		{"/usr/bin/epolltune", "/home/a/build/epolltune", true},
		{"/usr/bin/epolltune", "epolltune", true},
		{"/usr/bin/epolltune", "/usr/bin/epolltune (deleted)", true},
		{"/usr/bin/epolltune (deleted)", "/opt/epolltune", true},
		{"/usr/bin/epolltune", "/usr/bin/tune", false},
		{"/usr/bin/epolltune", "/usr/bin/my-epolltune", false},
		{"/usr/bin/epolltune", "/usr/bin/epolltuned", false},
		{"/usr/bin/epolltune", "/usr/bin/epolltune/nginx", false},
		{"/", "/", false},
		{"/usr/bin/epolltune", "", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(process_same_program(rows[i].a, rows[i].b), rows[i].same);
		assert_int_equal(process_same_program(rows[i].b, rows[i].a), rows[i].same);
	}
}

/* By its program: a process may take any name. */
static void own_processes_are_those_of_the_same_program(void **state)
{
	struct host *h;
	struct process p;
	struct err e;
	int channel[2];
	char ready;
	assert_int_equal(host_open(&h, "/", &e), 0);
	for (int other = 0; other < 2; other++) {
		assert_int_equal(pipe2(channel, O_CLOEXEC), 0);
		pid_t pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			prctl(PR_SET_NAME, "nginx");
			if (other)
				execlp("sleep", "probe:ports", "60", (char *)NULL);
			close(channel[0]);
			close(channel[1]);
			pause();
			_exit(0);
		}
		close(channel[1]);
		assert_int_equal(read(channel[0], &ready, 1), 0);
		close(channel[0]);
		assert_int_equal(process_read(h, pid, &p, &e), 0);
		assert_int_equal(p.own, !other);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	host_close(h);
}

/* A capture keeps whose they are; an older one has the name alone. */
static void captured_processes_are_own_or_not(void **state)
{
	struct process written[] = {{.name = "probe:shop", .pid = 7},
				    {.name = "nginx", .pid = 8, .own = true}};
	const struct listeners l = {.process_count = 2, .processes = written};
	CLEAN(free_pointer) char *text = listener_file_text(&l);
	struct listeners read, old;
	assert_non_null(text);
	assert_int_equal(listener_file_parse(text, ~0u, &read, NULL), 0);
	assert_int_equal(read.process_count, 2);
	assert_false(read.processes[0].own);
	assert_true(read.processes[1].own);
	listeners_free(&read);
	assert_int_equal(
		listener_file_parse("process\t7\t7\t9\t83\t1\t1\t7\tprobe:shop\t\t\n"
				    "process\t8\t8\t9\t83\t1\t1\t7\tepolltune\t\t\t0\t1\t0\n"
				    "process\t9\t9\t9\t83\t1\t1\t7\tnginx\t\t\t0\t1\t0\n",
				    ~0u, &old, NULL),
		0);
	assert_int_equal(old.process_count, 3);
	assert_true(old.processes[0].own);
	assert_true(old.processes[1].own);
	assert_false(old.processes[2].own);
	listeners_free(&old);
}

static void put(const char *root, const char *path, const char *text)
{
	char full[256];
	snprintf(full, sizeof(full), "%s/%s", root, path);
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* In status the CPUs are behind the groups, which may be thousands. */
static void the_cpus_of_a_process_in_many_groups(void **state)
{
	static char status[40000];
	struct output made = run("d=$(mktemp -d) && mkdir -p $d/proc/7/task/7 && printf $d");
	struct subject subject = {.name = "own", .pid = 7};
	struct host *h;
	struct err e;
	char list[64];
	snprintf(status, sizeof(status), "Name:\town\nGroups:\t");
	for (int i = 0; i < 4000; i++)
		snprintf(status + strlen(status), sizeof(status) - strlen(status), "%d ",
			 10000 + i);
	strcat(status, "\nCpus_allowed:\tc\nCpus_allowed_list:\t2-3\nVmSwap:\t4 kB\n");
	put(made.out, "proc/7/stat", "7 (own) S 1" REST);
	put(made.out, "proc/7/task/7/status", status);
	assert_int_equal(host_open(&h, made.out, &e), 0);
	subject_cpu_list(h, &subject, list, sizeof(list));
	assert_string_equal(list, "2-3");
	assert_int_equal(subject_cpus(h, &subject), 2);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

static void threads_wait_alike_if_all_do(void **state)
{
	static const struct {
		const char *first, *second;
		bool alike;
	} rows[] = {
		{"ep_poll", "ep_poll", true},
		{"ep_poll", "futex_wait_queue", false},
		{"ep_poll", "0", false},
		{"futex_wait_queue", "ep_poll", false},
		{"0", "0", false},
	};
	struct output made = run("d=$(mktemp -d) && mkdir -p $d/proc/7/task/7 $d/proc/7/task/8 && "
				 "printf $d");
	struct host *h;
	struct err e;
	put(made.out, "proc/7/stat", "7 (own) S 1" REST);
	assert_int_equal(host_open(&h, made.out, &e), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p;
		put(made.out, "proc/7/wchan", rows[i].first);
		put(made.out, "proc/7/task/7/wchan", rows[i].first);
		put(made.out, "proc/7/task/8/wchan", rows[i].second);
		assert_int_equal(process_read(h, 7, &p, &e), 0);
		if (p.alike != rows[i].alike)
			fail_msg("row %zu: %d", i, p.alike);
	}
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

/* A container of an ordinary user maps that user alone, and the others by ranges. */
static void an_id_map_shows_whose_container_it_is(void **state)
{
	static const struct {
		const char *map;
		uint32_t id;
		bool inside, has, of_user;
	} rows[] = {
		{"         0       1000          1\n         1     100000      65536\n", 1000,
		 false, true, true},
		{"0 1000 1\n1 100000 65536\n", 1001, false, false, true},
		{"0 1000 1\n1 100000 65536\n", 165535, false, true, true},
		{"0 1000 1\n1 100000 65536\n", 165536, false, false, true},
		{"0 1000 1\n1 100000 65536\n", 0, true, true, true},
		{"0 1000 1\n1 100000 65536\n", 0, false, false, true},
		/* --userns keep-id */
		{"0 100000 1000\n1000 1000 1\n1001 101000 64536\n", 1000, false, true, true},
		/* root's: Docker with userns-remap, LXC, a pod with hostUsers: false */
		{"0 100000 65536\n", 1000, false, false, false},
		{"0 0 4294967295\n", 1000, false, true, false},
		{"0 0 1\n", 0, false, true, false},
		{"", 0, false, false, false},
		{"0 1000", 1000, false, false, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (id_map_has(rows[i].map, rows[i].id, rows[i].inside) != rows[i].has ||
		    id_map_of_user(rows[i].map) != rows[i].of_user)
			fail_msg("row %zu", i);
}

static void file_put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* The second process of a namespace finds no table: what the first showed counts. */
static void the_sockets_of_a_namespace_are_read_once(void **state)
{
	char root[] = "/tmp/processes.XXXXXX", path[64];
	const struct netns_id one = {.link = 1, .file = 1}, two = {.link = 2, .file = 2};
	struct spaces spaces = {0};
	assert_non_null(mkdtemp(root));
	CLEAN(close_fd) int process = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(process >= 0);
	assert_int_equal(mkdirat(process, "net", 0755), 0);
	assert_int_equal(mkdirat(process, "fd", 0755), 0);
	assert_int_equal(symlinkat("socket:[4711]", process, "fd/3"), 0);
	snprintf(path, sizeof(path), "%s/net/tcp", root);
	file_put(path,
		 "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 "
		 "    0        0 4711 1 0000000000000000 100 0 0 10 0\n");
	assert_true(process_listens(&spaces, process, one, false));
	assert_int_equal(unlinkat(process, "net/tcp", 0), 0);
	assert_true(process_listens(&spaces, process, one, false));
	assert_false(process_listens(&spaces, process, two, false));
	assert_int_equal(spaces.count, 2);
	spaces_free(&spaces);
	assert_int_equal(unlinkat(process, "fd/3", 0), 0);
	assert_int_equal(unlinkat(process, "fd", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(process, "net", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_map_shows_whose_container_it_is),
		cmocka_unit_test(stat_has_pid_name_state_parent_and_start),
		cmocka_unit_test(the_sockets_of_a_namespace_are_read_once),
		cmocka_unit_test(damaged_stat_is_refused),
		cmocka_unit_test(unit_is_the_innermost_service_or_scope),
		cmocka_unit_test(a_unit_belongs_to_one_systemd),
		cmocka_unit_test(limits_are_those_of_open_files),
		cmocka_unit_test(a_status_has_the_user_and_the_threads),
		cmocka_unit_test(the_root_is_the_first_of_its_family),
		cmocka_unit_test(a_reused_pid_is_another_process),
		cmocka_unit_test(a_program_is_known_by_its_file_name),
		cmocka_unit_test(own_processes_are_those_of_the_same_program),
		cmocka_unit_test(captured_processes_are_own_or_not),
		cmocka_unit_test(the_cpus_of_a_process_in_many_groups),
		cmocka_unit_test(threads_wait_alike_if_all_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
