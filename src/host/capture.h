/* capture: the files of a machine, by their path below its root: what capture(1) writes, and what
 * --sysroot reads from an archive or a support tree. In memory, so that no link, FIFO or name in an
 * archive reaches the file system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

/* The beginning of the name of its directory. */
#define CAPTURE_NAME "epolltune-capture-"
/* Files of the first of two samples, where they differ from the second, are below. */
#define CAPTURE_EARLIER "earlier/"
/* What was there and is not in it, and why: lines "too-large proc/net/tcp". And what is in it, so
 * that a file that was lost since is not taken for one that the machine did not have: lines
 * "kept proc/net/snmp". */
#define CAPTURE_LEFT_OUT "left-out"

#define CAPTURE_FILES 20000
#define CAPTURE_BYTES ((size_t)256 << 20)

struct subject;

enum capture_kind { CAPTURE_FILE, CAPTURE_DIRECTORY, CAPTURE_LINK };

struct capture_file {
	char *path;
	char *data; /* and a NUL behind it; of a link, its target */
	size_t size;
	enum capture_kind kind;
	bool hidden; /* private data in it was replaced */
	int error;   /* it is there, but its data is not: reading it fails so; 0: it has its data */
};

struct capture {
	struct capture_file *at; /* in the order of their paths */
	size_t count, bytes;
};

int capture_make(struct capture **out, struct err *e);
void capture_free(struct capture **c);
/* Adds a copy; replaces what has that path. -E2BIG beyond CAPTURE_FILES or CAPTURE_BYTES; -EINVAL:
 * the path is absolute or has "..". */
int capture_put(struct capture *c, const char *path, const struct capture_file *file,
		struct err *e);
/* The file or directory of a path, links followed within the capture. NULL with errno: ENOENT,
 * ELOOP. A directory of which only the contents are known is `capture_directory`. */
const struct capture_file *capture_find(const struct capture *c, const char *path);
/* The same, and its path without links. */
const struct capture_file *capture_resolve(const struct capture *c, const char *path,
					   char out[static PATH_MAX]);
extern const struct capture_file capture_directory;
/* As host_walk(), links to files included. */
int capture_walk(const struct capture *c, const char *directory, unsigned depth,
		 int (*each)(const char *path, void *arg), void *arg);
/* As host_names(). */
int capture_names(const struct capture *c, const char *directory,
		  int (*each)(const char *path, void *arg), void *arg);

/* Reads an archive of tar, a directory tree or the text of `sysctl -a`: a capture, a sosreport, a
 * node's directory of a must-gather. What follows the name of an archive names a machine in it:
 * "must-gather.tar.gz/nodes/a". `directory`: an open one, -1: there is none. -ENODATA: there is no
 * machine in it; -ENOTUNIQ: several, which the error lists. */
int capture_read(struct capture **out, const char *path, int directory, struct err *e);

/* What to put into a capture, and how. */
struct capture_options {
	const struct subject *server; /* whose limits and control group are captured, as those in
					 proc/self; NULL: this process' */
	bool addresses;               /* keep addresses and the name of the host */
};
/* A captured machine that reads what `c` lacks from the running machine `live` and adds it: what is
 * read of it is what --sysroot reads. All three must outlive it. */
int capture_fill(struct host **out, struct capture *c, const struct host *live,
		 const struct capture_options *o, struct err *e);
/* From now on what is read of `live` is added to the capture too; `filled` NULL: no more. */
void host_shadow(struct host *live, const struct host *filled);
/* The same machine at its first sample. -ENOENT: there is one sample only. Must not outlive `h`. */
int host_open_earlier(struct host **out, const struct host *h, struct err *e);
/* Adds CAPTURE_LEFT_OUT, of all files that are there, and gives those of that list no data that are
 * not. */
int capture_list_left_out(struct capture *c, struct err *e);
int capture_take_left_out(struct capture *c, struct err *e);
/* Why a file has no data, "left out: too large"; "": the list has no such reason. */
const char *capture_left_out_reason(int error);
/* By the text of the list the errno of a path; ENOENT: it is not listed. */
int capture_left_out_error(const char *list, const char *path);
/* Adds to `last` what differs in `first`. */
int capture_join(struct capture *last, const struct capture *first, struct err *e);

/* Writes a tar archive, compressed by gzip, its files below `directory`, without those that have no
 * data. */
int capture_write(const struct capture *c, const char *directory, time_t when, FILE *out,
		  struct err *e);
