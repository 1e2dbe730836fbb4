# As tests/e2e/syncrepl.sh, with ten thousand changes.
export LG_CHANGES=${LG_CHANGES:-10000} LG_PATIENCE=120 LG_SUITE_NAME=syncrepl-long
exec bash "$(dirname "$0")/../e2e/syncrepl.sh"
