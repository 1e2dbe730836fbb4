# 20,000 generated programs, others than those of every check.
export LG_PROGRAMS=${LG_PROGRAMS:-20000} LG_SEED=${LG_SEED:-100000} LG_SUITE_NAME=policy-diff-long
exec bash "$(dirname "$0")/../e2e/policy-diff.sh"
