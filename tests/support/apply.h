/* apply: scripts that run apply, confirm and rollback in namespaces of their own. */
#pragma once

#include "support.h"

/* A directory of the test, with the program in it. */
extern char base[64];
/* The command that enters a network namespace which has net.core: before Linux 6.11 only root has
 * one. */
extern const char *enter;
int base_make(void **state);
int base_remove(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, base_make, base_remove)

/* Runs a script in a new network namespace; `more`: further options of unshare(1). The script has
 * $S, a state directory that does not exist yet, and the commands epolltune, somaxconn [VALUE],
 * boots, which makes it a machine that reads /etc/sysctl.d at boot, and within CONDITION, which
 * waits for it for up to a minute. */
struct output inside(const char *more, const char *script);
/* Runs a command in a terminal, types `answer` at its question, and returns the exit status. */
int terminal_run(const char *command, const char *answer, char *shown, size_t size);
/* The same, with `ahead` typed before the command prints anything. */
int terminal_run_typed(const char *command, const char *ahead, const char *answer, char *shown,
		       size_t size);

/* These fail the test. */
void text_has(const char *text, const char *needle);
void text_lacks(const char *text, const char *needle);
void output_good(struct output *o);

/* A report of this boot with one wall short, so that no experiment is needed. */
#define REPORT                                                                                     \
	"report() { cat <<END\n"                                                                   \
	"{ \"schema\": \"epolltune.report/1\", \"version\": \"0\", \"time\": "                     \
	"\"2026-01-01T00:00:00Z\","                                                                \
	" \"host\": { \"name\": \"x\", \"kernel\": \"6\", \"boot\": \"$(cat "                      \
	"/proc/sys/kernel/random/boot_id)\", \"cpus\": 1, \"memory_bytes\": 1, \"isolation\": "    \
	"\"lab\" },"                                                                               \
	" \"target\": { \"role\": \"server\", \"connections\": 10000, \"rate_per_s\": 10000,"      \
	" \"stall_us\": 100000, \"rtt_us\": 50000, \"bandwidth_bps\": 100000000 },"                \
	" \"walls\": [ { \"name\": \"accept-queue\", \"unit\": \"connections\", \"method\": "      \
	"\"measured\", \"limit\": 17, \"measured\": 17, \"needed\": 1000, \"verdict\": \"short\"," \
	" \"knob\": \"net.core.somaxconn\", \"detail\": \"\" } ],"                                 \
	" \"findings\": [ { \"id\": \"accept-queue.short\", \"level\": \"critical\", \"wall\": "   \
	"\"accept-queue\", \"title\": \"short\", \"detail\": \"\", \"remedy\": \"kernel\","        \
	" \"knob\": \"net.core.somaxconn\", \"current\": \"16\", \"proposed\": \"${1:-2048}\","    \
	" \"evidence\": [] } ] }\nEND\n}\n"                                                        \
	"report >$B/report.json\n"                                                                 \
	"fast() { apply --yes --from $B/report.json --no-proof \"$@\"; }\n"

/* As the disk is full: the journal cannot grow by more than so many bytes. */
#define ROOM                                                                                       \
	"room() { n=$1; shift; prlimit --fsize=$(($(stat -c %s $S/journal.jsonl) + n)) \"$@\"; }\n"
