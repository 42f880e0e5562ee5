#include "report/json_fields.h"

#include <limits.h>

#include "epolltune/report.h"

/* The words of an enum, by number. */
#define WORDS(name, type)                                                                          \
	static const char *name##_of(int value) { return name((enum type)value); }
WORDS(report_isolation_name, report_isolation)
WORDS(wall_method_name, wall_method)
WORDS(wall_verdict_name, wall_verdict)
WORDS(wall_experiment_name, wall_experiment)
WORDS(finding_level_name, finding_level)
WORDS(finding_remedy_name, finding_remedy)
WORDS(limit_field_name, limit_field)
WORDS(acceptance_name, acceptance_state)
WORDS(probe_state_name, probe_state)

static const char *kind_of(int kind) { return kind == LISTENER_TCP ? "tcp" : "unix"; }

#define AT(member) .offset = offsetof(TYPE, member), .size = sizeof(((TYPE *)0)->member)
#define WORD(words, max) .kind = FIELD_WORD, .word = (words), .last = (max)

#define TYPE struct report_host
const struct json_field json_host[] = {
	{"name", FIELD_STRING, AT(name), .foreign = true},
	{"kernel", FIELD_STRING, AT(kernel), .foreign = true},
	{"boot", FIELD_NULLABLE, AT(boot), .foreign = true},
	{"netns", FIELD_NULLABLE, AT(netns), .foreign = true},
	{"cpus", FIELD_FACT, AT(cpus)},
	{"memory_bytes", FIELD_FACT, AT(memory_bytes)},
	{"isolation", WORD(report_isolation_name_of, ISOLATION_NONE), AT(isolation)},
	{"family", FIELD_FACT, AT(family)},
	{0},
};
#undef TYPE
#define TYPE struct report_server
const struct json_field json_server[] = {
	{"asked", FIELD_STRING, AT(asked), .foreign = true},
	{"run", FIELD_FLAG, AT(run)},
	{"name", FIELD_NULLABLE, AT(name), .foreign = true},
	{"pid", FIELD_PID, AT(pid), .last = INT_MAX},
	{"processes", FIELD_FACT, AT(processes)},
	{"unit", FIELD_NULLABLE, AT(unit), .foreign = true},
	{"addresses", FIELD_STRING, AT(addresses), .foreign = true},
	{"proxy", FIELD_FLAG, AT(proxy)},
	{0},
};
#undef TYPE
#define TYPE struct report_observed
const struct json_field json_observed[] = {
	{"duration_us", FIELD_COUNT, AT(us)},
	{"connections", FIELD_COUNT, AT(connections)},
	{"opened", FIELD_COUNT, AT(opened)},
	{"rate_per_s", FIELD_COUNT, AT(rate_per_s)},
	{"rate_peak_per_s", FIELD_COUNT, AT(peak_per_s)},
	{"other_listeners", FIELD_FLAG, AT(others)},
	{"udp_sockets", FIELD_FLAG, AT(udp)},
	{"other_udp_sockets", FIELD_FLAG, AT(udp_others)},
	{"datagrams_per_s", FIELD_COUNT, AT(datagrams_per_s), .newer = true},
	{"datagrams_peak_per_s", FIELD_COUNT, AT(datagrams_peak_per_s), .newer = true},
	{"stall_us", FIELD_FACT, AT(stall_us)},
	{"gap_us", FIELD_COUNT, AT(gap_us)},
	{"dropped", FIELD_COUNT, AT(dropped), .newer = true},
	{"sampled", FIELD_COUNT, AT(sampled)},
	{"rtt_us", .kind = FIELD_OTHER},
	{"bandwidth_bps", .kind = FIELD_OTHER},
	{"window_bytes", FIELD_FACT, AT(window_bytes), .newer = true},
	{"headroom", FIELD_PERCENT, AT(headroom_percent)},
	{"target", .kind = FIELD_OTHER},
	{"options", .kind = FIELD_OTHER},
	{0},
};
#undef TYPE
#define TYPE struct observed_share
const struct json_field json_share[] = {
	{"samples", FIELD_COUNT, AT(count)},
	{"p50", FIELD_FACT, AT(p50)},
	{"p95", FIELD_FACT, AT(p95)},
	{"p99", FIELD_FACT, AT(p99)},
	{0},
};
#undef TYPE
#define TYPE struct wall
const struct json_field json_wall[] = {
	{"name", FIELD_STRING, AT(name)},
	{"unit", FIELD_STRING, AT(unit)},
	{"method", WORD(wall_method_name_of, METHOD_RUNNING), AT(method)},
	{"experiment", WORD(wall_experiment_name_of, EXPERIMENT_MISSED), AT(experiment),
	 .newer = true},
	{"reason", FIELD_NULLABLE, AT(reason), .foreign = true},
	{"assumed", FIELD_NULLABLE, AT(assumed)},
	{"limit", FIELD_QUANTITY, AT(limit)},
	{"measured", FIELD_QUANTITY, AT(measured)},
	{"at_least", FIELD_FLAG, AT(at_least)},
	{"at_most", FIELD_FLAG, AT(at_most)},
	{"needed", FIELD_QUANTITY, AT(needed)},
	{"needed_max", FIELD_QUANTITY, AT(needed_max)},
	{"verdict", WORD(wall_verdict_name_of, VERDICT_NA), AT(verdict)},
	{"accepted", FIELD_FLAG, AT(accepted)},
	{"knob", FIELD_NULLABLE, AT(knob)},
	{"detail", FIELD_STRING, AT(detail), .foreign = true},
	{0},
};
#undef TYPE
#define TYPE struct proposal
const struct json_field json_proposal[] = {
	{"knob", FIELD_STRING, AT(knob)},
	{"current", FIELD_NULLABLE, AT(current)},
	{"proposed", FIELD_STRING, AT(proposed)},
	{"field", WORD(limit_field_name_of, LIMIT_HARD), AT(field)},
	{0},
};
#undef TYPE
#define TYPE struct finding
const struct json_field json_acceptance[] = {
	{"state", WORD(acceptance_name_of, ACCEPTANCE_UNNAMED), AT(acceptance)},
	{"until", .kind = FIELD_OTHER},
	{"value", FIELD_QUANTITY, AT(accepted_value)},
	{"reason", FIELD_NULLABLE, AT(accepted_reason), .foreign = true},
	{0},
};
const struct json_field json_finding[] = {
	{"id", FIELD_STRING, AT(id)},
	{"level", WORD(finding_level_name_of, LEVEL_SKIPPED), AT(level)},
	{"wall", FIELD_NULLABLE, AT(wall)},
	{"about", FIELD_NULLABLE, AT(about), .foreign = true},
	{"observed", FIELD_FLAG, AT(observed)},
	{"accepted", FIELD_FLAG, AT(accepted)},
	{"acceptance", .kind = FIELD_OTHER},
	{"title", FIELD_STRING, AT(title), .foreign = true},
	{"detail", FIELD_STRING, AT(detail), .foreign = true},
	{"remedy", WORD(finding_remedy_name_of, REMEDY_PROVIDER), AT(remedy)},
	{"knob", .kind = FIELD_OTHER},
	{"current", .kind = FIELD_OTHER},
	{"proposed", .kind = FIELD_OTHER},
	{"proposals", .kind = FIELD_OTHER},
	{"tried_state", .kind = FIELD_OTHER},
	{"tried", .kind = FIELD_OTHER},
	{"advice", FIELD_NULLABLE, AT(advice), .foreign = true},
	{"answer", FIELD_NULLABLE, AT(answer), .foreign = true},
	{"evidence", .kind = FIELD_OTHER},
	{"table", .kind = FIELD_OTHER},
	{"curve", .kind = FIELD_OTHER},
	{0},
};
#undef TYPE
#define TYPE struct report_probe
const struct json_field json_probe[] = {
	{"name", FIELD_STRING, AT(name)},
	{"state", WORD(probe_state_name_of, PROBE_UNOBSERVED), AT(state)},
	{"isolation", WORD(report_isolation_name_of, ISOLATION_NONE), AT(isolation)},
	{0},
};
#undef TYPE
#define TYPE struct report_listener
const struct json_field json_listener[] = {
	{"kind", WORD(kind_of, LISTENER_UNIX), AT(kind)},
	{"address", FIELD_STRING, AT(address), .foreign = true},
	{"depth", FIELD_COUNT, AT(depth)},
	{"limit", FIELD_COUNT, AT(limit)},
	{"drops", FIELD_COUNT, AT(drops)},
	{"half_open", FIELD_QUANTITY, AT(half_open)},
	{"pid", FIELD_PID, AT(pid), .last = INT_MAX},
	{"process", FIELD_NULLABLE, AT(process), .foreign = true},
	{"unit", FIELD_NULLABLE, AT(unit), .foreign = true},
	{"cookie", FIELD_COUNT, AT(cookie)},
	{"subject", FIELD_FLAG, AT(subject)},
	{0},
};
#undef TYPE
#define TYPE struct report
const struct json_field json_options[] = {
	{"quick", FIELD_FLAG, AT(quick)},
	{"gentle", FIELD_FLAG, AT(gentle)},
	{"measured", FIELD_FLAG, AT(require_measured)},
	{"only", FIELD_NULLABLE, AT(probes)},
	{"backlog", FIELD_FACT, AT(backlog), .last = INT_MAX},
	{"peers", FIELD_FACT, AT(peers), .last = INT_MAX},
	{0},
};
#undef TYPE
