#!/bin/sh
# Installs what the tests use beside Go, from Debian's own packages. Run it as root, or with sudo.
set -eu

# ca-certificates and git are there for a bare container; the rest is what the tests start or drive.
packages="ca-certificates git gcc libc6-dev chromium postgresql prometheus gunicorn python3-prometheus-client nginx-light openssl apache2-utils procps curl redis-server python3-django python3-django-prometheus python3-flask python3-psycopg2 uwsgi-core uwsgi-plugin-python3 python3-uwsgidecorators pycodestyle pyflakes3 iproute2 util-linux victoria-metrics"

missing=""
for package in $packages; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
# Services that the packages would start by themselves are not wanted: the tests start their own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod +x /usr/sbin/policy-rc.d
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -q
# shellcheck disable=SC2086 # a list of words
apt-get install -y -q --no-install-recommends $missing
