# Twenty seeds of 20,000 operations, others than those of every check.
export LG_SEED=${LG_SEED:-1000} LG_SEEDS=${LG_SEEDS:-20} LG_OPERATIONS=${LG_OPERATIONS:-20000} LG_SUITE_NAME=slapd-diff-long
exec bash "$(dirname "$0")/../e2e/slapd-diff.sh"
