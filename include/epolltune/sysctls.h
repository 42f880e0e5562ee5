/* sysctls: what is known of all sysctls, beside the knobs of knob.h: which names there are, which
 * are gone or read-only, the kernel's own values, and the values of common advice that do harm. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/catalogue.h"

#define SYSCTL_NAME 256

/* The name with "*" for the interface: "net.ipv4.conf.*.rp_filter". False if it does not fit. */
bool sysctl_general(const char *name, char general[SYSCTL_NAME]);
/* Whether a kernel that is known has a general name. */
bool sysctl_known(const char *general);
/* Whether its value is a text that the kernel takes as it is, with quotes and "#". */
bool sysctl_is_text(const char *general);
/* A sysctl whose value is a word, which the kernel looks up or parses. */
struct sysctl_word {
	const char *name;  /* general */
	const char *error; /* of another value, which leaves the previous one: "ENOENT" */
	bool several;      /* words, separated by a blank */
	bool empty;        /* may be */
	bool ends;         /* the kernel ignores what follows the word */
};
const struct sysctl_word *sysctl_word_find(const char *general); /* NULL: none */
/* The newest kernel of the list. */
#define SYSCTLS_LISTED KERNEL(6, 18)
/* Whether the list has all names of kernels up to that one that begin as this one: others do not
 * exist there. */
bool sysctl_complete(const char *general);
/* The known name that is most similar. Returns how much it is, as similar(). */
unsigned sysctl_nearest(const char *name, char nearest[SYSCTL_NAME]);
/* The only known name that differs by one letter; false: none, or several. */
bool sysctl_meant(const char *general, char meant[SYSCTL_NAME]);
/* A general name with the interface that `name` has; false where that has none, or it does not
 * fit. */
bool sysctl_named(const char *general, const char *name, char named[SYSCTL_NAME]);

/* From dots as separators to slashes, and back: the other one is literal, as in the name of an
 * interface. */
void sysctl_swap(char *name);
#define SYSCTL_PATH (SYSCTL_NAME + sizeof("proc/sys/"))
/* The file of a name, with dots, relative to the root of a host: that of
 * "net.ipv4.conf.eth0/100.rp_filter" is "proc/sys/net/ipv4/conf/eth0.100/rp_filter". */
void sysctl_path(const char *name, char path[SYSCTL_PATH]);

/* The kernel has some values under two names, and the later write of either counts. The name under
 * which the catalogue has such a value; of others the name itself. */
const char *sysctl_key(const char *name);
/* The other name of such a value; NULL: it has one name. */
const char *sysctl_twin(const char *name);
/* Whether two names, with dots, are of one value. */
bool sysctl_same(const char *name, const char *other);

#define SYSCTL_NEVER KERNEL(0, 1)

/* A name that not all kernels have, or that cannot be written. */
struct sysctl_history {
	const char *name; /* "*" at its end stands for any text */
	unsigned since;   /* KERNEL(6, 14); 0: all that are supported */
	unsigned until;   /* first kernel without it; 0: none; SYSCTL_NEVER: there was none */
	bool read_only;
	const char *instead; /* what to write instead, a sentence; "": nothing */
	const char *source;
};
const struct sysctl_history *sysctl_history_find(const char *general);

/* The module that makes a sysctl; NULL: none. */
const char *sysctl_module(const char *general);

/* The kernel's own value of one field, which advice lowers. */
struct sysctl_own {
	const char *name;
	unsigned field;
	int64_t value;
	unsigned since;  /* the first kernel with it; newer ones come first */
	uint64_t memory; /* of machines with more bytes of it; larger ones come first; 0: of all */
	unsigned share;  /* not more than one for each `share` bytes of memory; 0: no such bound */
	bool above;      /* advice that is above it, not below, takes something away */
	const char *why; /* what the lower one costs, a clause */
};
/* The row of a field; NULL: none. memory_bytes 0: that of a machine which has more than any bound.
 * *value: the row's, or what the memory leaves of it, roughly: the kernel counts less of it. */
const struct sysctl_own *sysctl_own_find(const char *general, unsigned field, unsigned kernel,
					 uint64_t memory_bytes, int64_t *value);
/* The memory from which on the row has its value; 0: any. */
uint64_t sysctl_own_memory(const struct sysctl_own *o);
/* Whether a kernel has that as its own value: what got it may have asked for nothing. */
bool sysctl_is_own(const char *name, unsigned field, int64_t value);

/* Values of common advice without effect, or that do harm. */
struct sysctl_advice {
	const char *name;
	unsigned field;
	int64_t low, high; /* values of that field */
	enum finding_level level;
	const char *why;    /* sentences */
	const char *unless; /* a line "NAME=VALUE" that gives it a sense; NULL: none */
	const char *source;
};
const struct sysctl_advice *sysctl_advice_at(size_t i); /* NULL at the end */
