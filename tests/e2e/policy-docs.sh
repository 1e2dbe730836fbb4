# The transcripts of docs/policies.md that need no service: the commands, run again, say what stands there.
. "$(dirname "$0")/lib.sh"

mkdir -p build
sed -n '/^## Without a service/,/^## Traps/p' docs/policies.md | sed -n '/^```$/,/^```$/p' | grep -v '^```$' >"$T/transcripts"
# Its lines against those that came; a line that ends in "..." is the beginning of one.
compare() {
	local n=0 want got
	mapfile -t came <"$T/out"
	while IFS= read -r want; do
		got=${came[n]-}
		case $want in *' ...') case $got in "${want% ...}"*) got=$want ;; esac ;; esac
		same "$1, line $((n + 1))" "$got" "$want"
		n=$((n + 1))
	done <"$T/want"
	same "$1: lines" "${#came[@]}" "$n"
}
commands=0
: >"$T/want"
command=
finish() { [ -z "$command" ] || (eval "$command") >"$T/out" 2>&1; [ -z "$command" ] || compare "${command:0:60}"; : >"$T/want"; }
while IFS= read -r line; do
	case $line in
	'$ '*) finish; command=${line#'$ '}; commands=$((commands + 1)) ;;
	*) printf '%s\n' "$line" >>"$T/want" ;;
	esac
done <"$T/transcripts"
finish
claim "there are transcripts" test "$commands" -ge 6
done_testing
