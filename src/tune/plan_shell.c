/* A plan as a script that compares each value before it writes, as apply does. */
#include "report/render.h"
#include "tune/plan_render.h"

static void put_functions(FILE *out)
{
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
	      out);
}

int plan_render_shell(FILE *out, const struct plan_result *r, const struct render_style *style,
		      struct err *e)
{
	put_functions(out);
	for (size_t i = 0; i < r->plan->count; i++) {
		const struct change *c = &r->plan->changes[i];
		const struct change_running *running = c->kind->running;
		if (running)
			running->shell(out, c);
	}
	plan_comments(out, r);
	return render_flush(out, "the plan", e);
}
