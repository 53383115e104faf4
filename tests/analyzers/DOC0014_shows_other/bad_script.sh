# View certificates
linkerd viz top deploy/web --to deploy/api # expect: DOC0014
