/*
 * breached.c: a file of passwords that are known, as their SHA-1 in hexadecimal, sorted, a line each: the form in which
 * haveibeenpwned.com hands its list out ("HASH:COUNT").  It is searched in place: forty gigabytes are forty reads.
 */
#include "lightgate/crypto.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX = 2 * SHA_DIGEST_LENGTH, LINE = 128 };

struct lg_breached {
	int fd;
	off_t size;
};

/* The line that begins at or after `at`: its hash; false at the end of the file.  *next is where the line after it begins. */
static bool
line_at(const struct lg_breached *b, off_t at, char hash[HEX + 1], off_t *next)
{
	char buf[2 * LINE];
	off_t from = at > 0 ? at - 1 : 0;		/* a line end just before it makes `at` a beginning */
	ssize_t n = pread(b->fd, buf, sizeof buf, from);
	char *start = buf, *end;

	if (n <= 0)
		return false;
	if (at > 0) {
		start = memchr(buf, '\n', (size_t)n);
		if (start == NULL)
			return false;
		start++;
	}
	if ((size_t)(buf + n - start) < HEX)
		return false;
	memcpy(hash, start, HEX);
	hash[HEX] = '\0';
	end = memchr(start, '\n', (size_t)(buf + n - start));
	*next = end == NULL ? b->size : from + (end + 1 - buf);
	return true;
}

static bool
is_hash(const char *text)
{
	for (size_t i = 0; i < HEX; i++) {
		char c = text[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

lg_err
lg_breached_open(struct lg_ctx *cx, const char *path, struct lg_breached **ret)
{
	struct lg_breached b = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	char first[HEX + 1];
	struct stat st;
	off_t next;

	if (b.fd < 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "%s cannot be opened: %m", path);
	if (fstat(b.fd, &st) != 0 || !S_ISREG(st.st_mode) || (b.size = st.st_size) == 0 || !line_at(&b, 0, first, &next) || !is_hash(first)) {
		close(b.fd);
		return lg_fail(cx, LG_E_INVALID, "%s is no sorted list of SHA-1 sums, a line each", path);
	}
	*ret = malloc(sizeof **ret);
	if (*ret == NULL)
		abort();
	**ret = b;
	return LG_OK;
}

void
lg_breached_close(struct lg_breached **b)
{
	if (*b != NULL)
		close((*b)->fd);
	free(*b);
	*b = NULL;
}

bool
lg_breached_has(const struct lg_breached *b, lg_str password)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char want[HEX + 1], hash[HEX + 1];
	off_t low = 0, high, next;

	if (b == NULL)
		return false;
	SHA1((const unsigned char *)password.p, password.n, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		(void)snprintf(want + 2 * i, 3, "%02X", digest[i]);
	/* Every line that begins before `low` is smaller, every line from `high` on is not wanted. */
	for (high = b->size; low < high;) {
		off_t middle = low + (high - low) / 2;
		int c = line_at(b, middle, hash, &next) ? strncasecmp(hash, want, HEX) : 1;
		if (c == 0)
			return true;
		if (c < 0)
			low = next;
		else
			high = middle;
	}
	return false;
}
