/* machine: internal to src/host/: the host, opening its files, parsing numbers. */
#pragma once

#include "epolltune/host.h"

struct capture;

/* PROC_PID_INIT_INO of the kernel. */
#define MACHINE_FIRST_PIDS "pid:[4026531836]"
#define MACHINE_FIRST_CGROUPS "cgroup:[4026531835]"

struct host {
	int fd; /* O_PATH of the root directory; -1: `files` has all */
	bool live;
	bool earlier;            /* at the first of two samples: CAPTURE_EARLIER before all else */
	char *root;              /* "" for "/": errors print "%s/%s" of root and path */
	struct kept_files *kept; /* what host_lay() and host_freeze() keep; NULL: nothing */
	bool frozen;             /* keep what is read */
	struct capture *files;   /* of a captured machine; NULL: it is a directory */
	bool owns_files;
	struct filling *filling;   /* where `files` lacks one; NULL: nowhere */
	const struct host *shadow; /* of a running one: what gets each file that is read; NULL */
};

/* What a capture has of host_identity(). */
#define HOST_IDENTITY_FILE "identity"
/* sos keeps there what its plugin "kernel" got from the command. */
#define SOS_SYSCTL "sos_commands/kernel/sysctl_-a"
#define HOST_IDENTITY_FORMAT                                                                       \
	"boot %s\nnetns %s\ninitial %d\nfirst_pids %d\nfirst_cgroups %d\nfirst_netns %d\n"

/* A host without files. The caller frees it with host_close(). NULL: no memory. */
struct host *machine_make(const char *root);

/* /proc/net/tcp of 400 000 sockets. */
#define HOST_FILE_MAX ((size_t)64 << 20)

/* Opens a path below the root, close-on-exec and non-blocking (a captured file may be a FIFO);
 * returns the descriptor. -EINVAL for absolute paths and those that contain "..". Symbolic links of
 * a captured machine are resolved inside its root; -ELOOP for them without openat2(2). `verb` is
 * for the error: "read", "write". */
int machine_open(const struct host *h, const char *path, int flags, const char *verb,
		 struct err *e);

/* Opens the file, or with O_DIRECTORY the directory, that process `pid` sees at the absolute path
 * `name`. Links are resolved in the root of the process; -ELOOP for them without openat2(2).
 * -EINVAL: neither, or of a file system of the kernel: such files are not opened, since that may
 * have an effect. -EACCES: this user may not look there; -EOPNOTSUPP: a captured machine.
 * `changed`: when it, what a directory has, a link to it, or the name of a directory above it last
 * changed: st_ctim, which no tool can set back, and which a file system sets of what it renames. */
int machine_open_as(const struct host *h, pid_t pid, const char *name, int flags,
		    struct timespec *changed, struct err *e);
/* The text of such a file, which the caller frees. */
ssize_t machine_read_as(const struct host *h, pid_t pid, const char *name, char **text,
			struct timespec *changed, struct err *e);

/* The byte order of the machine: that of a captured one is in sys/kernel/cpu_byteorder (Linux 6.2,
 * or written by `epolltune capture`); without it, little-endian. NULL: this machine. */
#define HOST_BYTE_ORDER_FILE "sys/kernel/cpu_byteorder"
bool machine_big_endian(const struct host *h);

/* Whether a path is relative and has no "..". */
bool machine_path_allowed(const char *path);

/* Adds the counters of a text as /proc/net/netstat and snmp, which it changes: net/ipv4/proc.c,
 * netstat_seq_show(), snmp_seq_show(). False: it is damaged. Pure. */
bool host_counter_pairs(struct host_counters *c, char *text);
/* The same of a text as /proc/net/snmp6: net/ipv6/proc.c, snmp6_seq_show(). */
bool host_counter_lines(struct host_counters *c, char *text);

/* Adds a file or directory, or what a directory has, from the running machine to `files`; nothing
 * where it is not there or not for this user, and no data (CAPTURE_LEFT_OUT) where it does not fit.
 */
void filling_take(const struct host *h, const char *path);
void filling_list(const struct host *h, const char *directory);
void filling_names(const struct host *h, const char *directory);
/* The same of a file that is being read of the running machine. */
void filling_shadow(const struct host *h, const char *path);
/* Adds a reply of netlink, without hardware addresses. */
int filling_reply(const struct host *h, const char *path, void *data, size_t size, struct err *e);
/* Adds a text. */
void filling_text(const struct host *h, const char *path, const char *text);
/* The running machine behind a host that is filled; NULL: there is none. */
const struct host *filling_live(const struct host *h);
void filling_free(struct filling *f);

/* Converts the negative code of a libnl function to an errno and "what: text". Returns -errno. */
int machine_netlink_error(struct err *e, int nl, const char *what);
struct nl_msg;
void machine_message_free(struct nl_msg **m); /* NULL is allowed */

/* For parsers of kernel text: they accept what the kernel writes and refuse anything else. */

/* Skips blanks, reads decimal digits up to a blank or the end and moves *at behind them. False,
 * with *at unchanged, without digits, if another character follows, or beyond UINT64_MAX. */
bool text_number(const char **at, uint64_t *value);
/* The name without control characters: a tab or a newline of it would be another field of a file.
 * Returns `out`. */
#define TEXT_FIELD 160
const char *text_field(const char *name, char out[TEXT_FIELD]);
/* The number of kB behind "key:" at the start of a line, as in /proc/meminfo, in bytes. */
bool text_keyed_bytes(const char *text, const char *key, uint64_t *bytes);
