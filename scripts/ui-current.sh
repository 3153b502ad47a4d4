#!/bin/sh
# Builds the pages from their sources and fails if the committed files are others. Needs Node 20 and npm.
set -eu
cd "$(dirname "$0")/../internal/web/ui"
npm ci --no-audit --no-fund --loglevel=error
npm run check
npm test
npm run build
cd ..
if [ -n "$(git status --porcelain -- dist)" ]; then
	git status --short -- dist >&2
	echo "internal/web/dist is not what its sources build: run make ui and commit it" >&2
	exit 1
fi
