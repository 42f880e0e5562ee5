/* The executors that print a plan. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "report/page.h"
#include "tune/device.h"
#include "tune/device_files.h"
#include "tune/dropin.h"
#include "tune/executor.h"

const char *run_outcome_name(enum run_outcome o)
{
	static const char *const names[] = {
		[OUTCOME_PLANNED] = "planned",   [OUTCOME_NOTHING] = "nothing to change",
		[OUTCOME_APPLIED] = "applied",   [OUTCOME_WAITING] = "waiting",
		[OUTCOME_REVERTED] = "reverted", [OUTCOME_PARTLY] = "partly reverted",
		[OUTCOME_REFUSED] = "refused",   [OUTCOME_NOT_WAITING] = "nothing to confirm",
	};
	return names[o];
}

static int printed(struct execution *x, int failed, struct err *e)
{
	errno = 0;
	if (fflush(x->out) || ferror(x->out))
		return err_errno(e, "cannot write the plan");
	return failed;
}

/* text: a diff for a person. */

static void put_line(const struct page *p, enum tone tone, const char *mark, const char *value)
{
	char text[PAGE_TEXT];
	page_text(p, text, sizeof(text), "%s %s", mark, value);
	fputs("  ", p->out);
	page_put(p, tone, text);
	fputc('\n', p->out);
}

/* The value of a file is two lines: a comment and the setting. */
static void put_value(const struct page *p, enum tone tone, const char *mark, const char *value)
{
	char line[CHANGE_VALUE];
	for (const char *at = value; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		put_line(p, tone, mark, line);
	}
}

static void put_field(const struct page *p, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	char line[PAGE_TEXT];
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "    %-8s", name);
	page_wrap(p, TONE_PLAIN, 12, 12, line);
}

static void put_cost(const struct page *p, const struct change *c)
{
	char text[PAGE_TEXT], bytes[32];
	if (!c->cost && c->cost_bytes == REPORT_NONE)
		return;
	text[0] = 0;
	if (c->cost_bytes > 0)
		snprintf(text, sizeof(text), "Up to %s for this load. ",
			 quantity_format(bytes, sizeof(bytes), QUANTITY_SIZE,
					 (uint64_t)c->cost_bytes));
	size_t used = strlen(text);
	snprintf(text + used, sizeof(text) - used, "%s", c->cost ? c->cost : "");
	put_field(p, "costs", text);
}

static int diff_begin(struct execution *x, struct err *e)
{
	(void)e;
	struct page p = page_open(x->out, &x->style);
	if (x->answer) {
		page_paragraph(&p, TONE_BOLD, 0, x->answer);
		fputc('\n', p.out);
	}
	return 0;
}

/* Of a plan without changes. */
static const char *no_change(const struct execution *x)
{
	return x->reason ? x->reason : "Nothing to change.";
}

static int diff_change(struct execution *x, struct change *c, struct err *e)
{
	(void)e;
	struct page p = page_open(x->out, &x->style);
	page_put(&p, TONE_BOLD, c->name);
	char file[128] = DROPIN_DIRECTORY "/" DROPIN_FILE;
	if (device_file_kind(c->name))
		device_file_path(c->name, file);
	if (c->scope == CHANGE_FILES)
		fprintf(p.out, "  (%s)", file);
	fputc('\n', p.out);
	put_value(&p, TONE_BAD, "-", c->from);
	put_value(&p, TONE_GOOD, "+", c->to);
	if (c->scope != CHANGE_FILES) {
		put_field(&p, "why", c->why);
		put_field(&p, "effect", c->effect);
		put_field(&p, "scope",
			  c->scope == CHANGE_NETNS ? "this network namespace"
						   : "the whole machine");
		put_cost(&p, c);
	}
	fputc('\n', p.out);
	return 0;
}

static void diff_manual(const struct page *p, const struct manual_step *m)
{
	char line[PAGE_TEXT];
	page_text(p, line, sizeof(line), "%s%s%s%s%s", m->knob,
		  m->current[0] || m->proposed[0] ? "  " : "", m->current,
		  m->current[0] && m->proposed[0] ? " → " : "", m->proposed);
	fputs("  ", p->out);
	page_wrap(p, TONE_BOLD, 2, 4, line);
	page_paragraph(p, TONE_PLAIN, 4, m->why);
	for (const char *at = m->action; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		size_t indent = 4 + strspn(at, " ");
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		page_paragraph(p, TONE_PLAIN, indent, line + strspn(line, " "));
	}
}

/* Whether the costs of the changes exceed the growth of the total, which counts some already. */
static bool costs_exceed(const struct plan *plan)
{
	uint64_t own = 0, grows = plan->after.sum - plan->before.sum;
	for (size_t i = 0; i < plan->count; i++)
		if (plan->changes[i].cost_bytes > 0 &&
		    __builtin_add_overflow(own, (uint64_t)plan->changes[i].cost_bytes, &own))
			return true;
	return plan->after.sum < plan->before.sum || own > grows;
}

static void diff_budget(const struct page *p, const struct plan *plan)
{
	const struct budget *b = &plan->after;
	char n[32], one[32], cap[32], sum[32], was[32], machine[32], text[PAGE_TEXT];
	if (!b->machine)
		return;
	bool same = b->sum == plan->before.sum;
	quantity_format(was, sizeof(was), QUANTITY_SIZE, plan->before.sum);
	snprintf(text, sizeof(text),
		 "Worst-case memory: %s of %s, %s%s (%s connections with up to %s of buffers each; "
		 "all buffers together up to %s%s).%s",
		 quantity_format(sum, sizeof(sum), QUANTITY_SIZE, b->sum),
		 quantity_format(machine, sizeof(machine), QUANTITY_SIZE, b->machine),
		 same ? "as" : was, " now",
		 quantity_format(n, sizeof(n), QUANTITY_COUNT, b->connections),
		 quantity_format(one, sizeof(one), QUANTITY_SIZE, b->receive + b->send),
		 quantity_format(cap, sizeof(cap), QUANTITY_SIZE, b->cap),
		 b->cap_assumed ? ", the kernel's default: tcp_mem is not visible in this network "
				  "namespace"
				: " by tcp_mem",
		 costs_exceed(plan) ? " This total already includes the costs above." : "");
	page_paragraph(p, TONE_PLAIN, 0, text);
}

static int diff_end(struct execution *x, int failed, struct err *e)
{
	struct page p = page_open(x->out, &x->style);
	const struct plan *plan = x->plan;
	if (!plan->count)
		page_paragraph(&p, TONE_PLAIN, 0, no_change(x));
	if (plan->manual_count) {
		fprintf(p.out, "%sManual steps:\n", plan->count ? "" : "\n");
		for (size_t i = 0; i < plan->manual_count; i++)
			diff_manual(&p, &plan->manual[i]);
		if (plan->count)
			fputc('\n', p.out);
	}
	if (plan->tight)
		fputs("Tight walls are not changed; add --tight to include them.\n", p.out);
	if (plan->unknown)
		fprintf(p.out,
			"%zu wall%s no verdict; run epolltune check --verbose for the reasons.\n",
			plan->unknown, plan->unknown == 1 ? " has" : "s have");
	if (plan_runtime(plan))
		diff_budget(&p, plan);
	return printed(x, failed, e);
}

const struct executor executor_diff = {"text", diff_begin, diff_change, diff_end};

/* json: the plan and its outcome, schema epolltune.apply/2: the same keys in every case. */

static json_t *json_text(const char *s) { return *s ? json_string(s) : json_null(); }

static json_t *json_change(const struct change *c)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:o, s:o}", "kind",
			 c->kind, "name", c->name, "scope", change_scope_name(c->scope), "from",
			 c->from, "to", c->to, "became", json_text(c->became), "state",
			 change_state_name(c->state), "wall", json_text(c->wall), "finding",
			 json_text(c->finding), "why", c->why, "effect",
			 json_text(c->effect ? c->effect : ""), "cost_bytes",
			 c->cost_bytes == REPORT_NONE ? json_null() : json_integer(c->cost_bytes));
}

static json_t *json_manual(const struct manual_step *m)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:s}", "knob", m->knob, "current",
			 json_text(m->current), "proposed", json_text(m->proposed), "why", m->why,
			 "action", m->action);
}

static json_t *json_budget(const struct budget *b)
{
	if (!b->machine)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I}", "connections",
			 (json_int_t)b->connections, "sockets_bytes", (json_int_t)b->fixed,
			 "receive_bytes", (json_int_t)b->receive, "send_bytes", (json_int_t)b->send,
			 "buffers_limit_bytes", (json_int_t)b->cap, "limit_assumed", b->cap_assumed,
			 "worst_case_bytes", (json_int_t)b->sum, "machine_bytes",
			 (json_int_t)b->machine);
}

static json_t *json_plan(const struct execution *x)
{
	bool changed = x->outcome == OUTCOME_APPLIED || x->outcome == OUTCOME_WAITING ||
		       x->outcome == OUTCOME_PARTLY;
	json_t *root = json_pack("{s:s, s:s, s:b, s:s}", "schema", "epolltune.apply/2", "version",
				 EPOLLTUNE_VERSION, "changed", changed, "outcome",
				 run_outcome_name(x->outcome));
	json_t *changes = json_array(), *manual = json_array();
	int failed = json_object_set_new(root, "run", x->run ? json_integer(x->run) : json_null());
	failed |= json_object_set_new(root, "answer", json_text(x->answer ? x->answer : ""));
	failed |= json_object_set_new(root, "reason",
				      x->reason ? json_string(x->reason) : json_null());
	for (size_t i = 0; i < x->plan->count; i++)
		failed |= json_array_append_new(changes, json_change(&x->plan->changes[i]));
	for (size_t i = 0; i < x->plan->manual_count; i++)
		failed |= json_array_append_new(manual, json_manual(&x->plan->manual[i]));
	failed |= json_object_set_new(root, "changes", changes);
	failed |= json_object_set_new(root, "manual", manual);
	failed |= json_object_set_new(root, "unknown", json_integer((json_int_t)x->plan->unknown));
	failed |= json_object_set_new(root, "memory", json_budget(&x->plan->after));
	failed |= json_object_set(root, "proof", x->proof ? x->proof : json_null());
	failed |= x->persisted ? json_object_set(root, "persisted", x->persisted)
			       : json_object_set_new(root, "persisted", json_array());
	if (failed) {
		json_decref(root);
		return NULL;
	}
	return root;
}

static int json_end(struct execution *x, int failed, struct err *e)
{
	json_t *root = json_plan(x);
	if (!root)
		return err_set(e, ENOMEM, "cannot write the plan as JSON");
	json_dumpf(root, x->out, JSON_INDENT(2));
	fputc('\n', x->out);
	json_decref(root);
	return printed(x, failed, e);
}

const struct executor executor_json = {"json", NULL, NULL, json_end};

/* sysctl: a drop-in. */

static int sysctl_begin(struct execution *x, struct err *e)
{
	(void)e;
	fputs("# By epolltune apply --dry-run --format sysctl.\n", x->out);
	return 0;
}

static int sysctl_change(struct execution *x, struct change *c, struct err *e)
{
	(void)e;
	if (strcmp(c->kind, "sysctl") == 0)
		fprintf(x->out, "\n# %s (was %s)\n%s = %s\n", c->why, c->from, c->name, c->to);
	else if (strcmp(c->kind, "device") == 0)
		fprintf(x->out, "\n# %s = %s is not a sysctl: use epolltune apply --set\n", c->name,
			c->to);
	return 0;
}

/* No change, or manual steps, as comments. */
static int comments_end(struct execution *x, int failed, struct err *e)
{
	if (!x->plan->count)
		fprintf(x->out, "\n# %s\n", no_change(x));
	for (size_t i = 0; i < x->plan->manual_count; i++) {
		const struct manual_step *m = &x->plan->manual[i];
		fprintf(x->out, "%s# Manual step, see epolltune apply --dry-run: %s %s%s%s\n",
			i ? "" : "\n", m->knob, m->current,
			m->current[0] && m->proposed[0] ? " -> " : "", m->proposed);
	}
	return printed(x, failed, e);
}

const struct executor executor_sysctl = {"sysctl", sysctl_begin, sysctl_change, comments_end};

/* shell: a script that compares each value before it writes, as apply does. */

static int shell_begin(struct execution *x, struct err *e)
{
	(void)e;
	fputs("#!/bin/sh\n"
	      "# By epolltune apply --dry-run --format shell. Read it, then run it as root.\n"
	      "set -eu\n"
	      "\n"
	      "# change FILE FROM TO: replaces FROM by TO and prints what reads back\n"
	      "change() {\n"
	      "\tset -- \"$1\" \"$2\" \"$3\" \"$(tr -s '[:blank:]' ' ' <\"$1\")\"\n"
	      "\tif [ \"$4\" = \"$3\" ]; then return; fi\n"
	      "\tif [ \"$4\" != \"$2\" ]; then\n"
	      "\t\techo \"$1 is '$4', not '$2': not changed\" >&2\n"
	      "\t\texit 2\n"
	      "\tfi\n"
	      "\techo \"$3\" >\"$1\"\n"
	      "\techo \"$1: $2 -> $(cat \"$1\")\"\n"
	      "}\n"
	      "\n"
	      "# setting LETTER INTERFACE WORD LABEL FROM TO: the same by ethtool -LETTER, whose\n"
	      "# last line of LABEL shows what is set, after the maximum if it has one\n"
	      "setting() {\n"
	      "\tif [ \"$1\" = L ] && ! ethtool -l \"$2\" | grep -q '^Combined:.*[0-9]'; then\n"
	      "\t\tset -- L \"$2\" rx RX \"$5\" \"$6\"\n"
	      "\tfi\n"
	      "\tnow=$(ethtool -\"$(echo \"$1\" | tr A-Z a-z)\" \"$2\" |\n"
	      "\t\tsed -n \"s/^$4:[[:blank:]]*\\\\([^[:blank:]]*\\\\).*/\\\\1/p\" | tail -n 1)\n"
	      "\tif [ \"$now\" = \"$6\" ]; then return; fi\n"
	      "\tif [ \"$now\" != \"$5\" ]; then\n"
	      "\t\techo \"$2: $3 is '$now', not '$5': not changed\" >&2\n"
	      "\t\texit 2\n"
	      "\tfi\n"
	      "\tethtool -\"$1\" \"$2\" \"$3\" \"$6\"\n"
	      "\techo \"$2: $3: $5 -> $6\"\n"
	      "}\n",
	      x->out);
	return 0;
}

/* Quotes a word for a shell: interface names may hold almost any character. */
static void shell_word(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", out);
		else
			putc(*text, out);
	putc('\'', out);
}

static const char *shell_value(const struct device_setting *s, const char *value)
{
	return !s->boolean ? value : strcmp(value, "0") ? "on" : "off";
}

/* A setting of an interface, by ethtool or sysfs; a comment for those of netlink only. */
static void shell_device(FILE *out, const struct change *c)
{
	struct device_name d;
	if (!device_parse(c->name, &d))
		return;
	fprintf(out, "\n# %s (was %s)\n", c->why, c->from);
	if (d.setting->ethtool[0]) {
		fprintf(out, "setting %s ", d.setting->ethtool[0] + 1);
		shell_word(out, d.nic);
		fprintf(out, " %s '%s' '%s' '%s'\n", d.setting->ethtool[1], d.setting->ethtool[2],
			shell_value(d.setting, c->from), shell_value(d.setting, c->to));
	} else if (d.setting->masks) {
		fputs("for f in /sys/class/net/", out);
		shell_word(out, d.nic);
		/* Not compared: the kernel prints leading zeros, the plan does not. */
		fprintf(out, "/%s; do echo '%s' >\"$f\"; echo \"$f: $(cat \"$f\")\"; done\n",
			d.setting->udev, c->to);
	} else if (d.queue < 0 && d.setting->udev) {
		fputs("change /sys/class/net/", out);
		shell_word(out, d.nic);
		fprintf(out, "/%s '%s' '%s'\n", d.setting->udev, c->from, c->to);
	} else {
		fprintf(out, "# %s = %s: settable by netlink only, use epolltune apply --set\n",
			c->name, c->to);
	}
}

static int shell_change(struct execution *x, struct change *c, struct err *e)
{
	(void)e;
	const struct knob *k = knob_find(c->name);
	char path[KNOB_PATH];
	if (c->scope == CHANGE_FILES || !k)
		return 0;
	if (strcmp(c->kind, "device") == 0) {
		shell_device(x->out, c);
		return 0;
	}
	knob_path(k, path);
	fprintf(x->out, "\n# %s\nchange /%s '%s' '%s'\n", c->why, path, c->from, c->to);
	return 0;
}

const struct executor executor_shell = {"shell", shell_begin, shell_change, comments_end};

const struct executor *executor_preview(const char *format)
{
	static const struct executor *const previews[] = {&executor_diff, &executor_json,
							  &executor_sysctl, &executor_shell};
	for (size_t i = 0; i < sizeof(previews) / sizeof(*previews); i++)
		if (strcmp(previews[i]->name, format) == 0)
			return previews[i];
	return NULL;
}
