# View certificates
linkerd identity -l app=web
# View requests
linkerd viz top deploy/web
