/* What `lint` finds in files that set values. */
#include "catalogue/lint_rules.h"

static const struct lint_rule rules[LINT_RULES] = {
	[LINT_UNKNOWN] =
		{"lint.unknown", LEVEL_CRITICAL,
		 "No kernel has such a sysctl, or systemd no such directive: the line sets "
		 "nothing.",
		 "Write the name that is meant, or remove the line.",
		 "ip-sysctl.rst; net.rst; systemd.exec(5)"},
	[LINT_GONE] = {"lint.gone", LEVEL_WARNING,
		       "Newer kernels no longer have this sysctl: the line sets nothing.",
		       "Remove the line.", "kernel commits, see the line"},
	[LINT_NEW] = {"lint.new", LEVEL_WARNING,
		      "The kernel is older than this sysctl: the line sets nothing.",
		      "Prefix the name with - so that older kernels skip the line silently.",
		      "ip-sysctl.rst; sysctl.d(5)"},
	[LINT_QUOTES] =
		{"lint.quotes", LEVEL_CRITICAL,
		 "Files of sysctl.d have no quotes: the kernel gets them as part of the value "
		 "and refuses it.",
		 "Remove the quotes.",
		 "sysctl.d(5); kernel/sysctl.c proc_get_long(); net/sched/sch_api.c "
		 "qdisc_set_default()"},
	[LINT_REFUSED] = {"lint.refused", LEVEL_CRITICAL,
			  "The kernel, PAM or systemd refuses the value: the previous one stays.",
			  "Write a value of the right shape and range.",
			  "kernel/sysctl.c; pam_limits(8); systemd.exec(5)"},
	[LINT_MISREAD] =
		{"lint.misread", LEVEL_WARNING,
		 "The kernel, PAM or systemd reads another number than the one that is "
		 "written: a leading 0 is octal for the kernel and systemd, and the kernel and "
		 "PAM ignore what follows the last number.",
		 "Write decimal numbers, and comments on lines of their own.",
		 "kernel/sysctl.c proc_get_long(), do_proc_dointvec(); pam_limits(8); "
		 "systemd.exec(5)"},
	[LINT_ORDER] =
		{"lint.order", LEVEL_WARNING,
		 "The numbers of a setting, or of settings that belong together, are not in "
		 "their order.",
		 "Order them: min default max, low high, soft hard, gc_thresh1 to gc_thresh3.",
		 "tcp(7); arp(7); net/ipv4/tcp_input.c tcp_sndbuf_expand()"},
	[LINT_UNIT] =
		{"lint.unit", LEVEL_WARNING,
		 "The number fits another unit than the kernel's: bytes for pages, milliseconds "
		 "for seconds, kilobytes for bytes.",
		 "Write the value in the unit of the setting, which epolltune explain NAME prints.",
		 "tcp(7); ip-sysctl.rst"},
	[LINT_LOWERS] = {"lint.lowers", LEVEL_WARNING,
			 "The value is below the kernel's own: advice for an older kernel takes "
			 "something away.",
			 "Remove the line.", "ip-sysctl.rst; net.rst; fs/file_table.c"},
	[LINT_AUTOMATIC] =
		{"lint.automatic", LEVEL_NOTE,
		 "The kernel computes this value from the machine's memory; the line ends "
		 "that, on machines of every size.",
		 "Remove the line, unless check finds that limit short.",
		 "net/ipv4/tcp.c tcp_init_mem()"},
	[LINT_CLASSIC] = {"lint.classic", LEVEL_NOTE,
			  "Common advice that has no effect, or does harm.", "Remove the line.",
			  "the list of myths; see the line"},
	[LINT_DUPLICATE] = {"lint.duplicate", LEVEL_WARNING,
			    "The same file sets the name again: the last line wins, even if the "
			    "kernel then refuses it.",
			    "Keep one line.", "sysctl.d(5); limits.conf(5)"},
	[LINT_OVERRIDDEN] =
		{"lint.overridden", LEVEL_WARNING,
		 "A file that is read later sets another value: that one wins.",
		 "Change the file that wins; files are read in the order of their names.",
		 "sysctl.d(5); sysctl(8)"},
	[LINT_DRIFT] = {"lint.drift", LEVEL_WARNING,
			"The running value differs from the one that the files set at boot.",
			"Find the writer, or read the files again: sysctl --system.",
			"sysctl.d(5)"},
	[LINT_MODULE] =
		{"lint.module", LEVEL_NOTE,
		 "The sysctl belongs to a module. Before the module is loaded, the line sets "
		 "nothing.",
		 "Load the module at boot, by a file in /etc/modules-load.d.",
		 "modules-load.d(5); systemd-sysctl.service(8)"},
	[LINT_READ_ONLY] = {"lint.read-only", LEVEL_CRITICAL,
			    "The kernel refuses to write it: it shows a state, it is no setting.",
			    "Remove the line.", "proc(5)"},
	[LINT_CONTAINER] = {"lint.container", LEVEL_WARNING,
			    "The sysctl is one for the whole machine: a container cannot set it.",
			    "Set it on the node.", "namespaces(7); network_namespaces(7)"},
	[LINT_UNREAD] = {"lint.unread", LEVEL_CRITICAL,
			 "No program reads the line where it is: it sets nothing.",
			 "Move it to the file that is read.",
			 "sysctl.d(5); limits.conf(5); systemd.unit(5)"},
	[LINT_SYNTAX] = {"lint.syntax", LEVEL_CRITICAL,
			 "The reader skips the line: it is no assignment of the file's form.",
			 "Write NAME = VALUE, one a line, in plain ASCII.",
			 "sysctl.d(5); limits.conf(5)"},
	[LINT_CAPPED] = {"lint.capped", LEVEL_WARNING,
			 "A lower limit cuts the value: the line has less effect than it says.",
			 "Raise the lower limit as well.", "listen(2); setrlimit(2)"},
	[LINT_PORTS] =
		{"lint.ports", LEVEL_NOTE,
		 "A port range that begins low takes the ports of services that start later.",
		 "Add net.ipv4.ip_local_reserved_ports with the ports of services.",
		 "ip-sysctl.rst"},
	[LINT_WRITER] = {"lint.writer", LEVEL_NOTE,
			 "A program of this machine writes sysctls after the files of sysctl.d.",
			 "Where the running value differs, change that program's configuration.",
			 "documentation of the program"},
	[LINT_UNREADABLE] =
		{"lint.unreadable", LEVEL_WARNING,
		 "The file is no text of a configuration: binary, too large, or no regular "
		 "file.",
		 "Remove it, or name another file.", "sysctl.d(5)"},
	[LINT_DENIED] = {"lint.denied", LEVEL_NOTE,
			 "This user may not read the directory: what is in it was not judged.",
			 "Run lint as root.", "path_resolution(7)"},
};

size_t lint_rule_count(void) { return LINT_RULES; }

const struct lint_rule *lint_rule_at(size_t i) { return &rules[i]; }
