/* What probe listeners makes of processes at their limits, and of a machine at its own. */
#include "looks.h"

#include <string.h>

static void sized_beyond_memory(struct looks *m) { sized(m, "haproxy", 1073741816); }

static void sized_by_gigabytes(struct looks *m) { sized(m, "uwsgi", 1073741816); }

static void sized_little(struct looks *m) { sized(m, "haproxy", 1048576); }

static void sized_by_nothing(struct looks *m) { sized(m, "nginx", 1073741816); }

static void sized_another(struct looks *m)
{
	sized_beyond_memory(m);
	m->before.queues.subject = m->after.queues.subject = NULL;
}

static void at_limit(struct looks *m)
{
	stuck(m, 0, 0, 300);
	m->process.open = 1023;
}

static void at_limit_and_dropping(struct looks *m)
{
	stopped(m);
	m->process.open = 1024;
}

/* One limit, which fs.nr_open bounds, or its hard limit nothing. */
static void at_both_limits(struct looks *m)
{
	at_limit(m);
	m->process.soft = m->process.hard = 1048576;
	m->process.open = 1048575;
	strcpy(m->process.unit, "");
	strcpy(m->process.name, "app");
}

static void at_limit_of_an_unlimited_one(struct looks *m)
{
	at_both_limits(m);
	m->process.soft = 1024;
	m->process.open = 1023;
	m->process.hard = HOST_UNLIMITED;
	m->after.queues.nr_open = REPORT_NONE;
}

static void at_limit_of_openrc(struct looks *m)
{
	at_limit_of_an_unlimited_one(m);
	m->after.queues.openrc = true;
}

/* Its unit is one of a user's manager, or of a systemd in a container. */
static void at_limit_of_a_user(struct looks *m)
{
	at_limit(m);
	m->process.manager = UNIT_USER;
}

static void at_both_limits_of_a_user(struct looks *m)
{
	at_limit_of_a_user(m);
	m->process.hard = 1024;
}

static void at_limit_inside(struct looks *m)
{
	at_limit(m);
	m->process.manager = UNIT_INSIDE;
}

/* Some are left and nothing waits: nothing is wrong yet. */
static void at_limit_unasked(struct looks *m)
{
	at_limit(m);
	m->process.open = 1017;
	m->at[1][0].depth = 0;
}

/* None is left: it accepts and closes. */
static void closes_at_once(struct looks *m)
{
	at_limit_unasked(m);
	m->process.open = 1024;
	m->before.queues.listeners.processes = &m->process;
	m->before.queues.listeners.process_count = 1;
}

static void had_some_left(struct looks *m)
{
	static struct process fewer;
	closes_at_once(m);
	fewer = m->process;
	fewer.open = 900;
	m->before.queues.listeners.processes = &fewer;
}

static void subject_closes_at_once(struct looks *m)
{
	closes_at_once(m);
	subject_make(m);
}

/* fs.file-max is 100 000. */
static void files_are(struct looks *m, uint64_t before, uint64_t after)
{
	m->before.files = (struct host_files){before, 100000};
	m->after.files = (struct host_files){after, 100000};
}

static void files_of_the_machine_are_spent(struct looks *m) { files_are(m, 99901, 100000); }

static void files_of_the_machine_are_nearly_spent(struct looks *m) { files_are(m, 95001, 100003); }

static void files_of_the_machine_were_spent(struct looks *m) { files_are(m, 100000, 95000); }

/* Its server's user, and the machine, have so many processes and threads. */
static void tasks_are(struct looks *m, struct subject_tasks before, struct subject_tasks after)
{
	subject_make(m);
	m->at[1][0].owner = 0;
	m->before.tasks = before;
	m->after.tasks = after;
}

#define TASKS(runs, most)                                                                          \
	((struct subject_tasks){.pid = 812,                                                        \
				.max = (most),                                                     \
				.used = (runs),                                                    \
				.threads = 400,                                                    \
				.threads_max = 63000,                                              \
				.pids_max = 32468,                                                 \
				.pids = 400})

static void processes_are_spent(struct looks *m) { tasks_are(m, TASKS(150, 150), TASKS(151, 150)); }

static void processes_are_spent_inside(struct looks *m)
{
	static struct subject subject;
	processes_are_spent(m);
	subject = *m->after.queues.subject;
	subject.manager = UNIT_INSIDE;
	strcpy(subject.unit, "nginx.service");
	m->before.queues.subject = m->after.queues.subject = &subject;
}

static void processes_were_spent(struct looks *m)
{
	tasks_are(m, TASKS(150, 150), TASKS(149, 150));
}

static void processes_are_unlimited(struct looks *m)
{
	tasks_are(m, TASKS(150, HOST_UNLIMITED), TASKS(150, HOST_UNLIMITED));
}

static void threads_are_spent(struct looks *m)
{
	const struct subject_tasks t = {
		.pid = 812, .max = HOST_UNLIMITED, .threads_max = 400, .threads = 400};
	tasks_are(m, t, t);
}

static void pids_are_spent(struct looks *m)
{
	const struct subject_tasks t = {.pid = 812,
					.max = HOST_UNLIMITED,
					.threads_max = 4000,
					.threads = 724,
					.pids_max = 724,
					.pids = 724};
	tasks_are(m, t, t);
}

static void pids_are_left(struct looks *m)
{
	const struct subject_tasks t = {.pid = 812,
					.max = HOST_UNLIMITED,
					.threads_max = 4000,
					.threads = 723,
					.pids_max = 724,
					.pids = 723};
	tasks_are(m, t, t);
}

/* A thread takes 8 MiB, and so many are left of 4 GiB. */
static void space_left(struct looks *m, enum subject_space_kind kind, uint64_t before,
		       uint64_t after)
{
	struct subject_tasks first = TASKS(1, 100), second = first;
	uint64_t max = UINT64_C(4) << 30;
	first.space[kind] = (struct subject_space){max, max - (before << 20), 8 << 20};
	second.space[kind] = (struct subject_space){max, max - (after << 20), 8 << 20};
	tasks_are(m, first, second);
}

static void addresses_are_spent(struct looks *m) { space_left(m, SPACE_ADDRESS, 6, 7); }

static void addresses_are_left(struct looks *m) { space_left(m, SPACE_ADDRESS, 6, 8); }

static void commit_is_spent(struct looks *m) { space_left(m, SPACE_COMMIT, 0, 0); }

static void worker_out_of_files(struct looks *m) { worker_stuck(m, 'S', 1024); }

/* Clients wait at the second of two listeners: none of the workers has a descriptor left. */
static void worker_lets_wait(struct looks *m)
{
	static struct listener own[2];
	static struct subject subject;
	worker_out_of_files(m);
	stuck(m, 1, 0, 32);
	memcpy(own, m->at[1], sizeof(own));
	subject = *m->after.queues.subject;
	subject.listeners = (struct listeners){.count = 2, .at = own};
	m->before.queues.subject = m->after.queues.subject = &subject;
}

static void waits_for_a_moment(struct looks *m)
{
	at_limit(m);
	m->seen[0].waiting = 3;
}

static void limit_unknown(struct looks *m)
{
	at_limit(m);
	m->process.soft = m->process.hard = 0;
}

static void unlimited(struct looks *m)
{
	at_limit(m);
	m->process.soft = m->process.hard = HOST_UNLIMITED;
}

static void limits_of_processes_get_their_findings(void **state)
{
	static const struct look_findings rows[] = {
		{at_limit, "descriptors.process.exhausted critical",
		 "descriptors.process.exhausted critical"},
		{at_limit_and_dropping,
		 DROPPING ", accept-queue.slow critical, descriptors.process.exhausted critical",
		 "accept-queue.full critical, descriptors.process.exhausted critical"},
		{at_limit_unasked, "", ""},
		{closes_at_once, "descriptors.process.exhausted warning",
		 "descriptors.process.exhausted warning"},
		{had_some_left, "", "descriptors.process.exhausted warning"},
		{subject_closes_at_once, "descriptors.process.exhausted critical",
		 "descriptors.process.exhausted critical"},
		{files_of_the_machine_are_spent, "descriptors.system.exhausted critical",
		 "descriptors.system.exhausted critical"},
		{files_of_the_machine_are_nearly_spent, "descriptors.system.exhausted warning",
		 "descriptors.system.exhausted critical"},
		{files_of_the_machine_were_spent, "", ""},
		{processes_are_spent, "listeners.processes critical",
		 "listeners.processes critical"},
		{processes_were_spent, "", ""},
		{processes_are_unlimited, "", ""},
		{threads_are_spent, "listeners.processes critical", "listeners.processes critical"},
		{pids_are_spent, "listeners.processes critical", "listeners.processes critical"},
		{addresses_are_spent, "listeners.processes critical",
		 "listeners.processes critical"},
		{addresses_are_left, "", ""},
		{commit_is_spent, "listeners.processes critical", "listeners.processes critical"},
		{pids_are_left, "", ""},
		{worker_out_of_files, "descriptors.process.exhausted critical",
		 "descriptors.process.exhausted critical"},
		{waits_for_a_moment, "", "descriptors.process.exhausted critical"},
		{limit_unknown, "accept-queue.waiting warning", STANDING " note"},
		{unlimited, "accept-queue.waiting warning", STANDING " note"},
		{sized_beyond_memory, "descriptors.process.large warning",
		 "descriptors.process.large warning"},
		{sized_by_gigabytes, "descriptors.process.large note",
		 "descriptors.process.large note"},
		{sized_little, "", ""},
		{sized_by_nothing, "", ""},
		{sized_another, "", ""},
	};
	looks_find(rows, sizeof(rows) / sizeof(*rows));
}

#define OF_NGINX                                                                                   \
	" nginx has a limit of its own: worker_rlimit_nofile 4096; events { worker_connections "   \
	"4096; }"

static void texts_name_the_limit(void **state)
{
	static const struct look_texts rows[] = {
		{at_limit_and_dropping, 1, NULL,
		 "nginx (pid 812) has 1 024 of 1 024 descriptors open, its soft limit.",
		 "No backlog helps. Raise that limit: prlimit --pid 812 --nofile=4096:524288."},
		{at_limit, 0,
		 "nginx (pid 812) has 1 023 of 1 024 descriptors open while 300 connections wait",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288), and a "
		 "level-triggered server spins. 300 connections wait in the queue of nginx (pid 812) "
		 "on 0.0.0.0:443.",
		 "Raise that limit: prlimit --pid 812 --nofile=4096:524288. This holds until the process exits. For its next start: "
		 "(d=/etc/systemd/system/nginx.service.d; mkdir -p $d && printf "
		 "'[Service]\\nLimitNOFILE=4096:524288\\n' >$d/zz-LimitNOFILE.conf && "
		 "systemctl daemon-reload && systemctl restart nginx.service), which closes all open connections." OF_NGINX},
		{at_limit_of_a_user, 0, NULL, NULL,
		 "Raise that limit: prlimit --pid 812 --nofile=4096:524288. This holds until the process exits. For its next start: "
		 "As the user of the process: "
		 "(d=~/.config/systemd/user/nginx.service.d; mkdir -p $d && printf "
		 "'[Service]\\nLimitNOFILE=4096:524288\\n' >$d/zz-LimitNOFILE.conf && "
		 "systemctl --user daemon-reload && systemctl --user restart "
		 "nginx.service), which closes all open connections." OF_NGINX},
		{at_both_limits_of_a_user, 0, NULL, NULL,
		 "Raise that limit: prlimit --pid 812 --nofile=4096:4096. This holds until the process exits. For its next start: "
		 "As the user of the process: "
		 "(d=~/.config/systemd/user/nginx.service.d; mkdir -p $d && printf "
		 "'[Service]\\nLimitNOFILE=4096\\n' >$d/zz-LimitNOFILE.conf && systemctl "
		 "--user daemon-reload && systemctl --user restart nginx.service), which closes all open connections. "
		 "The hard limit of that user's manager, "
		 "user@UID.service, has to be as high." OF_NGINX},
		{at_limit_inside, 0, NULL, NULL,
		 "Raise that limit: prlimit --pid 812 --nofile=4096:524288. This holds until the process exits. For its next start: "
		 "In the container: "
		 "(d=/etc/systemd/system/nginx.service.d; mkdir -p $d && printf "
		 "'[Service]\\nLimitNOFILE=4096:524288\\n' >$d/zz-LimitNOFILE.conf && "
		 "systemctl daemon-reload && systemctl restart nginx.service), which closes all open connections." OF_NGINX},
		{at_both_limits, 0, NULL, NULL,
		 "Raise RLIMIT_NOFILE where the process is started (LimitNOFILE=4194304 in a systemd "
		 "unit, ulimit -n 4194304 in a script), and restart it. fs.nr_open (1 048 576) has to "
		 "be raised first."},
		{at_limit_of_an_unlimited_one, 0, NULL, NULL,
		 "Raise that limit: prlimit --pid 812 --nofile=4096:unlimited. This holds until the process exits. For its next start: "
		 "Raise RLIMIT_NOFILE where the process is started (LimitNOFILE=4096:infinity in a "
		 "systemd unit, ulimit -Sn 4096 in a script), and restart it."},
		{at_limit_of_openrc, 0, NULL, NULL,
		 "Raise that limit: prlimit --pid 812 --nofile=4096:unlimited. This holds until the process exits. For its next start: "
		 "Set rc_ulimit=\"-Sn 4096\" in /etc/conf.d/NAME, then rc-service NAME restart."},
		{closes_at_once, 0, "nginx (pid 812) has 1 024 of 1 024 descriptors open",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288). No "
		 "connection waits in the queue of nginx (pid 812) on 0.0.0.0:443: another process "
		 "accepts its clients, or it closes them at once with a descriptor that it keeps in "
		 "reserve, as Node.js does.",
		 NULL},
		{worker_out_of_files, 0, "nginx (pid 813) has 1 024 of 1 024 descriptors open",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288). No "
		 "connection waits in the queue of nginx (pid 812) on 0.0.0.0:443: 3 other processes "
		 "of this server accept.",
		 NULL},
		{worker_lets_wait, 1,
		 "nginx (pid 813) has 1 024 of 1 024 descriptors open while 32 connections wait",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288), and a "
		 "level-triggered server spins. 32 connections wait in the queue of nginx (pid 812) "
		 "on [::]:22.",
		 NULL},
		{processes_are_spent, 0,
		 "nginx (pid 812) can start no process or thread: its user runs 151 of 150", NULL,
		 NULL},
		{processes_are_spent_inside, 0, NULL, NULL,
		 "In the container: "
		 "(d=/etc/systemd/system/nginx.service.d; mkdir -p $d && printf "
		 "'[Service]\\nLimitNPROC=1024\\n' >$d/zz-LimitNPROC.conf && systemctl "
		 "daemon-reload && systemctl restart nginx.service), which closes all open connections."},
		{pids_are_spent, 0,
		 "nginx (pid 812) can start no process or thread: this machine runs 724 of 724",
		 "The limit is kernel.pid_max: fork() and pthread_create() fail with EAGAIN.",
		 "sysctl -w kernel.pid_max=4096, or find what makes so many threads."},
		{addresses_are_spent, 0,
		 "nginx (pid 812) can start no thread: 3.99 GiB of 4 GiB of RLIMIT_AS are in use",
		 "Another thread takes 8 MiB: pthread_create() fails with EAGAIN.",
		 "prlimit --pid 812 --as=8589934592 raises it for that process."},
		{commit_is_spent, 0, NULL, NULL,
		 "Add swap, or raise vm.overcommit_ratio or vm.overcommit_kbytes, until CommitLimit in "
		 "/proc/meminfo is at least 8388608 kB."},
	};
	looks_say(rows, sizeof(rows) / sizeof(*rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_of_processes_get_their_findings),
		cmocka_unit_test(texts_name_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
