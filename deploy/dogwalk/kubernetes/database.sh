#!/bin/sh
# Prints the Secret dogwalk-database with a new random password, for the PostgreSQL of postgres.yaml:
#
#     sh database.sh | kubectl apply -f -
#
# Once only: the database keeps the password that it was created with. Needs openssl.
set -eu
cat <<END
apiVersion: v1
kind: Secret
metadata:
  name: dogwalk-database
  namespace: default
type: Opaque
stringData:
  DB_NAME: dogwalk
  DB_USER: dogwalk
  DB_PASSWORD: "$(openssl rand -hex 24)"
  DB_HOST: postgres
END
