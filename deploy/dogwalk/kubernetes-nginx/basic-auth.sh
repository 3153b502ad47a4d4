#!/bin/sh
# Prints the Secret prometheus-basic-auth with a new random password:
#
#     sh basic-auth.sh | kubectl apply -f -
#
# username and password are for the scrape configuration and the ServiceMonitor, htpasswd is for nginx. Nothing of it belongs
# in a repository. Needs openssl.
set -eu
encoded() { openssl base64 -A; }
password=$(openssl rand -hex 24)
hash=$(printf '%s' "$password" | openssl passwd -6 -stdin)
cat <<END
apiVersion: v1
kind: Secret
metadata:
  name: prometheus-basic-auth
  namespace: default
type: Opaque
data:
  username: $(printf prometheus | encoded)
  password: $(printf '%s' "$password" | encoded)
  htpasswd: $(printf 'prometheus:%s\n' "$hash" | encoded)
END
