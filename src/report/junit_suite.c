#include "report/junit.h"

#include "report/markup.h"

static void counts(FILE *out, const size_t count[JUNIT_RESULTS])
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
		count[JUNIT_PASSED] + count[JUNIT_FAILED] + count[JUNIT_BROKEN] +
			count[JUNIT_SKIPPED],
		count[JUNIT_FAILED], count[JUNIT_BROKEN]);
}

void junit_open(const struct junit *j, const struct junit *counted, const char *name,
		const char *stamp, const char *host)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"epolltune\"", j->out);
	counts(j->out, counted->count);
	fprintf(j->out, ">\n  <testsuite name=\"%s\"", name);
	counts(j->out, counted->count);
	fprintf(j->out, " skipped=\"%zu\" time=\"0\"", counted->count[JUNIT_SKIPPED]);
	if (stamp)
		fprintf(j->out, " timestamp=\"%.19s\"", stamp);
	if (*host)
		markup_attribute(j->out, "hostname", host);
	fputs(">\n", j->out);
}

void junit_begin(struct junit *j, const char *class, const char *name, enum junit_result is,
		 const char *type, const char *message)
{
	static const char *const elements[] = {
		[JUNIT_FAILED] = "failure", [JUNIT_BROKEN] = "error", [JUNIT_SKIPPED] = "skipped"};
	j->count[is]++;
	if (!j->out)
		return;
	fputs("    <testcase", j->out);
	markup_attribute(j->out, "classname", class);
	markup_attribute(j->out, "name", name);
	fputs(" time=\"0\">", j->out);
	if (is == JUNIT_PASSED) {
		fputs("<system-out>", j->out);
		markup_put(j->out, message);
		return;
	}
	fprintf(j->out, "<%s", elements[is]);
	if (is != JUNIT_SKIPPED)
		markup_attribute(j->out, "type", type);
	markup_attribute(j->out, "message", message);
	fputs(is == JUNIT_SKIPPED ? "/><system-out>" : ">", j->out);
}

void junit_line(const struct junit *j, const char *text)
{
	if (!j->out || !*text)
		return;
	fputc('\n', j->out);
	markup_put(j->out, text);
}

void junit_end(const struct junit *j, enum junit_result is)
{
	static const char *const ends[] = {[JUNIT_PASSED] = "system-out",
					   [JUNIT_FAILED] = "failure",
					   [JUNIT_BROKEN] = "error",
					   [JUNIT_SKIPPED] = "system-out"};
	if (j->out)
		fprintf(j->out, "</%s></testcase>\n", ends[is]);
}

void junit_output(const struct junit *j, const char *text)
{
	fputs("    <system-out>", j->out);
	markup_put(j->out, text);
}

void junit_close(const struct junit *j)
{
	fputs("</system-out>\n  </testsuite>\n</testsuites>\n", j->out);
}
