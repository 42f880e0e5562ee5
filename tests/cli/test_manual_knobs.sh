#!/bin/sh
# epolltune-knobs(7) is the output of `make man`.
"${BUILD:-build}/man/knobs" | diff - man/epolltune-knobs.7 && exit 0
echo 'man/epolltune-knobs.7 differs from the catalogue: run make man'
exit 1
