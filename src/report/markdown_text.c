#include "report/markdown.h"

#include <string.h>

#include "epolltune/report.h"
#include "report/utf8.h"

void markdown_put(FILE *out, const char *text)
{
	char clean[REPORT_ANSWER * 3];
	utf8_copy_printable(clean, sizeof(clean), text);
	for (const char *c = clean; *c; c++) {
		if (strchr("\\`*_[]<>|#~&!", *c))
			fputc('\\', out);
		fputc(*c, out);
	}
}

void markdown_code(FILE *out, const char *text)
{
	char clean[REPORT_ANSWER];
	utf8_copy_printable(clean, sizeof(clean), text);
	fputc('`', out);
	for (const char *c = clean; *c; c++)
		fputc(*c == '`' ? '\'' : *c == '|' ? '/' : *c, out);
	fputc('`', out);
}
