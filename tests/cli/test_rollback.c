/* What rollback restores, and what it leaves: later runs, other namespaces, other boots. */
#include "../support/apply.h"
#include "../support/support.h"

#include <string.h>
#include <unistd.h>

static void a_later_run_is_named(void **state)
{
	struct output o = inside(
		"", REPORT "somaxconn 16; fast >/dev/null\n"
			   "fast --set net.core.somaxconn=3000 >/dev/null\n"
			   "epolltune rollback 1 --state-dir $S; echo \"first $? $(somaxconn)\"\n"
			   "epolltune rollback --state-dir $S; echo \"newest $? $(somaxconn)\"\n"
			   "epolltune rollback --state-dir $S; echo \"rest $? $(somaxconn)\"\n"
			   /* Both set the same. */
			   "S=$B/same; somaxconn 16; fast >/dev/null; somaxconn 16\n"
			   "fast >/dev/null; epolltune rollback 1 --state-dir $S\n"
			   "echo \"same $? $(somaxconn)\"; epolltune rollback --state-dir $S\n"
			   "echo \"then $? $(somaxconn)\"; epolltune rollback 2 --state-dir $S\n"
			   "echo \"back $?\"; epolltune rollback 9 --state-dir $S\n"
			   "echo \"none $?\"; epolltune history 9 --state-dir $S\n");
	assert_int_equal(o.status, 3);
	text_has(o.out,
		 "Run 1 was not rolled back: its values were modified since. To restore them "
		 "anyway: epolltune rollback 1 --force --state-dir /");
	text_has(o.out, "Run 2 was rolled back already.\nback 0\n");
	text_has(o.out, "none 3\n");
	text_has(o.errors, "epolltune: no run 9; for the runs: epolltune history --state-dir /");
	text_has(strchr(o.errors, '\n'),
		 "epolltune: no run 9; for the runs: epolltune history --state");
	text_has(o.out, "same 1 2048\n");
	text_has(o.out, "then 0 16\n");
	text_has(o.out, "is 3000, run 1 set 2048; modified since run 1 by run 2:");
	text_has(o.out, "first 1 3000\n");
	text_has(o.out, "newest 0 2048\n");
	text_has(o.out, "rest 0 16\n");
	output_free(&o);
}

static void a_later_run_elsewhere_keeps_nothing(void **state)
{
	struct output o = inside(
		"", REPORT "somaxconn 16; fast >/dev/null\n"
			   "unshare -n sh -c 'echo 16 >/proc/sys/net/core/somaxconn\n"
			   "epolltune apply --state-dir $S --yes --from $B/report.json --no-proof' "
			   ">/dev/null\n"
			   "epolltune rollback 1 --state-dir $S; echo \"first $? $(somaxconn)\"\n");
	output_good(&o);
	text_has(o.out, "first 0 16\n");
	output_free(&o);
}

/* After a reboot: only a run of this boot and namespace, or of a boot whose line was there at this
 * one, has left the value that is found. */
static void a_run_of_another_boot_keeps_nothing(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"boot=$(cat /proc/sys/kernel/random/boot_id)\n"
		"of() { sed -i \"/\\\"run\\\":$1,/s/$boot/$2/\" $S/journal.jsonl; }\n"
		"back() { epolltune rollback $1 --state-dir $S; echo \"$2 $? $(somaxconn)\"; }\n"
		/* run 1 persists; after a reboot run 2 sets the same elsewhere */
		"somaxconn 16; fast --persist >/dev/null; of 1 earlier\n"
		"unshare -n sh -c 'echo 16 >/proc/sys/net/core/somaxconn\n"
		"epolltune apply --state-dir $S --yes --from $B/report.json --no-proof' >/dev/null\n"
		"back 1 elsewhere\n"
		/* run 3 persists; run 4 sets the same again in a boot between */
		"somaxconn 16; fast --persist >/dev/null; of 3 earlier\n"
		"somaxconn 16; fast >/dev/null; of 4 between\n"
		"back 3 between\n"
		/* run 5 persists; run 6 sets the same again in this boot */
		"somaxconn 16; fast --persist >/dev/null; of 5 earlier\n"
		"somaxconn 16; fast >/dev/null\n"
		"back 5 here\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(o.out, "elsewhere 0 4096\n");
	text_has(o.out, "between 0 4096\n");
	text_has(o.out, "modified since run 5 by run 6");
	text_has(o.out, "here 1 2048\n");
	output_free(&o);
}

static void another_namespace_or_boot(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16; fast >/dev/null\n"
		       "unshare -n sh -c 'epolltune rollback --state-dir $S; echo \"there $?\"'\n"
		       "somaxconn; epolltune rollback --state-dir $S; echo \"here $?\"; somaxconn\n"
		       /* another boot: what does not persist is lost */
		       "fast >/dev/null\n"
		       "sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl\n"
		       "epolltune rollback --state-dir $S; echo \"boot $?\"; somaxconn\n");
	output_good(&o);
	text_has(o.out, "belongs to network namespace");
	text_has(o.out, "there 1\n2048\n");
	text_has(o.out, "here 0\n16\n");
	text_has(o.out, "a reboot has reset it");
	text_has(o.out, "boot 0\n2048\n");
	output_free(&o);
}

/* A run of a namespace that is gone is closed once; history says so before. */
static void a_namespace_that_is_gone(void **state)
{
	if (geteuid() != 0)
		skip_because("an ordinary user cannot look into the processes of others");
	/* The number of a namespace is reused at once: only its cookie differs. */
	struct output o = run(
		"export S=%s/state PATH=%s:$PATH LC_ALL=C.UTF-8\n"
		"a() { epolltune apply --yes --no-proof --only net.core.somaxconn --set "
		"net.core.somaxconn=$1 --state-dir $S; }\n"
		"b() { unshare -n sh -c \"epolltune apply --yes --no-proof --only net.core.somaxconn "
		"--set net.core.somaxconn=$1 --state-dir $S $2\" >/dev/null; }\n"
		"b 5000; epolltune history --state-dir $S\n"
		"epolltune rollback --state-dir $S; echo \"once $?\"\n"
		"epolltune rollback --state-dir $S; echo \"twice $?\"\n"
		"epolltune history --state-dir $S | grep -c reverted\n"
		/* held by a process, by a mount and by a descriptor */
		"unshare -n sh -c 'epolltune apply --yes --no-proof --only net.core.somaxconn --set "
		"net.core.somaxconn=5001 --state-dir $S >/dev/null; echo >$S/go; exec sleep 60' & p=$!\n"
		"until [ -e $S/go ]; do sleep 0.02; done\n"
		"epolltune rollback --force --state-dir $S >/dev/null; echo \"held $?\"\n"
		"export p; unshare -m sh -c 'touch \"$S/a b\" && mount --bind /proc/$p/ns/net \"$S/a b\" "
		"&& echo >$S/bound; exec sleep 60' & m=$!\n"
		"until [ -e $S/bound ]; do sleep 0.02; done\n"
		"exec 7</proc/$p/ns/net; kill $p; wait $p 2>/dev/null\n"
		"epolltune rollback --force --state-dir $S >/dev/null; echo \"open $?\"\n"
		"nsenter --net=/proc/self/fd/7 epolltune history --state-dir $S | tail -1\n"
		"exec 7<&-\n"
		"epolltune rollback --force --state-dir $S >/dev/null; echo \"mounted $?\"\n"
		"kill $m; wait $m 2>/dev/null\n"
		"unshare -n epolltune rollback --state-dir $S; echo \"reused $?\"\n",
		base, base);
	output_good(&o);
	text_has(o.out, " lost with its namespace root 402");
	text_has(o.out, "net.core.somaxconn: nothing to roll back: its network namespace is gone\n"
			"Run 1 rolled back; none of its changes was in force.\nonce 0\n"
			"Nothing to roll back.\ntwice 0\n1\n");
	text_has(o.out, "held 1\nopen 1\n");
	text_has(o.out, " applied ");
	text_has(o.out, " current ");
	text_has(o.out, "mounted 1\n");
	text_has(o.out, "reused 0\n");
	output_free(&o);
}

/* After a reboot the value before the run is none to restore: another file's is, or the kernel's
 * own. */
static void the_earlier_boots_value_is_not_restored(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"reboot() { sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl; }\n"
		"back() { epolltune rollback --state-dir $S; echo \"$1 $? $(somaxconn)\"; }\n"
		"somaxconn 16; fast --persist >/dev/null; reboot; back default\n"
		"echo net.core.somaxconn=77 >/etc/sysctl.d/10-other.conf\n"
		"somaxconn 16; fast --persist >/dev/null; reboot; back file\n"
		"rm /etc/sysctl.d/10-other.conf\n"
		"w=$(cat /proc/sys/net/ipv4/tcp_wmem | cut -f1-2)\n"
		"apply --yes --no-proof --persist --only net.ipv4.tcp_wmem --set "
		"\"net.ipv4.tcp_wmem=$w 9000000\" >/dev/null; reboot; back unknown\n"
		"somaxconn 16; fast --persist >/dev/null; back 'same boot'\n"
		"fast >/dev/null; reboot; epolltune history --state-dir $S | tail -1\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(o.out, "2048 → 4096 (the kernel's default; 16 was of an earlier\n    boot)");
	text_has(o.out, "default 0 4096\n");
	text_has(
		o.out,
		"2048 → 77 (set by /etc/sysctl.d/10-other.conf:1; 16 was of\n    an earlier boot)");
	text_has(o.out, "file 0 77\n");
	text_has(o.out, "earlier boot; that of this boot is unknown)");
	text_has(o.out, "unknown 0 77\n");
	text_has(o.out, "same boot 0 16\n");
	text_has(o.out, " lost at a reboot ");
	text_has(o.out, " earlier boot ");
	output_free(&o);
}

/* A journal of version 1 with one applied item, as of another network namespace or boot. */
#define JOURNALLED                                                                                 \
	"journal() { # KIND SCOPE NAME FROM TO BOOT NETNS\n"                                       \
	"mkdir -p -m 755 $S; h='{\"v\":1,\"run\":1,\"time\":1,\"event\":'\n"                       \
	"printf '%s\"begin\",\"by\":\"a\",\"command\":\"c\",\"boot\":\"%s\",\"netns\":\"%s\","     \
	"\"confirm_s\":0,\"persist\":false}\\n' \"$h\" $6 $7 >$S/journal.jsonl\n"                  \
	"printf '%s\"intent\",\"n\":0,\"kind\":\"%s\",\"scope\":\"%s\",\"name\":\"%s\","           \
	"\"from\":\"%s\",\"to\":\"%s\",\"why\":\"w\"}\\n' \"$h\" $1 $2 $3 $4 $5 "                  \
	">>$S/journal.jsonl\n"                                                                     \
	"printf '%s\"done\",\"n\":0,\"became\":\"%s\"}\\n%s\"end\"}\\n' \"$h\" $5 \"$h\" "         \
	">>$S/journal.jsonl; cp $S/journal.jsonl $B/before; }\n"                                   \
	"boot=$(cat /proc/sys/kernel/random/boot_id)\n"                                            \
	"here=$(stat -Lc %i /proc/self/ns/net)\n"

/* A run is rolled back newest first: two changes of one knob, of which only the second is in force.
 */
static void rollback_goes_backwards(void **state)
{
	struct output o = inside(
		"", JOURNALLED REPORT
		"somaxconn 16\n"
		"fast >/dev/null; netns=$(sed -n 's/.*\"netns\":\"\\([^\"]*\\)\".*/\\1/p' "
		"$S/journal.jsonl)\n"
		"journal sysctl netns net.core.somaxconn 16 2048 $boot $netns\n"
		"sed -i '$d' $S/journal.jsonl\n"
		"r='{\"v\":1,\"run\":1,\"time\":1,\"event\":'\n"
		"echo \"$r\\\"intent\\\",\\\"n\\\":1,\\\"kind\\\":\\\"sysctl\\\",\\\"scope\\\":"
		"\\\"netns\\\",\\\"name\\\":\\\"net.core.somaxconn\\\",\\\"from\\\":\\\"2048\\\","
		"\\\"to\\\":\\\"4096\\\",\\\"why\\\":\\\"w\\\"}\" >>$S/journal.jsonl\n"
		"echo \"$r\\\"done\\\",\\\"n\\\":1,\\\"became\\\":\\\"4096\\\"}\" "
		">>$S/journal.jsonl\n"
		"echo \"$r\\\"end\\\"}\" >>$S/journal.jsonl\n"
		"somaxconn 4096; epolltune rollback --state-dir $S; echo \"status $? "
		"$(somaxconn)\"\n"
		/* and a run that apply makes and rolls back itself */
		"fast --set net.ipv4.tcp_fin_timeout=71,net.ipv4.tcp_congestion_control=nosuch "
		">/dev/null\n"
		"sed -n 's/.*\"reverted\".*\"n\":\\([0-9]*\\).*/n \\1/p' $S/journal.jsonl\n");
	output_good(&o);
	text_has(o.out, "4096 → 2048");
	text_has(o.out, "2048 → 16");
	text_has(o.out, "status 0 16\n");
	text_has(o.out, "n 1\nn 0\nn 2\nn 1\nn 0\n");
	output_free(&o);
}

/* A change that is not readable now can be rolled back later. */
/* As /var was in memory: a line of ours without its run is named, a line of people is not. */
static void lines_without_a_journal(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc",
		"boots\nmount -t tmpfs none /var/lib || exit 77\n"
		"F=/etc/sysctl.d/90-epolltune.conf; own='# Written by epolltune apply'\n"
		"run='# run 1, 2026-07-25T14:30:00Z, a: b'; line='net.core.somaxconn = 2048'\n"
		"back() { epolltune rollback $2 | tr '\\n' ' '; epolltune rollback $2 >/dev/null; "
		"echo \"$1 $?\"; }\n"
		"back none; printf '%s\\n' \"$own\" \"$line\" >$F; back people\n"
		"printf '%s\\n' \"$run\" \"$line\" >$F; back others\n"
		"printf '%s\\n' \"$own\" \"$run\" \"$line\" >$F; back lost; back boot --pending\n"
		"epolltune rollback --format json | grep -c 'reason.*90-epolltune.conf'\n"
		/* the new journal gives the number again */
		"epolltune apply --yes --set net.core.somaxconn=5000 --only net.core.somaxconn "
		"--probe accept-queue --no-proof >/dev/null; mv $F $F~; back applied\n"
		"back copy; mv $F~ $F; back again\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d or /var/lib cannot be mounted here");
	output_good(&o);
	text_has(o.out, "Nothing to roll back. none 0\nNothing to roll back. people 0\n"
			"Nothing to roll back. others 0\n"
			"Nothing to roll back, but /etc/sysctl.d/90-epolltune.conf has lines of "
			"runs that the journal in /var/lib/epolltune does not have: ");
	text_has(o.out, " lost 1\nNothing to roll back. boot 0\n1\n");
	text_has(o.out, " applied 0\nNothing to roll back. copy 0\nNothing to roll back, but ");
	text_has(o.out, " again 1\n");
	output_free(&o);
}

static void unreachable_changes_stay(void **state)
{
	struct output o = inside(
		"", JOURNALLED
		"test -e /proc/sys/net/core/netdev_max_backlog && exit 77\n"
		"journal sysctl system net.core.netdev_max_backlog 1000 2000 $boot 1\n"
		"epolltune rollback --state-dir $S; echo \"system $?\"\n"
		"cmp $S/journal.jsonl $B/before && echo untouched\n"
		/* a journal without the index: whether the interface was removed is unknown */
		"epolltune apply --yes --state-dir $S --set net.core.somaxconn=5000 --only "
		"net.core.somaxconn --probe accept-queue --no-proof >/dev/null\n"
		"netns=$(sed -n 's/.*\"netns\":\"\\([^\"]*\\)\".*/\\1/p' $S/journal.jsonl | "
		"tail -1)\n"
		"journal device netns device.channels@nosuch0 1 2 $boot $netns\n"
		"epolltune rollback --state-dir $S; echo \"device $?\"\n"
		"epolltune rollback --state-dir $S >/dev/null; echo \"still $?\"\n"
		"epolltune rollback --force --state-dir $S; echo \"given up $?\"\n"
		"epolltune rollback --state-dir $S; echo \"then $?\"\n");
	if (o.status == 77)
		skip_because("net.core.netdev_max_backlog is visible in every namespace here");
	output_good(&o);
	text_has(o.out, "belongs to network namespace 1");
	text_has(o.out, "Run 1 was not rolled back: epolltune cannot access its values from here.\n"
			"system 1\nuntouched\n");
	text_has(o.out, "NOT rolled back: not accessible");
	text_has(o.out, "device 1\nstill 1\n");
	text_has(o.out, "none of its changes was in force.\ngiven up 0\n");
	text_has(o.out, "Nothing to roll back.\nthen 0\n");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rollback_goes_backwards),
		TEST(a_later_run_is_named),
		TEST(a_later_run_elsewhere_keeps_nothing),
		TEST(a_run_of_another_boot_keeps_nothing),
		TEST(another_namespace_or_boot),
		TEST(a_namespace_that_is_gone),
		TEST(the_earlier_boots_value_is_not_restored),
		TEST(lines_without_a_journal),
		TEST(unreachable_changes_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
