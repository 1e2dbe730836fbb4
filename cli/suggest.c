/* suggest.c: what somebody who mistyped a word may have meant. */
#include "cli/cli.h"

#define WORD_MAX	32	/* of words that are compared */

/* How many letters are to be put in, taken out, or exchanged for another. */
static size_t
distance(lg_str a, lg_str b)
{
	size_t row[WORD_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0]++;

		for (size_t j = 1; j <= b.n; j++) {
			size_t best = corner + (a.p[i - 1] != b.p[j - 1]);

			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[b.n];
}

/* A third of the word may be wrong, or it is the beginning of the other. */
static void
consider(lg_str typed, const char *name, size_t *least, const char **ret)
{
	lg_str word = lg_str_of(name);

	if (typed.n == 0 || typed.n > WORD_MAX || word.n > WORD_MAX)
		return;
	size_t wrong = lg_str_starts(word, typed) ? 0 : distance(typed, word);
	if (wrong <= (word.n + 1) / 3 && wrong < *least) {
		*least = wrong;
		*ret = name;
	}
}

const char *
cli_meant_command(const struct cli_command *in, lg_str typed)
{
	const char *found = NULL;
	size_t least = WORD_MAX;

	for (const struct cli_command *s = in->sub; s != NULL && s->name != NULL; s++)
		consider(typed, s->name, &least, &found);
	return found;
}

const char *
cli_meant_option(const struct cli_command *in, lg_str typed)
{
	const struct cli_option *lists[] = { in->options, cli_globals };
	const char *found = NULL;
	size_t least = WORD_MAX;

	for (size_t i = 0; i < LG_COUNT(lists); i++)
		for (const struct cli_option *o = lists[i]; o != NULL && o->name != NULL; o++)
			consider(typed, o->name, &least, &found);
	return found;
}
