#!/bin/sh
# Writes what Docker hosts and clients need into a folder, by default tls:
#   sh write-files.sh [FOLDER]
# It needs jq. Of what is in the folder already, nothing is removed.
set -eu
umask 077
folder=${1:-tls}
terraform=${TERRAFORM:-terraform}

mkdir -p "$folder"
"$terraform" output -raw ca_pem >"$folder/ca.pem"
"$terraform" output -raw crl_pem >"$folder/crl.pem"

# write OUTPUT CERTIFICATE KEY: a folder for each name in the output.
write() {
	json=$("$terraform" output -json "$1")
	for name in $(printf '%s' "$json" | jq -r 'keys[]'); do
		mkdir -p "$folder/$1/$name"
		cp "$folder/ca.pem" "$folder/$1/$name/ca.pem"
		printf '%s' "$json" | jq -j --arg name "$name" '.[$name].cert_pem' >"$folder/$1/$name/$2"
		printf '%s' "$json" | jq -j --arg name "$name" '.[$name].private_key_pem' >"$folder/$1/$name/$3"
	done
}
write nodes server-cert.pem server-key.pem
write clients cert.pem key.pem
