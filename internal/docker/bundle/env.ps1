# Points the docker CLI at @HOST@ with the certificates beside this file.
# Run it in PowerShell 3 or later:
#
#     .\env.ps1

$Env:DOCKER_TLS_VERIFY = '1'
$Env:DOCKER_CERT_PATH = $PSScriptRoot
$Env:DOCKER_HOST = @QUOTED_HOST@
