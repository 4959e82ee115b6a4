#!/bin/sh
# Make the virtual environment $1 with the first Python >= 3.11 found; $PYTHON names one outright.
set -eu
target=$1

for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "Making $target with $("$candidate" --version) ..."
        if "$candidate" -m venv "$target"; then
            exit 0
        fi
        rm -rf "$target"
        echo "error: '$candidate -m venv' failed. On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
done

echo "error: no Python >= 3.11 found (looked for ${PYTHON:-python3, python3.14 ... python3.11, python})." >&2
echo "       Install one, or name it: make PYTHON=/path/to/python3.12 test" >&2
exit 1
