# What the documents say is so: settings, commands, links, make targets, and the worked policies with their questions.
LG_BIN=${LG_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin}
. "$(dirname "$0")/lib.sh"

# lightgate.conf(5) has the keys of the table, with their defaults
lightgated --help | sed -nE '/^Settings/,/^Tools/s/^  --([a-z_.]+) +(.*)$/\1 \2/p' |
	sed -E 's/^([a-z_.]+) .* \[(.*)\]$/\1=\2/; t; s/ .*/=/' | sort >"$T/keys.help"
sed -nE 's/^\.It Ic ([a-z_.]+) Ar [a-z]+( Bq (.*))?$/\1=\3/p' docs/man/lightgate.conf.5 | sort >"$T/keys.page"
claim "the table has settings" test "$(wc -l <"$T/keys.help")" -gt 20
claim "lightgate.conf(5) has every setting and its default" diff "$T/keys.help" "$T/keys.page"
claim "the settings to begin with are good" lightgated --config conf/lightgate.conf --check

# lightgate(1) has every command and every option of its own
pages=$(cat docs/man/lightgate.1)
lightgate completion bash | sed -nE 's/^\t" ([^"]+)"\) words="(.*)" ;;$/\1:\2/p' >"$T/commands"
claim "there are commands" test "$(wc -l <"$T/commands")" -gt 30
while IFS=: read -r path words; do
	case $path in *" list" | *" show" | *" delete") noun=${path% *} ;; *) noun=$path ;; esac
	has "lightgate(1) has $path" "$pages" "^\.It Cm ($path|$noun)( |$)"
	for word in $words; do
		case $word in --*) has "lightgate(1) has $path $word" "$pages" "Fl (. , )?\\\\-${word#--}( |$)" ;; esac
	done
done <"$T/commands"
claim "lightgate(1) tells what nouns have" grep -q 'Cm delete Ar name' docs/man/lightgate.1

# lightgate-agent(8) has every verb, lightgated(8) every flag and tool
agent=$(cat docs/man/lightgate-agent.8) daemon=$(cat docs/man/lightgated.8)
has "lightgate-agent VERB --help is help" "$(lightgate-agent run --help)" "^Usage: lightgate-agent VERB"
for verb in $(lightgate-agent --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do has "lightgate-agent(8) has $verb" "$agent" "^\.It Cm $verb$"; done
for flag in $(lightgated --help | sed -nE '/^Settings/q; s/^  --([a-z-]+) .*/\1/p'); do has "lightgated(8) has --$flag" "$daemon" "^\.It Fl \\\\-$flag"; done
for tool in $(lightgated --help | sed -nE '1,/^Tools/d; s/^  ([a-z-]+) .*/\1/p'); do has "lightgated(8) has tool $tool" "$daemon" "^\.(It )?Cm tool $tool"; done
# liblightgate(3) has every function as it is declared, and every variable and setting that is read
declared() { tr -s '[:space:]' ' ' <include/lightgate/client.h | grep -oE 'LIGHTGATE_API [^;{]*\);' | sed -E 's/^LIGHTGATE_API //; s/;$//' | sort; }
shown() { sed -nE 's/^\.Ft "?([^"]*)"?$/\1/p; s/^\.Fn (lightgate_[a-z_]+) "(.*)"$/\1(\2)/p' docs/man/liblightgate.3 | sed 's/" "/, /g' | paste -d' ' - - | sed 's/\* /*/' | sort; }
claim "there are functions" test "$(declared | wc -l)" -gt 20
same "liblightgate(3) has every function as it is declared" "$(shown)" "$(declared)"
for variable in $(grep -ohE '"LIGHTGATE_[A-Z_]+"' client/open.c | tr -d '"'); do has "liblightgate(3) has $variable" "$(cat docs/man/liblightgate.3)" "^\.Ev (.*, )?$variable( |$)"; done
if command -v mandoc >/dev/null; then
	same "the manual pages are well made" "$(mandoc -Tlint -Wwarning docs/man/*.[1-9] 2>&1 | grep -v outdated)" ""
else
	skip "mandoc: not installed"
fi

# links lead somewhere, targets exist
targets=$(make -qpRr 2>/dev/null | sed -nE 's/^([a-z][a-z-]*):( .*)?$/\1/p')
for doc in README.md docs/*.md; do
	for link in $(grep -oE '\]\([^)#]+' "$doc" | sed 's/^](//' | grep -vE '^[a-z]+:'); do
		claim "$doc: $link is there" test -e "$(dirname "$doc")/$link"
	done
	for target in $(grep -oE '(`|^)(sudo )?make [a-z][a-z-]+' "$doc" | sed 's/.* //' | sort -u); do
		claim "$doc: make $target exists" grep -qx -- "$target" <<<"$targets"
	done
done

# every noun lists and shows what it has; the worked policies: valid, changed nothing by asking, and they answer as they say
lg_start "$T/data" --load docs/policies/state.yaml || bad "it does not start with docs/policies/state.yaml"
claim "sign-in" lightgate login
for noun in user group service host project workload image network client; do
	name=$(lightgate "$noun" list -o json | jq -r '.items[0].name')
	same "lightgate $noun list and show" "$(lightgate "$noun" show "$name" -o json | jq -r .name)" "$name"
done
version() { lightgate policy list -o json | jq '[.items[] | select(.active)][0].version'; }
before=$(version)
for file in docs/policies/*.cedar; do
	cat conf/policies/tenant.cedar "$file" >"$T/set.cedar"
	claim "$file is valid" lightgate policy validate -f "$T/set.cedar"
done
same "validating put nothing in force" "$(version)" "$before"
for file in docs/policies/*.cedar; do
	cat conf/policies/tenant.cedar "$file" >"$T/set.cedar"
	claim "$file can be put in force" lightgate policy activate -f "$T/set.cedar"
	asked=0
	while read -r want question; do
		asked=$((asked + 1))
		# shellcheck disable=SC2086
		same "$file: $question" "$(lightgate check $question 2>&1 | head -1 | cut -d' ' -f1)" "$want"
	done < <(sed -nE 's#^// ask (permit|deny) +#\1 #p' "$file")
	claim "$file asks something" test $asked -gt 1
	has "the guide shows $file" "$(cat docs/policies.md)" "$(basename "$file")"
done
sed 's/context has host && //' docs/policies/placement.cedar | cat conf/policies/tenant.cedar - >"$T/set.cedar"
has "what is wrong is said with its place and policy" "$(lightgate policy validate -f "$T/set.cedar" 2>&1)" \
	'[0-9]+:[0-9]+: error: production-is-for-release-managers: .*host'
done_testing
