/* phrase: parts of texts that rows of several tables have. */
#pragma once

/* After what an idle connection takes of memory. */
#define UNCHARGED                                                                                  \
	"{uncharged?, without its socket of {uncharged}, which the kernel does not charge to the group}"
#define WITH_BUFFER "{buffer?, {buffer} more with a waiting request}"

/* Where a running server's own limit on connections comes from. */
#define LIMIT_OF_A_SERVER                                                                          \
	"{by_files?{lowered?{lowered}:RLIMIT_NOFILE}:"                                             \
	"{class?The limit of a worker of class {class}:"                                           \
	"{name}{section? in section {section}}{preset? (default, not set in {file?{file}:its "     \
	"command}): of {file?{file}:its command}}}}{kept? less {kept}}"                            \
	"{half?, halved,}{divided?, divided by {divided},} is {limit}"

/* What else counts towards it. */
#define LEFT_OPEN                                                                                  \
	"{left} connection{left=1?:s} that clients closed a minute ago or earlier, and it has "    \
	"not closed, {left=1?counts:count}, too."

/* A line of a unit, where the values are the reader's: a drop-in has the section on a line of its
 * own. */
#define UNIT_LINE(unit, section, line)                                                             \
	"in a drop-in of " unit " (systemctl edit " unit "), section [" section "], set " line
/* Commands that add a drop-in with lines to {unit}, and restart it, in a wording. Drop-ins are read
 * in the order of their names, so that this one follows override.conf, which systemctl edit writes;
 * `name`, the directive, keeps one from replacing another. In parentheses a shell runs all or none
 * of it, and the stop behind it is not of the name of a unit. */
#define UNIT_DROP_IN(section, lines, name)                                                                                            \
	"{user?As the user of the process\\: :}(d={user?~/.config/systemd/user:/etc/systemd/system}/{unit}.d; mkdir -p $d && printf " \
	"'[" section "]\\\\n" lines "\\\\n' >$d/zz-" name ".conf && {manager} daemon-reload && "                                      \
	"{manager} restart {unit})"

/* The same of a service. */
#define SERVICE_DROP_IN(lines, name)                                                               \
	UNIT_DROP_IN("Service", lines, name) ", which closes all open connections"

/* After what a need of connections is. */
#define TWO_EACH "{proxy? A proxy needs two for each connection.}"

/* After the throttled periods of a control group. */
#define CHECK_USED "{own? Meanwhile the check itself used {own} of CPU time there.}"
