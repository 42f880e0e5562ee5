#include "terminal/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/render.h"
#include "report/utf8.h"

#define LINE_SIZE 512

bool progress_usable(void) { return render_terminal(STDERR_FILENO); }

void progress_clear(void)
{
	fputs("\r\033[K", stderr);
	fflush(stderr);
}

/* The last column stays free: a terminal may wrap behind it. */
static size_t columns(void)
{
	struct winsize size = {0};
	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	return size.ws_col ? size.ws_col - 1U : 79;
}

void progress_print(const char *format, ...)
{
	char text[LINE_SIZE], line[LINE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (render_style_for(stderr, "never").utf8)
		utf8_copy_printable(line, sizeof(line), text);
	else
		utf8_copy_ascii(line, sizeof(line), text);
	line[utf8_cut(line, columns())] = 0;
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
}
