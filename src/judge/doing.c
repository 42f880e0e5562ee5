#include "epolltune/doing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/shell.h"
#include "epolltune/catalogue.h"
#include "epolltune/host.h"
#include "epolltune/listener.h"
#include "epolltune/quantity.h"
#include "epolltune/report.h"

/* A process with fewer descriptors left than that is at its limit: servers keep some in reserve. */
#define FILES_RESERVE 8
/* Of several processes: those that a text names, and those that a command does. */
#define PIDS_NAMED 8
#define PIDS_RESUMED 32

bool process_at_file_limit(const struct process *p)
{
	return p->soft && p->open && p->soft != HOST_UNLIMITED && p->open + FILES_RESERVE > p->soft;
}

bool process_out_of_files(const struct process *p)
{
	return process_at_file_limit(p) && p->open + 1 >= p->soft;
}

bool process_halted(const struct process *p)
{
	return p->state && (strchr("TtZX", p->state) || p->wait == WAIT_FROZEN);
}

/* Its limit on connections, as its configuration or command names it. */
static void limit_name(const struct process *p, char *text, size_t size)
{
	const struct server_row *row = server_row_find(p->name);
	const struct server_setting *set = row ? &row->set[SERVER_CLIENTS] : NULL;
	const char *name = !set ? NULL : set->directive ? set->directive : set->option;
	/* Of a runtime it is not known which server it runs. */
	if (!name && set && !row->runtime)
		name = set->unread;
	if (name)
		snprintf(text, size, "(%s of %s)", name, row->name);
	else
		snprintf(text, size, "(such as worker_connections of nginx)");
}

/* Any of its threads may be the one that accepts. */
static bool all_in_epoll(const struct process *p)
{
	return p->wait == WAIT_EPOLL && (p->threads == 1 || (p->threads > 1 && p->alike));
}

static void unwatched_doing(const struct process *p, struct doing *d)
{
	char limit[96];
	if (p->threads > 1)
		report_text(d->what,
			    "has %s threads, which all sleep in epoll_wait() though connections "
			    "wait: none watches this listener now",
			    quantity_count(p->threads).text);
	else
		report_text(d->what, "sleeps in epoll_wait() though connections wait: it does "
				     "not watch this listener now");
	limit_name(p, limit, sizeof(limit));
	report_text(d->help,
		    "See its own limit on connections %s, or whether another worker has the "
		    "listener",
		    limit);
}

static void thread_doing(const struct process *p, struct doing *d)
{
	if (p->state == 'R') {
		report_append(d->what, "is runnable (state R)");
		report_text(d->help, "Add workers or CPUs, or let it do less for each connection");
	} else if (p->state == 'D') {
		report_append(d->what, "is in uninterruptible sleep (state D)%s%s",
			      p->waits_in[0] ? " in " : "", p->waits_in);
	} else if (p->waits_in[0]) {
		report_append(d->what, "sleeps in %s",
			      p->wait == WAIT_EPOLL ? "epoll_wait()" : p->waits_in);
	} else if (p->state) {
		report_append(d->what, "sleeps (state %c)", p->state);
	}
}

/* By the name of its unit. What is frozen by the systemd of a container may be so by its engine. */
static void thaw_help(const struct process *p, const char *it, struct doing *d)
{
	const struct container_row *row = container_row_find(p->unit);
	if (unit_service(p->unit)[0] && p->manager != UNIT_INSIDE)
		report_text(
			d->help,
			"Resume %s: systemctl%s thaw %s, or if a container engine has paused %s, "
			"podman unpause NAME",
			it, p->manager == UNIT_USER ? " --user" : "", p->unit, it);
	else
		report_text(d->help, "Resume %s: %s", it,
			    row->thaw ? row->thaw : container_row_find("")->thaw);
}

/* "gunicorn" of "gunicorn: master" */
static int family_length(const struct process *p) { return (int)strcspn(p->name, ":"); }

/* `resume`: the command for all that do so. */
static void halted_doing(const struct process *p, bool several, const char *resume, struct doing *d)
{
	const char *are = several ? "are" : "is", *it = several ? "them" : "it";
	if (p->state == 'T') {
		report_text(d->what, "%s stopped (state T)", are);
		report_text(d->help, "Resume %s: %s. Or restart %.*s", it, resume,
			    several ? family_length(p) : 2, several ? p->name : "it");
	} else if (p->state == 't') {
		report_text(d->what, "%s stopped by a tracer (state t)", are);
		report_text(d->help, "End the debugger or strace that has stopped %s", it);
	} else if (p->state == 'Z' || p->state == 'X') {
		report_text(d->what, "%s exited (state %c)", several ? "have" : "has", p->state);
		report_text(d->help, "Restart the server");
	} else {
		report_text(d->what, "%s frozen with %s control group", are,
			    several ? "their" : "its");
		thaw_help(p, it, d);
	}
}

/* Of one that runs: both numbers, as one alone would lower the hard limit. */
static void raise_help(const struct process *p, struct doing *d)
{
	uint64_t more = quantity_more(p->soft);
	char hard[24] = "unlimited";
	if (p->hard != HOST_UNLIMITED)
		snprintf(hard, sizeof(hard), "%" PRIu64, p->hard > more ? p->hard : more);
	report_text(d->help, "Raise that limit: prlimit --pid %d --nofile=%" PRIu64 ":%s",
		    (int)p->pid, more, hard);
}

struct doing doing_of(const struct process *p)
{
	struct doing d = {.help = "Find out what it waits for (a disk, a lock, another server), or "
				  "add workers"};
	if (process_at_file_limit(p)) {
		report_text(d.what, "has %s of %s descriptors open, its soft limit",
			    quantity_count(p->open).text, quantity_count(p->soft).text);
		const struct server_row *row = server_row_find(p->name);
		if (server_files_at_start(row))
			report_text(
				d.help,
				"Raise that limit where it is started, and restart it: %s "
				"may compute its own limit or the size of tables from it at its start, "
				"which prlimit does not change",
				row->name);
		else
			raise_help(p, &d);
	} else if (process_halted(p)) {
		char resume[32];
		snprintf(resume, sizeof(resume), "kill -CONT %d", (int)p->pid);
		halted_doing(p, false, resume, &d);
	} else if (p->state == 'S' && all_in_epoll(p)) {
		unwatched_doing(p, &d);
	} else if (p->threads > 1 && p->state) {
		report_text(d.what, "has %s threads, of which the first ",
			    quantity_count(p->threads).text);
		thread_doing(p, &d);
		report_text(d.help,
			    "See what its threads wait for (grep -s . /proc/%d/task/*/wchan), or "
			    "add workers",
			    (int)p->pid);
	} else {
		thread_doing(p, &d);
	}
	return d;
}

bool process_accepts_not(const struct process *p)
{
	return p && (process_at_file_limit(p) || process_halted(p));
}

void unit_words(struct wording *words, const char *unit, enum unit_manager manager)
{
	char word[256] = "";
	if (unit[0])
		shell_word(word, sizeof(word), unit);
	wording_set(words, "unit", "%s", word);
	wording_set(words, "manager", "systemctl%s", manager == UNIT_USER ? " --user" : "");
	wording_flag(words, "user", manager == UNIT_USER);
	wording_flag(words, "inside", manager == UNIT_INSIDE);
}

void process_words(struct wording *words, const struct process *p, const char *address)
{
	const struct server_row *server = p ? server_row_find(p->name) : NULL;
	struct doing doing = {.help = "Run the check as root to see the process"};
	if (p)
		doing = doing_of(p);
	int family = p ? family_length(p) : 0;
	wording_set(words, "who", "%.*s", p ? family : (int)strlen(address), p ? p->name : address);
	wording_set(words, "process", "%.*s", family, p ? p->name : "");
	wording_set(words, "pid", "%d", p ? (int)p->pid : 0);
	bool worker = p && p->pid != p->root;
	wording_flag(words, "worker", worker);
	if (worker)
		wording_set(words, "whose", "Its worker (pid %d)", (int)p->pid);
	else
		wording_set(words, "whose", "%.*s (pid %d)", family, p ? p->name : "",
			    p ? (int)p->pid : 0);
	unit_words(words, p ? unit_service(p->unit) : "", p ? p->manager : UNIT_SYSTEM);
	wording_set(words, "doing", "%s", doing.what);
	wording_set(words, "help", "%s", doing.help);
	wording_set(words, "server", "%s", server ? server->name : "");
	wording_set(words, "default", "%s", server ? server->backlog : "");
}

/* Of one server. */
static bool halted_alike(const struct process *a, const struct process *b)
{
	return process_halted(b) && a->root == b->root && a->state == b->state &&
	       (a->wait == WAIT_FROZEN) == (b->wait == WAIT_FROZEN);
}

size_t halted_words(struct wording *words, const struct process *p, const struct process *all,
		    size_t count)
{
	char pids[96] = "", resume[320] = "kill -CONT";
	struct doing d = {0};
	size_t many = 0;
	bool root = false;
	for (size_t i = 0; process_halted(p) && i < count; i++) {
		if (!halted_alike(p, &all[i]))
			continue;
		if (many < PIDS_NAMED)
			report_append(pids, "%s%d", many ? ", " : "", (int)all[i].pid);
		root |= all[i].pid == p->root;
		if (many++ < PIDS_RESUMED)
			report_append(resume, " %d", (int)all[i].pid);
	}
	wording_set(words, "many", "%s", many > 1 ? quantity_count(many).text : "");
	if (many < 2)
		return many;
	if (many > PIDS_NAMED)
		report_append(pids, " and %zu more", many - PIDS_NAMED);
	if (many > PIDS_RESUMED)
		report_text(resume, "pkill -CONT -P %d", (int)p->root);
	if (many > PIDS_RESUMED && root)
		report_append(resume, "; kill -CONT %d", (int)p->root);
	halted_doing(p, true, resume, &d);
	wording_set(words, "pids", "%s", pids);
	wording_set(words, "whose", "Its workers (pids %s)", pids);
	wording_set(words, "doing", "%s", d.what);
	wording_set(words, "help", "%s", d.help);
	return many;
}

static const char apart_help[] = "Run the check in the PID namespace of the host (docker run "
				 "--pid=host, hostPID: true) to see the process";

void listener_words(struct wording *words, const struct listeners *all, const struct listener *l)
{
	bool unknown = l->owner < 0, cut = unknown && all->cut && !all->hidden;
	bool unheld = unknown && all->unheld, apart = unknown && all->apart && !all->unheld;
	process_words(words, l->owner < 0 ? NULL : &all->processes[l->owner], l->address);
	wording_set(words, "endpoint", "%s", l->address);
	wording_flag(words, "cut", cut);
	wording_flag(words, "unheld", unheld);
	wording_flag(words, "apart", apart);
	if (apart)
		wording_set(words, "help", "%s", apart_help);
	if (unheld)
		wording_set(words, "help", "%s",
			    "Find what made it: the NFS server of the kernel, a program that uses "
			    "io_uring, or one that passes it to another");
	if (cut)
		wording_set(words, "help", "%s",
			    "Find the pid of its process with ss -lnp and run the check with "
			    "--server PID");
}
