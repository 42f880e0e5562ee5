#include "report/render.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "epolltune/shell.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/table.h"
#include "report/utf8.h"

static void head(const struct page *p, const struct report *r)
{
	struct page_segments s = {0};
	char size[32];
	page_segment(p, &s, "epolltune " EPOLLTUNE_VERSION "%s%s", r->host.name[0] ? " on " : "",
		     r->host.name);
	if (r->host.kernel[0])
		page_segment(p, &s, "Linux %s", r->host.kernel);
	if (r->host.cpus)
		page_segment(p, &s, "%" PRIu64 " CPU%s", r->host.cpus,
			     r->host.cpus == 1 ? "" : "s");
	if (r->host.memory_bytes)
		page_segment(
			p, &s, "%s",
			quantity_format(size, sizeof(size), QUANTITY_SIZE, r->host.memory_bytes));
	page_segments(p, TONE_BOLD, 0, " · ", &s);
}

/* "Server: nginx (pid 812, 2 workers, nginx.service) on 0.0.0.0:443" */
static void server(const struct page *p, const struct report_server *s)
{
	char who[200] = "a process that this user cannot see,";
	if (!s->asked[0])
		return;
	if (s->name[0]) {
		report_text(who, "%s (pid %" PRId64, s->name, s->pid);
		if (s->processes > 1)
			report_append(who, ", %" PRIu64 " workers", s->processes);
		report_append(who, "%s%s)", s->unit[0] ? ", " : "", s->unit);
	}
	struct page_segments segments = {.hang = 2};
	page_segment(p, &segments, "Server: %s on %s%s", who, s->addresses,
		     s->run ? ", in a lab" : "");
	page_segments(p, TONE_PLAIN, 0, "", &segments);
}

static void netns(const struct page *p, const char *enter)
{
	struct page_segments segments = {.hang = 2};
	page_segment(p, &segments, "Network namespace: %s", strchr(enter, '/'));
	page_segments(p, TONE_PLAIN, 0, "", &segments);
}

static void observed_numbers(const struct page *p, const struct report_observed *o)
{
	struct page_segments s = {.hang = 2};
	page_segment(p, &s, "Observed for %s: up to %s connections",
		     quantity_measured(QUANTITY_DURATION, o->us).text,
		     quantity_show(QUANTITY_COUNT, o->connections).text);
	page_segment(p, &s, "%s new/s, %s/s in the busiest 100 ms%s",
		     quantity_show(QUANTITY_COUNT, o->rate_per_s).text,
		     quantity_show(QUANTITY_COUNT, o->peak_per_s).text,
		     o->others ? " (of all listeners of this network namespace)" : "");
	if (o->stall_us)
		page_segment(p, &s, "accept stalls up to %s",
			     quantity_measured(QUANTITY_DURATION, o->stall_us).text);
	if (o->rtt_us.count)
		page_segment(p, &s, "RTT %s (median), %s (p95), %s (p99)",
			     quantity_measured(QUANTITY_DURATION, o->rtt_us.p50).text,
			     quantity_measured(QUANTITY_DURATION, o->rtt_us.p95).text,
			     quantity_measured(QUANTITY_DURATION, o->rtt_us.p99).text);
	if (o->bandwidth_bps.count)
		page_segment(p, &s, "%s per connection (p95 of %zu samples that the path limited)",
			     quantity_measured(QUANTITY_BANDWIDTH, o->bandwidth_bps.p95).text,
			     o->bandwidth_bps.count);
	page_segments(p, TONE_PLAIN, 0, " · ", &s);
}

/* The numbers of the target that keep their value, and why. */
static void observed_missing(const struct page *p, const struct report_observed *o)
{
	struct page_segments s = {.hang = 4};
	if (!o->stall_us)
		page_segment(p, &s, "Not observed: --stall (none in readings at most %s apart)",
			     quantity_measured(QUANTITY_DURATION, o->gap_us).text);
	if (!o->rtt_us.count)
		page_segment(p, &s, "%s--rtt (no connection was open)",
			     s.count ? "" : "Not observed: ");
	if (!o->bandwidth_bps.count)
		page_segment(p, &s, "%s--bandwidth (the application limits what is sent)",
			     s.count ? "" : "Not observed: ");
	page_segment(p, &s, "%s--role (proxy if it connects to other servers for its clients)",
		     s.count ? "" : "Not observed: ");
	page_segments(p, TONE_PLAIN, 2, ", ", &s);
}

static void observed(const struct page *p, const struct report_observed *o)
{
	char arguments[256];
	struct page_segments s = {.hang = 2};
	if (!o->us)
		return;
	observed_numbers(p, o);
	target_arguments(&o->target, arguments, sizeof(arguments));
	page_segment(p, &s, "As options:%s",
		     arguments[0] ? arguments : " none, it is the default target");
	page_segments(p, TONE_PLAIN, 2, "", &s);
	observed_missing(p, o);
}

static void target(const struct page *p, const struct report *r)
{
	const struct target *t = &r->target;
	struct page_segments s = {.hang = 2};
	char headroom[48] = "";
	if (r->observed.us)
		report_text(headroom, ", %g times the observed load",
			    (double)r->observed.headroom_percent / 100);
	page_segment(p, &s, "Target%s%s: %s connections",
		     t->role == TARGET_PROXY ? " of a proxy" : "", headroom,
		     quantity_show(QUANTITY_COUNT, t->connections).text);
	page_segment(p, &s, "%s new/s", quantity_show(QUANTITY_COUNT, t->rate_per_s).text);
	page_segment(p, &s, "accept stalls up to %s",
		     quantity_show(QUANTITY_DURATION, t->stall_us).text);
	page_segment(p, &s, "RTT %s", quantity_show(QUANTITY_DURATION, t->rtt_us).text);
	page_segment(p, &s, "%s per connection",
		     quantity_show(QUANTITY_BANDWIDTH, t->bandwidth_bps).text);
	if (t->datagrams_per_s)
		page_segment(p, &s, "%s datagrams/s of %s B",
			     quantity_show(QUANTITY_COUNT, t->datagrams_per_s).text,
			     quantity_show(QUANTITY_COUNT, t->datagram_bytes).text);
	if (t->idle_us)
		page_segment(p, &s, "idle connections forgotten after %s",
			     quantity_show(QUANTITY_DURATION, t->idle_us).text);
	page_segments(p, TONE_PLAIN, 0, " · ", &s);
}

/* Adds "in a private lab (descriptors, ports)", or nothing if no probe ran there. */
static void isolation_add(const struct page *p, struct page_segments *s, const struct report *r,
			  enum report_isolation is, const char *where)
{
	char names[160] = "";
	for (size_t i = 0; i < r->probe_count; i++)
		if (r->ran[i].isolation == is)
			report_append(names, "%s%s", names[0] ? ", " : "", r->ran[i].name);
	if (names[0])
		page_segment(p, s, "%s%s (%s)", s->count ? "" : "Experiments: ", where, names);
}

static void isolation(const struct page *p, const struct report *r)
{
	static const char *const briefly[] = {
		[ISOLATION_LAB] = "Experiments: in a private lab",
		[ISOLATION_IN_PLACE] = NULL,
		[ISOLATION_SYSROOT] = "Experiments: none (captured machine)",
		[ISOLATION_NONE] = "Experiments: none, settings only",
	};
	const char *brief = briefly[r->host.isolation];
	if (r->gentle && r->host.isolation == ISOLATION_LAB)
		brief = "Experiments: in a private lab, with --gentle";
	bool ipv6 = r->host.family == 6;
	if (brief && !ipv6 && !(p->verbose && r->host.isolation == ISOLATION_LAB)) {
		page_paragraph(p, TONE_PLAIN, 0, brief);
		return;
	}
	struct page_segments s = {.hang = 2};
	isolation_add(p, &s, r, ISOLATION_LAB, "in a private lab");
	isolation_add(p, &s, r, ISOLATION_IN_PLACE, "in this namespace");
	isolation_add(p, &s, r, ISOLATION_NONE, "settings only");
	if (ipv6 && s.count)
		page_segment(p, &s, "over IPv6");
	if (r->gentle && s.count)
		page_segment(p, &s, "with --gentle");
	page_segments(p, TONE_PLAIN, 0, " · ", &s);
}

static void add_wall(struct table *t, const struct wall *w)
{
	char capacity[64], needed[64] = "-";
	if (w->needed != REPORT_NONE)
		figure_format(needed, sizeof(needed), w->unit, w->needed);
	table_row(t);
	table_cell(t, "%s", w->name);
	table_cell(t, "%s", figure_text(capacity, sizeof(capacity), w));
	table_cell(t, "%s", needed);
	table_cell(t, "%s", w->verdict == VERDICT_NA ? "-" : wall_method_name(w->method));
	table_cell_tone(t, page_verdict_tone(w->verdict), page_verdict(w->verdict));
}

/* Prints the details of the walls, and why one that is needed has no verdict. */
static void wall_details(const struct page *p, const struct report *r)
{
	bool begun = false;
	for (size_t i = 0; i < r->wall_count; i++) {
		const struct wall *w = &r->walls[i];
		bool asks = w->verdict == VERDICT_UNKNOWN && w->needed != REPORT_NONE;
		if (!p->verbose && !asks)
			continue;
		if (!w->detail[0] && !w->reason[0])
			continue;
		if (p->verbose && !begun)
			fputc('\n', p->out);
		begun = true;
		char line[PAGE_TEXT];
		page_text(p, line, sizeof(line), "%s: %s%s%s%s%s", w->name, w->detail,
			  w->detail[0] && w->reason[0] ? " " : "",
			  w->reason[0] ? "Not measured: " : "", w->reason, w->reason[0] ? "." : "");
		page_wrap(p, TONE_PLAIN, 0, 2, line);
	}
}

static int walls(const struct page *p, const struct report *r, struct err *e)
{
	static const struct table_column columns[] = {
		{"WALL", TABLE_LEFT},  {"CAPACITY", TABLE_RIGHT}, {"NEEDED", TABLE_RIGHT},
		{"BASIS", TABLE_LEFT}, {"VERDICT", TABLE_LEFT},   {0}};
	struct table t = {.page = p, .gap = page_gap(p), .columns = columns};
	for (size_t i = 0; i < r->wall_count; i++)
		if (p->verbose || !figure_is_absent(&r->walls[i]))
			add_wall(&t, &r->walls[i]);
	int status = table_print(&t, p->out, e);
	if (status == 0)
		wall_details(p, r);
	return status;
}

/* Units that are scaled for readers; others follow the number as they are. */
static const struct {
	const char *unit;
	enum quantity_kind kind;
} scaled_units[] = {{"us", QUANTITY_DURATION}, {"B", QUANTITY_SIZE}, {"1/s", QUANTITY_RATE}};

static bool is_scaled(const char *unit)
{
	for (size_t i = 0; i < sizeof(scaled_units) / sizeof(*scaled_units); i++)
		if (!strcmp(unit, scaled_units[i].unit))
			return true;
	return !strcmp(unit, "B/s");
}

static const char *format_value(char *text, size_t size, double value, const char *unit)
{
	bool whole = value >= 0 && value < 1e15;
	if (isnan(value)) {
		snprintf(text, size, "-");
		return text;
	}
	for (size_t i = 0; i < sizeof(scaled_units) / sizeof(*scaled_units) && whole; i++)
		if (strcmp(unit, scaled_units[i].unit) == 0)
			return quantity_format(
				text, size, scaled_units[i].kind,
				quantity_round(scaled_units[i].kind, (uint64_t)rint(value)));
	if (whole && strcmp(unit, "B/s") == 0) {
		figure_format(text, size, unit, (int64_t)rint(value));
		return text;
	}
	if (whole && (value >= 1000 || value == rint(value)))
		quantity_format(text, size, QUANTITY_COUNT, (uint64_t)rint(value));
	else
		snprintf(text, size, "%.3g", value);
	size_t used = strlen(text);
	if (*unit)
		snprintf(text + used, size - used, " %s", unit);
	return text;
}

/* Prints "ListenOverflows 903 → 0 SYNs · …": at the current value, and at the proposed one if
 * tried. Both numbers have a unit if it is scaled. */
static void evidence(const struct page *p, const struct finding *f)
{
	struct page_segments s = {0};
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct evidence *ev = &f->evidence[i];
		char current[64], proposed[64];
		bool both = !isnan(ev->at_proposed);
		format_value(current, sizeof(current), ev->at_current,
			     both && !is_scaled(ev->unit) ? "" : ev->unit);
		format_value(proposed, sizeof(proposed), ev->at_proposed, ev->unit);
		page_segment(p, &s, "%s %s%s%s", ev->name, current, both ? " → " : "",
			     both ? proposed : "");
	}
	page_segments(p, TONE_FAINT, 2, " · ", &s);
}

/* Prints the finding's table; nothing if out of memory. */
static void figures(const struct page *p, const struct finding *f, size_t indent)
{
	const struct finding_table *of = &f->table;
	struct table t = {.page = p, .gap = "  ", .indent = indent};
	if (!of->row_count)
		return;
	table_column(&t, of->corner, TABLE_LEFT);
	for (size_t k = 0; k < of->column_count; k++)
		table_column(&t, of->column[k].head, TABLE_RIGHT);
	for (size_t i = 0; i < of->row_count; i++) {
		table_row(&t);
		table_cell(&t, "%s", of->row[i].name);
		for (size_t k = 0; k < of->column_count; k++) {
			char text[64];
			table_cell(&t, "%s",
				   format_value(text, sizeof(text), of->row[i].value[k],
						of->column[k].unit));
		}
	}
	table_print(&t, p->out, NULL);
}

/* Writes "tried: …" or "not tried: …"; "" if there is nothing to try. */
static void outcome_text(const struct page *p, const struct finding *f, char *text, size_t size)
{
	const char *state = finding_tried_name(f->tried);
	text[0] = 0;
	if (state)
		page_text(p, text, size, "%s%s%s", state, f->outcome[0] ? ": " : "", f->outcome);
}

static void knob_line(const struct page *p, const struct proposal *c)
{
	char knob[PAGE_TEXT], change[PAGE_TEXT];
	const struct knob *k = knob_find(c->knob);
	/* An empty list of ports is a value. */
	const char *missing = k && k->shape == KNOB_PORTS ? "none" : "unknown";
	page_text(p, knob, sizeof(knob), "%s", c->knob);
	page_text(p, change, sizeof(change), "%s%s%s", c->current[0] ? c->current : missing,
		  c->proposed[0] ? " → " : "", c->proposed);
	size_t column = 2 + utf8_length(knob) + 3 + utf8_length(change);
	fputs("  ", p->out);
	page_put(p, TONE_BOLD, knob);
	if (column <= p->width) {
		fputs("   ", p->out);
		page_put(p, TONE_BOLD, change);
		fputc('\n', p->out);
	} else {
		fputc('\n', p->out);
		page_paragraph(p, TONE_BOLD, 4, change);
	}
}

static void knob_lines(const struct page *p, const struct finding *f)
{
	char outcome[PAGE_TEXT];
	for (size_t i = 0; i < f->proposal_count; i++)
		if (f->proposals[i].current[0] || f->proposals[i].proposed[0])
			knob_line(p, &f->proposals[i]);
	outcome_text(p, f, outcome, sizeof(outcome));
	if (finding_proposes(f))
		page_paragraph(p, TONE_PLAIN, 4, outcome);
}

/* Prints the id, the level and who has to act: "critical · application". */
static void finding_head(const struct page *p, const struct finding *f)
{
	char id[64], level[64];
	page_text(p, id, sizeof(id), "%s", f->id);
	page_text(p, level, sizeof(level), "%s%s%s", finding_level_name(f->level),
		  f->remedy == REMEDY_NONE ? "" : " · ",
		  f->remedy == REMEDY_NONE ? "" : finding_remedy_name(f->remedy));
	size_t used = utf8_length(id) + utf8_length(level);
	page_put(p, TONE_BOLD, id);
	fprintf(p->out, "%*s", p->width > used ? (int)(p->width - used) : 1, "");
	page_put(p, f->level == LEVEL_CRITICAL ? TONE_BAD : TONE_WARN, level);
	fputc('\n', p->out);
}

static void finding_block(const struct page *p, const struct report *r, const struct finding *f)
{
	char accepted[ACCEPTANCE_TEXT];
	finding_head(p, f);
	page_paragraph(p, TONE_PLAIN, 2, f->title);
	page_paragraph(p, TONE_PLAIN, 2, f->detail);
	knob_lines(p, f);
	evidence(p, f);
	figures(p, f, 2);
	page_paragraph(p, TONE_PLAIN, 2, f->advice);
	page_paragraph(p, TONE_PLAIN, 2, acceptance_text(r, f, accepted));
	fputc('\n', p->out);
}

/* Appends a sentence, and first a full stop if the text ends without one. */
static void append_sentence(char *text, size_t size, const char *sentence)
{
	size_t used = strlen(text);
	if (used && *sentence)
		used += (size_t)snprintf(text + used, size - used, "%s ",
					 strchr(".:;!?", text[used - 1]) ? "" : ".");
	snprintf(text + used, size - used, "%s", sentence);
}

/* Prints "note     knob.myth: …", the short form of notes and skipped experiments. */
static void finding_line(const struct page *p, const struct report *r, const struct finding *f)
{
	char text[PAGE_TEXT], line[PAGE_TEXT], accepted[ACCEPTANCE_TEXT];
	snprintf(text, sizeof(text), "%s:", f->id);
	append_sentence(text, sizeof(text), f->title);
	if (p->verbose || f->level != LEVEL_NOTE) {
		append_sentence(text, sizeof(text), f->detail);
		append_sentence(text, sizeof(text), f->advice);
	}
	append_sentence(text, sizeof(text), acceptance_text(r, f, accepted));
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "%-8s ", f->accepted ? "accepted" : finding_level_name(f->level));
	page_wrap(p, TONE_PLAIN, 9, 9, line);
	if (p->verbose)
		figures(p, f, 9);
}

static bool is_quiet(const struct page *p, const struct finding *f)
{
	return !p->verbose && f->quiet;
}

static size_t findings(const struct page *p, const struct report *r, enum finding_level level,
		       void (*print)(const struct page *, const struct report *,
				     const struct finding *))
{
	size_t printed = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].level == level && !r->findings[i].accepted &&
		    !is_quiet(p, &r->findings[i])) {
			print(p, r, &r->findings[i]);
			printed++;
		}
	return printed;
}

static size_t accepted(const struct page *p, const struct report *r)
{
	size_t printed = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].accepted) {
			finding_line(p, r, &r->findings[i]);
			printed++;
		}
	return printed;
}

/* Whether apply can improve a wall of that verdict. */
static bool apply_helps(const struct report *r, enum wall_verdict verdict)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct wall *w = report_find(r, f->wall);
		if (w && w->verdict == verdict && !f->accepted && f->remedy != REMEDY_NONE &&
		    (!r->server.run || f->remedy == REMEDY_KERNEL) && finding_proposes(f))
			return true;
	}
	return false;
}

static const struct finding *first_of(const struct page *p, const struct report *r,
				      enum finding_level level)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].level == level && !r->findings[i].accepted &&
		    !is_quiet(p, &r->findings[i]))
			return &r->findings[i];
	return NULL;
}

/* Writes the command to run next, or "". Returns its purpose. */
static const char *hint(const struct page *p, const struct report *r, char *command, size_t size)
{
	char arguments[REPORT_SAVED + 960], word[4 * sizeof(r->server.asked)];
	command[0] = 0;
	if (r->saved[0])
		report_text(arguments, "%s", r->saved);
	else
		target_arguments(&r->target, arguments, sizeof(arguments));
	shell_word(word, sizeof(word), r->server.asked);
	if (r->server.asked[0] && !r->server.run)
		report_append(arguments, " --server %s", word);
	if (r->backlog)
		report_append(arguments, " --backlog %" PRIu64, r->backlog);
	if (r->peers)
		report_append(arguments, " --peers %" PRIu64, r->peers);
	if (r->probes[0])
		report_append(arguments, " --probe %s", r->probes);
	if (r->gentle)
		report_append(arguments, " --gentle");
	if (r->ignored[0])
		report_append(arguments, " --ignore %s", r->ignored);
	bool shorts = apply_helps(r, VERDICT_SHORT);
	if (r->host.isolation != ISOLATION_SYSROOT && (shorts || apply_helps(r, VERDICT_TIGHT))) {
		snprintf(command, size, "%s%sepolltune apply%s%s --dry-run", r->enter,
			 r->enter[0] ? " " : "", arguments, shorts ? "" : " --tight");
		return "To see the changes: ";
	}
	const struct finding *f = first_of(p, r, LEVEL_CRITICAL);
	if (!f)
		f = first_of(p, r, LEVEL_WARNING);
	if (f)
		snprintf(command, size, "epolltune explain %s", f->id);
	else if (!p->verbose && first_of(p, r, LEVEL_NOTE))
		snprintf(command, size, "epolltune check%s --verbose", arguments);
	return f ? "For more: " : "For the notes: ";
}

static void closing(const struct page *p, const struct report *r)
{
	char answer[REPORT_ANSWER], command[1792], shown[1792];
	if (r->lost)
		fprintf(p->out, "%zu further walls or findings omitted: the report is full.\n",
			r->lost);
	report_answer(r, answer);
	page_paragraph(p, TONE_BOLD, 0, answer);
	const char *purpose = hint(p, r, command, sizeof(command));
	page_text(p, shown, sizeof(shown), "%s", command);
	if (!shown[0])
		return;
	/* A command stays on one line, so that it can be pasted. */
	bool fits = strlen(purpose) + utf8_length(shown) <= p->width;
	fprintf(p->out, "%.*s%s", (int)strlen(purpose) - !fits, purpose, fits ? "" : "\n  ");
	page_put(p, TONE_BOLD, shown);
	fputc('\n', p->out);
}

int render_text(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	struct page p = page_open(out, style);
	head(&p, r);
	server(&p, &r->server);
	if (r->enter[0])
		netns(&p, r->enter);
	observed(&p, &r->observed);
	target(&p, r);
	isolation(&p, r);
	fputc('\n', out);
	int status = walls(&p, r, e);
	if (status < 0)
		return status;
	if (r->wall_count)
		fputc('\n', out);
	findings(&p, r, LEVEL_CRITICAL, finding_block);
	findings(&p, r, LEVEL_WARNING, finding_block);
	if (accepted(&p, r) + findings(&p, r, LEVEL_NOTE, finding_line) +
	    findings(&p, r, LEVEL_SKIPPED, finding_line))
		fputc('\n', out);
	closing(&p, r);
	return render_flush(out, "the report", e);
}
