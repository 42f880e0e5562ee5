/* processes: what /proc/PID says of a process. */
#pragma once

#include "epolltune/listener.h"

struct process_stat {
	pid_t pid; /* first: its order */
	pid_t parent;
	uint64_t started;
	uint64_t threads;
	char name[sizeof(((struct process *)0)->name)];
	char state;
};
/* Reads proc_pid_stat(5). False: not such a text. Pure. */
bool process_stat_parse(const char *text, struct process_stat *out);
/* The innermost systemd service or scope of a /proc/PID/cgroup (v1 and v2); "" for none and for a
 * name that does not fit. Returns whose it is. Pure. */
enum unit_manager process_unit_parse(const char *text, char *unit, size_t size);
#define PROCESS_LIMITS_KEY "Max open files"
/* The line PROCESS_LIMITS_KEY of a /proc/PID/limits. Pure. */
bool process_limits_parse(const char *text, uint64_t *soft, uint64_t *hard);
/* Another line, as "Max processes". Pure. */
bool process_limit_parse(const char *text, const char *key, uint64_t *soft, uint64_t *hard);

/* Of /proc/PID/status (proc_pid_status(5)). */
struct process_status {
	uint32_t uid; /* the real one, in the user namespace of this process */
	uint64_t threads;
	uint64_t effective; /* capabilities, 1 << CAP_… */
};
/* False: not such a text. Pure. */
bool process_status_parse(const char *text, struct process_status *out);

/* An O_PATH descriptor of /proc/PID. It names this process even after its pid is reused. */
int process_open(const struct host *h, pid_t pid, struct err *e);
/* Both read through it; -ESRCH or -ENOENT if the process is gone. */
int process_stat_at(int process, pid_t pid, struct process_stat *out, struct err *e);
int process_read_at(int process, pid_t pid, struct process *out, struct err *e);
/* Lets one that a freezer has stopped wait in PROCESS_FREEZER. */
void process_freezer_look(const struct host *h, struct process *p);
/* Whether processes of these names may be master and worker: equal, or so up to a colon, as
 * "gunicorn: master" and "gunicorn: worker". Pure. */
bool process_family(const char *a, const char *b);
/* Whether two paths, as of /proc/PID/exe, have the same file name: the program may run from another
 * directory, or its file was replaced since. Pure. */
bool process_same_program(const char *a, const char *b);
/* The topmost ancestor of the same family, some generations up at most. `read`: the start of
 * another process, from the caller's list or directory; false: it is not visible. */
pid_t process_root(const struct process_stat *p,
		   bool (*read)(const void *from, pid_t pid, struct process_stat *out),
		   const void *from);
/* Reads the start of every process that is visible, ordered by pid; the caller frees `out`. */
int process_list(const struct host *h, struct process_stat **out, size_t *count, struct err *e);
/* The inode of its namespace ("net", "user"); 0: not visible. */
uint64_t process_namespace(int process, const char *kind);
/* A network namespace, as a process shows it. */
struct netns_id {
	uint64_t link; /* the inode of ns/net; 0: this user may not trace the process */
	/* The inode of net/netstat, which each namespace has its own of and every user may read:
	 * fs/proc/proc_net.c, get_proc_task_net(); 0: not visible. */
	uint64_t file;
};
struct netns_id process_netns(int process);
bool netns_is_known(struct netns_id n);
/* By what is known of both. Pure. */
bool netns_same(struct netns_id a, struct netns_id b);
/* The systemd unit, as in struct process. */
enum unit_manager process_unit(int process, char *unit, size_t size);

/* Where its first thread has exited and another runs, that one's directory below it, O_PATH: it has
 * the descriptors. -1: none. */
int process_living(int process);
/* An open directory below it, such as "fd", for fdopendir(3); -1 with errno. */
int process_directory(int process, const char *name);
/* Reads a file below it. The length; -1 with errno. */
ssize_t process_file(int process, const char *name, char *text, size_t size);
/* The same of all of it, as "status" has a line of up to 65 536 groups. The caller frees `text`. */
ssize_t process_text(int process, const char *name, char **text);

/* Whether a process that started at that time did so before a file changed. */
bool process_precedes(uint64_t started, const struct timespec *changed);
