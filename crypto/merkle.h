/* merkle.h: Merkle trees of RFC 9162 (2.1): hashes and the verifying of proofs, for whoever has no store. */
#ifndef LG_CRYPTO_MERKLE_H
#define LG_CRYPTO_MERKLE_H

#include "lightgate/crypto.h"

#define LG_MERKLE_PATH 64		/* hashes of a proof: a tree has less than 2^63 leaves; consistency needs one more than its height */

lg_sha256 lg_merkle_leaf(lg_str entry);
lg_sha256 lg_merkle_node(const lg_sha256 *left, const lg_sha256 *right);

/* 2.1.3.2: is `leaf` at `index` of the tree of `size` leaves under `root`? */
bool lg_merkle_included(const lg_sha256 *leaf, uint64_t index, uint64_t size, const lg_sha256 *path, size_t n, const lg_sha256 *root);
/* 2.1.4.2: is the tree of `first` leaves under `old` the beginning of that of `second` under `new`? */
bool lg_merkle_consistent(uint64_t first, const lg_sha256 *old, uint64_t second, const lg_sha256 *new, const lg_sha256 *path, size_t n);

#endif
