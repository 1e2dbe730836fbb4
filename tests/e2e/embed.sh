# The policy engine in a stranger's program: installed, found by pkg-config, built without warnings, and it decides.
. "$(dirname "$0")/lib.sh"

D=$T/dest
claim "make install-policy" make --no-print-directory -s V=release install-policy DESTDIR="$D" PREFIX=/usr
for file in lib/liblightgate-policy.a lib/pkgconfig/liblightgate-policy.pc include/lightgate/policy.h include/lightgate/base.h; do
	claim "$file is there" test -s "$D/usr/$file"
done
flags=$(PKG_CONFIG_PATH=$D/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$D pkg-config --cflags --libs liblightgate-policy)
for cc in gcc clang; do
	if ! command -v $cc >/dev/null; then skip "$cc: not installed"; continue; fi
	# shellcheck disable=SC2086
	claim "$cc builds the example" $cc -std=c11 -Wall -Wextra -Werror -O2 examples/decide.c $flags -o "$T/decide"
done
lacks "it needs the C library alone" "$(readelf -d "$T/decide")" 'NEEDED.*\[(libyaml|libcrypto|libssl|libcurl)'
run() { "$T/decide" "$@" >"$T/out" 2>&1; }
run alice write plan; same "her own document" $? 0
has "the reason" "$(cat "$T/out")" '^allowed$'
has "with the values it saw" "$(cat "$T/out")" 'resource.owner is User::"alice"'
run bob read plan; same "a public document" $? 0
run bob write plan; same "somebody else's document" $? 1
has "what nearly permitted it" "$(cat "$T/out")" 'permit owners .* did not match:'
run carol read plan; same "somebody who is not there" $? 1
run bob write plan '@id("bob") permit (principal == User::"bob", action, resource);'; same "one policy more" $? 0
has "it is the new one" "$(cat "$T/out")" 'permit bob .* matched'
run bob write plan 'permit (principal == User::"bob", action, resource) when { resource.size > 1 };'; same "a policy that is not valid" $? 2
has "it says where" "$(cat "$T/out")" '^decide: added:1:[0-9]+: error: .*Document has no attribute `size`'
run bob fly plan; same "an action that is none" $? 2
done_testing
