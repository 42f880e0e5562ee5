#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A shell would split a name such as "Possible SYN flooding" into words. */
static int print_word(const char *value, void *arg)
{
	if (!strchr(value, ' '))
		printf(" %s", value);
	return 0;
}

/* Print the values of an argument or operand; of paths a mark for the function of bash. */
static void print_values(struct values values)
{
	if (values.set == VALUES_FILES)
		printf(" @files");
	else if (values.set == VALUES_DIRECTORIES)
		printf(" @directories");
	else
		values_each(values, print_word, NULL);
}

/* Call `print` for each alternative of a command's operands: "bash|zsh|fish", "[COMMAND]". */
static void operands_each(const struct command *c, void (*print)(struct values values))
{
	const char *at = c->arguments;
	while (*at) {
		char word[VALUE_SIZE];
		at += strspn(at, "[]|. ");
		size_t length = strcspn(at, "[]|. ");
		if (length == 0)
			break;
		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		struct values values = values_of_operand(word);
		if (values_listed(values))
			print(values);
		else if (word[0] >= 'a' && word[0] <= 'z')
			print(values_words(word));
		at += length;
	}
}

static void bash_row(const struct command *c)
{
	printf("\t%s)\n\t\toptions='", c->name);
	for (const struct option_row *row = c->options; row->name; row++)
		printf("--%s ", row->name);
	printf("--help'\n\t\toperands='");
	operands_each(c, print_values);
	printf("'\n\t\tcase $previous in\n");
	for (const struct option_row *row = c->options; row->name; row++) {
		if (!row->argument)
			continue;
		printf("\t\t--%s) values='", row->name);
		print_values(row->values);
		printf("' takes=%s ;;\n", row->kind == OPTION_LIST ? "list" : "one");
	}
	printf("\t\tesac ;;\n");
}

static void bash(void)
{
	printf("# bash completion for epolltune, written by: epolltune completion bash\n"
	       "_epolltune() {\n"
	       "\tlocal word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal command=${COMP_WORDS[1]} options= operands= values= takes= before=\n"
	       "\t# bash splits --name=value into three words.\n"
	       "\tif [[ $word == = ]]; then word=\n"
	       "\telif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	       "\tCOMPREPLY=()\n"
	       "\tif (( COMP_CWORD == 1 )); then\n"
	       "\t\tCOMPREPLY=($(compgen -W '--help --version");
	values_each((struct values){VALUES_COMMANDS, NULL}, print_word, NULL);
	printf("' -- \"$word\"))\n\t\treturn\n\tfi\n\tcase $command in\n");
	for (size_t i = 0; i < command_count(); i++)
		bash_row(command_at(i));
	printf("\tesac\n"
	       "\tif [[ ! $takes ]]; then values=$operands; fi\n"
	       "\tif [[ ! $takes && $word == -* ]]; then values=$options; fi\n"
	       "\tcase $values in\n"
	       "\t*@files) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
	       "\t*@directories) COMPREPLY=($(compgen -d -- \"$word\")) ;;\n"
	       "\t*)\n"
	       "\t\tif [[ $takes == list && $word == *,* ]]; then before=${word%%,*},; fi\n"
	       "\t\tCOMPREPLY=($(compgen -P \"$before\" -W \"$values\" -- "
	       "\"${word#\"$before\"}\")) ;;\n"
	       "\tesac\n"
	       "}\n"
	       "complete -o default -F _epolltune epolltune\n");
}

/* Print text inside single quotes, with : [ ] escaped for zsh. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\'");
		else if (strchr(":[]\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void zsh_values(struct values values)
{
	if (values_closed(values)) {
		printf("(");
		values_each(values, print_word, NULL);
		printf(" )");
	} else if (values.set == VALUES_DIRECTORIES) {
		printf("_files -/");
	} else if (values.set != VALUES_WORDS) {
		printf("_files");
	}
}

static void zsh_row(const struct command *c)
{
	char help[HELP_TEXT];
	printf("\t\t%s)\n\t\t\t_arguments '--help[print this help]'", c->name);
	for (const struct option_row *row = c->options; row->name; row++) {
		printf(" \\\n\t\t\t\t'--%s%s[", row->name, row->argument ? "=" : "");
		zsh_text(option_help(c, row, help));
		printf("]");
		if (row->kind == OPTION_LIST) {
			printf(":%s:_values -s , %s", row->argument, row->name);
			values_each(row->values, print_word, NULL);
		} else if (row->argument) {
			printf(":%s:", row->argument);
			zsh_values(row->values);
		}
		printf("'");
	}
	if (c->arguments[0]) {
		printf(" \\\n\t\t\t\t'*:");
		zsh_text(c->arguments);
		printf(":(");
		operands_each(c, print_values);
		printf(" )'");
	}
	printf(" ;;\n");
}

static void zsh(void)
{
	printf("#compdef epolltune\n"
	       "# zsh completion for epolltune, written by: epolltune completion zsh\n"
	       "_epolltune() {\n"
	       "\tlocal curcontext=$curcontext state line\n"
	       "\tlocal -a commands\n"
	       "\tcommands=(\n");
	for (size_t i = 0; i < command_count(); i++) {
		printf("\t\t'%s:", command_at(i)->name);
		zsh_text(command_at(i)->summary);
		printf("'\n");
	}
	printf("\t)\n"
	       "\t_arguments -C '--help[list the commands]' '--version[print versions]' \\\n"
	       "\t\t'1:command:->command' '*::argument:->argument'\n"
	       "\tcase $state in\n"
	       "\tcommand) _describe command commands ;;\n"
	       "\targument)\n"
	       "\t\tcase $line[1] in\n");
	for (size_t i = 0; i < command_count(); i++)
		zsh_row(command_at(i));
	printf("\t\tesac ;;\n"
	       "\tesac\n"
	       "}\n"
	       "if [[ $funcstack[1] == _epolltune ]]; then _epolltune \"$@\"\n"
	       "else compdef _epolltune epolltune; fi\n");
}

/* Print text inside single quotes of fish. */
static void fish_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

/* Print what an option or an operand takes, as words of fish. */
static void fish_values(struct values values)
{
	if (values.set == VALUES_DIRECTORIES)
		printf(" (__fish_complete_directories)");
	else if (values.set == VALUES_FILES)
		printf(" (__fish_complete_path (commandline -ct))");
	else
		print_values(values);
}

static void fish_begin(const struct command *c)
{
	printf("complete -c epolltune -n '__fish_seen_subcommand_from %s'", c->name);
}

static void fish_row(const struct command *c)
{
	char help[HELP_TEXT];
	for (const struct option_row *row = c->options; row->name; row++) {
		fish_begin(c);
		printf(" -l %s%s -d '", row->name, row->argument ? " -x" : "");
		fish_text(option_help(c, row, help));
		printf("'");
		if (row->kind == OPTION_LIST) {
			printf(" -a '(__fish_complete_list , \"string split \\\" \\\" --");
			values_each(row->values, print_word, NULL);
			printf("\")'");
		} else if (row->argument) {
			printf(" -a '");
			fish_values(row->values);
			printf("'");
		}
		putchar('\n');
	}
	fish_begin(c);
	printf(" -l help -d 'print this help'\n");
	if (c->arguments[0]) {
		fish_begin(c);
		printf(" -a '");
		operands_each(c, fish_values);
		printf("'\n");
	}
}

static void fish(void)
{
	printf("# fish completion for epolltune, written by: epolltune completion fish\n"
	       "complete -c epolltune -f\n"
	       "complete -c epolltune -n __fish_use_subcommand -l help -d 'list the commands'\n"
	       "complete -c epolltune -n __fish_use_subcommand -l version -d 'print versions'\n");
	for (size_t i = 0; i < command_count(); i++) {
		printf("complete -c epolltune -n __fish_use_subcommand -a %s -d '",
		       command_at(i)->name);
		fish_text(command_at(i)->summary);
		printf("'\n");
		fish_row(command_at(i));
	}
}

static int completion(void *arguments, const struct given *given)
{
	static const struct {
		const char *shell;
		void (*print)(void);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	struct err e = {0};
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells) && given->count == 1; i++)
		if (strcmp(given->operands[0], shells[i].shell) == 0)
			return shells[i].print(), EXIT_OK;
	err_set(&e, EINVAL, "completion: expected one shell: bash, zsh or fish");
	return command_error(&e);
}

const struct command completion_command = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "Print a shell completion script",
	.options = no_options,
	.resolves = true, /* shells run it */
	.run = completion,
};
