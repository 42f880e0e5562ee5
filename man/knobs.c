/* Prints epolltune-knobs(7), made from the catalogue: `make man`. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/knob.h"

#define WIDTH 78

/* Whether a sentence ends before `at`, a blank: mdoc wants the next one on a line of its own. */
static bool sentence_ends(const char *text, const char *at)
{
	return at > text + 1 && strchr(".?!", at[-1]) && at[-2] != '.' &&
	       isupper((unsigned char)at[1]);
}

static void put_word(const char *word, size_t length, bool first)
{
	if (first && (*word == '.' || *word == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < length; i++) {
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else if (!strncmp(word + i, "…", strlen("…"))) {
			fputs("...", stdout);
			i += strlen("…") - 1;
		} else
			putchar(word[i]);
	}
}

/* A line for each sentence, wrapped. */
static void put_text(const char *text)
{
	size_t column = 0;
	for (const char *at = text; *at;) {
		size_t length = strcspn(at, " ");
		if (column && column + 1 + length > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column)
			putchar(' ');
		put_word(at, length, !column);
		column += length + (column > 0);
		at += length;
		if (*at && sentence_ends(text, at)) {
			putchar('\n');
			column = 0;
		}
		at += *at == ' ';
	}
	putchar('\n');
}

/* A full stop where the text has none. */
static void put_labelled(const char *label, const char *text)
{
	char line[2048];
	size_t length = text ? strlen(text) : 0;
	if (!length)
		return;
	snprintf(line, sizeof(line), "%s%s%s", label, text,
		 strchr(".!?", text[length - 1]) ? "" : ".");
	put_text(line);
}

/* Several words are in quotes, as one of them could be the name of a macro. */
static void item(const char *name)
{
	const char *quote = strchr(name, ' ') ? "\"" : "";
	printf(".It Sy %s%s%s\n", quote, name, quote);
}

static void section(const char *title, const char *lead)
{
	printf(".Sh %s\n", title);
	if (lead)
		put_text(lead);
	puts(".Bl -tag -width Ds");
}

static void walls(void)
{
	section("WALLS", "The parentheses hold the unit of a wall's capacity.");
	for (size_t i = 0; i < wall_row_count(); i++) {
		const struct wall_row *w = wall_row_at(i);
		printf(".It Sy %s Pq %s\n", w->name, w->unit);
		put_text(w->what);
	}
	puts(".El");
}

static void knob_range(const struct knob *k)
{
	static const char *const fields[] = {
		[KNOB_NUMBER] = "",
		[KNOB_TRIPLE] = "three numbers, each ",
		[KNOB_RANGE] = "two numbers, ascending, each ",
		[KNOB_PORTS] = "ports and ranges of ports, each ",
	};
	char line[256];
	if (k->shape == KNOB_WORD)
		return;
	snprintf(line, sizeof(line), "Range: %s%" PRId64 " to %" PRId64 "%s%s.", fields[k->shape],
		 k->min, k->max, *k->unit ? " " : "", k->unit);
	put_text(line);
}

static void knobs(void)
{
	section("KNOBS", NULL);
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		item(k->name);
		put_text(k->what);
		puts(".Pp");
		put_labelled("Scope: ", knob_scope_name(k->scope));
		knob_range(k);
		put_labelled("Takes effect ", knob_effect_text(k->effect));
		puts(".Pp");
		put_labelled("Raising it costs: ", k->cost);
		put_labelled("Proof that it binds: ", k->counter);
		put_labelled("Source: ", k->source);
		put_labelled("Since Linux ", k->since);
	}
	puts(".El");
}

static void findings(void)
{
	section("FINDINGS", NULL);
	for (size_t i = 0; i < finding_row_count(); i++) {
		const struct finding_row *f = finding_row_at(i);
		item(f->id);
		put_text(f->meaning);
		puts(".Pp");
		put_text(f->action);
		put_labelled("Proof: ", f->proof);
		put_labelled("Runbook: ", finding_runbook(f));
	}
	puts(".El");
}

static void seen(const char *name, const char *what, const char *action, const char *walls,
		 const char *show)
{
	item(name);
	put_text(what);
	puts(".Pp");
	put_text(action);
	put_labelled("Walls: ", walls);
	put_labelled("To see it: ", show);
}

static void counters(void)
{
	section("COUNTERS", NULL);
	for (size_t i = 0; i < counter_row_count(); i++) {
		const struct counter_row *c = counter_row_at(i);
		seen(c->name, c->what, c->action, c->walls, c->show);
	}
	puts(".El");
}

static void clue(const struct clue_row *c)
{
	seen(c->name, c->what, c->action, c->walls, c->show);
	put_labelled("Source: ", c->source);
}

static void symptoms(void)
{
	section("SYMPTOMS", NULL);
	for (size_t i = 0; i < symptom_row_count(); i++)
		clue(symptom_row_at(i));
	puts(".El");
}

static void complaints(void)
{
	section("COMPLAINTS", NULL);
	for (size_t i = 0; i < complaint_row_count(); i++)
		clue(complaint_row_at(i));
	puts(".El");
}

static void directives(void)
{
	section("DIRECTIVES", NULL);
	for (size_t i = 0; i < directive_row_count(); i++)
		clue(directive_row_at(i));
	puts(".El");
}

static void myths(void)
{
	section("MYTHS", NULL);
	for (size_t i = 0; i < myth_count(); i++) {
		const struct myth *m = myth_at(i);
		item(m->name);
		put_labelled("Claim: ", m->claim);
		puts(".Pp");
		put_text(m->truth);
		put_labelled("Source: ", m->source);
		put_labelled("Since Linux ", m->since);
	}
	puts(".El");
}

static void guides(void)
{
	puts(".Sh GUIDES\n"
	     "What an application has to do itself; the code is in\n"
	     ".Ql epolltune explain NAME .\n"
	     ".Bl -tag -width Ds");
	for (size_t i = 0; i < guide_count(); i++) {
		const struct guide *g = guide_at(i);
		item(g->name);
		put_text(g->what);
		put_labelled("Source: ", g->source);
		put_labelled("Since Linux ", g->since);
	}
	puts(".El");
}

int main(void)
{
	puts(".\\\" Made from the catalogue (src/catalogue) by make man; do not edit.\n"
	     ".Dd November 28, 2026\n"
	     ".Dt EPOLLTUNE-KNOBS 7\n"
	     ".Os\n"
	     ".Sh NAME\n"
	     ".Nm epolltune-knobs\n"
	     ".Nd walls, knobs, findings, counters, symptoms, complaints, directives, myths and guides of epolltune\n"
	     ".Sh DESCRIPTION\n"
	     "This page lists what the programs and reports of\n"
	     ".Xr epolltune 1\n"
	     "name: the limits that an epoll server meets\n"
	     ".Pq walls ,\n"
	     "the settings that move them\n"
	     ".Pq knobs ,\n"
	     "the problems that a report may name\n"
	     ".Pq findings ,\n"
	     "the counters and symptoms that show them, what operators say of them\n"
	     ".Pq complaints ,\n"
	     "lines of configuration files\n"
	     ".Pq directives ,\n"
	     "common but ineffective or harmful advice\n"
	     ".Pq myths ,\n"
	     "and what an application has to do itself\n"
	     ".Pq guides .\n"
	     "The command\n"
	     ".Ql epolltune explain NAME\n"
	     "prints one entry, with the values of this machine.\n"
	     ".Pp\n"
	     "Names of counters are those of\n"
	     ".Pa /proc/net/netstat\n"
	     ".Pq Ql TcpExt ,\n"
	     ".Pa /proc/net/snmp\n"
	     "and\n"
	     ".Pa /proc/net/sockstat ;\n"
	     "columns of softnet_stat are those of\n"
	     ".Pa /proc/net/softnet_stat ,\n"
	     "counted from 1.");
	walls();
	knobs();
	findings();
	counters();
	symptoms();
	complaints();
	directives();
	myths();
	guides();
	puts(".Sh SEE ALSO\n"
	     ".Xr epolltune 1 ,\n"
	     ".Xr getrlimit 2 ,\n"
	     ".Xr listen 2 ,\n"
	     ".Xr proc 5 ,\n"
	     ".Xr epoll 7 ,\n"
	     ".Xr socket 7 ,\n"
	     ".Xr tcp 7 ,\n"
	     ".Xr ethtool 8 ,\n"
	     ".Xr ss 8 ,\n"
	     ".Xr sysctl 8\n"
	     ".Pp\n"
	     ".Pa Documentation/networking/ip-sysctl.rst ,\n"
	     ".Pa Documentation/admin-guide/sysctl/net.rst\n"
	     "and\n"
	     ".Pa Documentation/networking/napi.rst\n"
	     "of the Linux kernel.");
	return 0;
}
