@rem Points the docker CLI at @HOST@ with the certificates beside this file.
@rem Run it in the Command Prompt: env.cmd
@set "DOCKER_TLS_VERIFY=1"
@for %%I in ("%~dp0.") do @set "DOCKER_CERT_PATH=%%~fI"
@set @QUOTED_HOST@
