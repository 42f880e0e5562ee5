/* How a container gets the values that a finding proposes. */
#include "judge/container_advice.h"

#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/wording.h"

static void sysctl_add(const struct container_row *row, const struct proposal *p, struct wording *w)
{
	char all[WORDING_TEXT], unsafe[WORDING_TEXT], one[WORDING_TEXT];
	struct wording own = {0};
	report_text(all, "%s", wording_get(w, "sysctls"));
	report_text(unsafe, "%s", wording_get(w, "unsafe"));
	wording_flag(&own, "more", all[0]);
	wording_set(&own, "name", "%s", p->knob);
	wording_set(&own, "value", "%s", p->proposed);
	wording_fill(&own, row->sysctl, one, sizeof(one));
	wording_set(w, "sysctls", "%s%s", all, one);
	if (!container_pod_safe(p->knob))
		wording_set(w, "unsafe", "%s%s%s", unsafe, unsafe[0] ? "," : "", p->knob);
}

/* Adds one that no namespace but the initial one sets. */
static void machine_add(const struct proposal *p, struct wording *w)
{
	char all[WORDING_TEXT];
	report_text(all, "%s", wording_get(w, "machine"));
	wording_set(w, "machine", "%s%s%s", all, all[0] ? " and " : "", p->knob);
	wording_flag(w, "several", all[0]);
}

/* Adds "Docker: LINE." to the advice; without a row a sentence. */
static void line_add(const struct container_row *row, const char *line, const struct wording *w,
		     struct finding *f)
{
	char text[sizeof(f->advice)];
	wording_fill(w, line, text, sizeof(text));
	report_append(f->advice, "%s%s%s%s%s", f->advice[0] ? " " : "", row ? row->name : "",
		      row ? ": " : "", text, row ? "." : "");
}

void container_advise(const struct machine *m, struct finding *f)
{
	const struct container_row *row = m->container;
	struct wording words = {0};
	unsigned sysctls = 0, shared = 0, machine = 0;
	bool files = false;
	wording_set(&words, "unsafe", "%s", "");
	wording_set(&words, "machine", "%s", "");
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct proposal *p = &f->proposals[i];
		const struct knob *k = knob_find(p->knob);
		if (!k || !p->proposed[0])
			continue;
		if (k->scope == KNOB_NETNS && m->own_netns) {
			sysctls++;
			if (row)
				sysctl_add(row, p, &words);
		} else if (k->scope == KNOB_NETNS && row) {
			shared++;
		} else if (knob_initial_only(k) && m->own_netns) {
			machine++;
			machine_add(p, &words);
		} else if (k->scope == KNOB_PROCESS && row) {
			const char *hard = strrchr(p->proposed, ' ');
			files = true;
			wording_set(&words, "files", "%s", hard ? hard + 1 : p->proposed);
		}
	}
	if (sysctls && row)
		line_add(row, row->sysctls, &words, f);
	if (files)
		line_add(row, row->files, &words, f);
	wording_set(&words, "engine", "%s", row ? row->name : "");
	wording_flag(&words, "both", sysctls + shared > 1);
	if (sysctls)
		line_add(NULL, container_netns, &words, f);
	/* The engine refuses to set it there (runc, libcontainer/configs/validate). */
	if (shared)
		line_add(NULL, container_host, &words, f);
	if (machine)
		line_add(NULL, container_machine, &words, f);
}
