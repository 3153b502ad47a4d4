#!/bin/sh
# Prints the Secret prometheus-basic-auth with a new random password:
#
#     sh basic-auth.sh | kubectl apply -f -
#
# username and password are for the scrape configuration and the ServiceMonitor, web-config.yml is for the workers. Nothing of it
# belongs in a repository. Needs openssl and htpasswd (Debian: apache2-utils).
set -eu
encoded() { openssl base64 -A; }
password=$(openssl rand -hex 24)
entry=$(printf '%s' "$password" | htpasswd -niBC 10 prometheus)
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
  web-config.yml: $(printf 'basic_auth_users:\n  %s: %s\n' "${entry%%:*}" "${entry#*:}" | encoded)
END
