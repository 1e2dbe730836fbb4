/* like.c: `like`: a star matches any run of characters.  On bytes, which for UTF-8 comes to the same. */
#include "policy/eval.h"

/* Greedy with one point of return: after a later star an earlier one never needs to be tried again. */
bool
lg_like(lg_str text, lg_str pattern)
{
	size_t t = 0, p = 0, star = SIZE_MAX, mark = 0;

	while (t < text.n) {
		if (p < pattern.n && (unsigned char)pattern.p[p] == LG_PATTERN_STAR) {
			star = p++;
			mark = t;
		} else if (p < pattern.n && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && (unsigned char)pattern.p[p] == LG_PATTERN_STAR)
		p++;
	return p == pattern.n;
}
