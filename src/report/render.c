#include "report/render.h"

#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MIN 60
#define WIDTH_MAX 1000

static unsigned width_of(int fd)
{
	unsigned width = 0;
	struct winsize size;
	if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	const char *columns = getenv("COLUMNS");
	if (width == 0 && columns) {
		char *end;
		unsigned long value = strtoul(columns, &end, 10);
		if (*end == 0 && value > 0 && value <= WIDTH_MAX)
			width = (unsigned)value;
	}
	if (width == 0)
		return 80;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

bool render_terminal(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

static bool color_for(int fd, const char *when)
{
	if (strcmp(when, "always") == 0)
		return true;
	const char *no = getenv("NO_COLOR");
	return strcmp(when, "never") != 0 && !(no && *no) && render_terminal(fd);
}

struct render_style render_style_for(FILE *stream, const char *color)
{
	int fd = fileno(stream);
	return (struct render_style){
		.color = color_for(fd, color),
		.width = width_of(fd),
		.utf8 = strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0,
	};
}

int render_flush(FILE *out, const char *what, struct err *e)
{
	errno = 0;
	if (fflush(out) || ferror(out))
		return err_errno(e, "cannot write %s", what);
	return 0;
}

char *render_wall_note(const struct wall *w, char text[RENDER_NOTE])
{
	snprintf(text, RENDER_NOTE, "%s%s%s%s%s", w->detail,
		 w->detail[0] && w->reason[0] ? " " : "", w->reason[0] ? "Not measured: " : "",
		 w->reason, w->reason[0] ? "." : "");
	return text;
}

char *render_verdict(const struct wall *w, char text[RENDER_VERDICT])
{
	snprintf(text, RENDER_VERDICT, "%s%s", wall_verdict_name(w->verdict),
		 w->accepted ? ", accepted" : "");
	return text;
}

char *render_omitted(const struct report *r, char text[RENDER_OMITTED])
{
	text[0] = 0;
	if (r->lost)
		snprintf(text, RENDER_OMITTED,
			 "%zu further walls or findings omitted: the report is full.", r->lost);
	return text;
}

static const struct format {
	const char *name;
	render_function *render;
} formats[] = {
#define FORMAT(name, help) {#name, render_##name},
#include "report/formats.def"
#undef FORMAT
};

const char render_format_names[] =
#define FORMAT(name, help) "," #name
#include "report/formats.def"
#undef FORMAT
	;

const char render_format_help[] =
#define FORMAT(name, help) ", " help
#include "report/formats.def"
#undef FORMAT
	;

render_function *render_find(const char *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, format) == 0)
			return formats[i].render;
	return NULL;
}
