/* merkle.c: see merkle.h. */
#include "crypto/merkle.h"

/* 2.1.1: what stands before the data keeps a leaf from being taken for a node. */
lg_sha256
lg_merkle_leaf(lg_str entry)
{
	return lg_sha256_pair((lg_str){ "\0", 1 }, entry);
}

lg_sha256
lg_merkle_node(const lg_sha256 *left, const lg_sha256 *right)
{
	char both[1 + 2 * sizeof left->b] = { 1 };

	memcpy(both + 1, left->b, sizeof left->b);
	memcpy(both + 1 + sizeof left->b, right->b, sizeof right->b);
	return lg_sha256_of((lg_str){ both, sizeof both });
}

static bool
same(const lg_sha256 *a, const lg_sha256 *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool
lg_merkle_included(const lg_sha256 *leaf, uint64_t index, uint64_t size, const lg_sha256 *path, size_t n, const lg_sha256 *root)
{
	uint64_t at = index, last = size - 1;
	lg_sha256 h = *leaf;

	if (size == 0 || index >= size)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (last == 0)
			return false;
		if ((at & 1) != 0 || at == last) {
			h = lg_merkle_node(&path[i], &h);
			while (at != 0 && (at & 1) == 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			h = lg_merkle_node(&h, &path[i]);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && same(&h, root);
}

bool
lg_merkle_consistent(uint64_t first, const lg_sha256 *old, uint64_t second, const lg_sha256 *new, const lg_sha256 *path, size_t n)
{
	uint64_t at = first - 1, last = second - 1;
	lg_sha256 f, s;
	size_t i = 0;

	if (first == 0 || first > second)
		return false;
	if (first == second)
		return n == 0 && same(old, new);
	/* A first tree that is a whole subtree of the second stands for itself. */
	if ((first & (first - 1)) == 0)
		f = *old;
	else if (n > 0)
		f = path[i++];
	else
		return false;
	s = f;
	for (; (at & 1) != 0; at >>= 1)
		last >>= 1;
	for (; i < n; i++) {
		if (last == 0)
			return false;
		if ((at & 1) != 0 || at == last) {
			f = lg_merkle_node(&path[i], &f);
			s = lg_merkle_node(&path[i], &s);
			while (at != 0 && (at & 1) == 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			s = lg_merkle_node(&s, &path[i]);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && same(&f, old) && same(&s, new);
}
