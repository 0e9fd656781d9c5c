#!/usr/bin/env bash
# Settings that clinic.lint() finds in the server's files: its statements run as they stand, and after a restart nothing is left.
set -euo pipefail
. "$(dirname "$0")/../support/tap.sh"
