# Points the docker CLI at @HOST@ with the certificates beside this file.
# Read it into your shell:
#
#     . ./env.sh
#
# bash and zsh find the folder of this file from anywhere. Other shells do not
# tell a file that they read where it is: there, change to the folder first.

DOCKER_CERT_PATH=
if [ -n "${BASH_VERSION:-}" ]; then
    DOCKER_CERT_PATH=${BASH_SOURCE:-}
elif [ -n "${ZSH_VERSION:-}" ]; then
    # Other shells cannot parse this.
    eval 'DOCKER_CERT_PATH=${(%):-%x}'
fi
case $DOCKER_CERT_PATH in
    /*/*) DOCKER_CERT_PATH=${DOCKER_CERT_PATH%/*} ;;
    /*) DOCKER_CERT_PATH=/ ;;
    */*) DOCKER_CERT_PATH=$PWD/${DOCKER_CERT_PATH%/*} ;;
    *) DOCKER_CERT_PATH=$PWD ;;
esac
DOCKER_CERT_PATH=${DOCKER_CERT_PATH%/.}
DOCKER_TLS_VERIFY=1
DOCKER_HOST=@QUOTED_HOST@
export DOCKER_CERT_PATH DOCKER_TLS_VERIFY DOCKER_HOST

if [ ! -f "$DOCKER_CERT_PATH/ca.pem" ]; then
    echo "env.sh: no ca.pem in $DOCKER_CERT_PATH; change to the folder of env.sh and read it again" >&2
fi
