# liblightgate's binary interface is the one that programs were built against: symbols with their versions, functions, structures.
. "$(dirname "$0")/lib.sh"
SO=build/lib/liblightgate.so.1
if ! command -v abidiff >/dev/null; then skip "abi: needs abigail-tools"; done_testing; fi
if [ ! -e "$SO" ]; then skip "abi: make client builds the library"; done_testing; fi
claim "the library is described" make --no-print-directory -s V=release -o "$SO" -o "${SO%.1}" client-abi ABI="$T/now.abi"
claim "nothing has changed; what is meant to is written down by make client-abi" abidiff client/liblightgate.abi "$T/now.abi"
same "every symbol has a version" "$(readelf --dyn-syms -W "$SO" | grep -c ' lightgate_[a-z_]*@@LIGHTGATE_[0-9]')" \
	"$(grep -c "elf-symbol name='lightgate_" client/liblightgate.abi)"

# the comparison sees what it is for
changed() { # changed WHAT SED-SCRIPT
	sed "$2" client/liblightgate.abi >"$T/changed.abi"
	cmp -s client/liblightgate.abi "$T/changed.abi" && bad "$1: the dump has no such line"
	abidiff "$T/changed.abi" "$T/now.abi" >"$T/out" 2>&1
	claim "$1 is seen" test $(($? & ~8)) = 4	# abidiff(1): 4 is a change, 8 more one that breaks programs; 1 and 2 are faults
}
changed "a function that is gone" "s/lightgate_verify_bound/lightgate_verify_gone/g"
changed "another version of a symbol" "0,/LIGHTGATE_1/s//LIGHTGATE_0/"
changed "a member that moved" "/name='lightgate_question'/,/<\/class-decl>/s/offset-in-bits='128'/offset-in-bits='120'/"
changed "a structure's size" "s/name='lightgate_settings' size-in-bits='768'/name='lightgate_settings' size-in-bits='704'/"
done_testing
