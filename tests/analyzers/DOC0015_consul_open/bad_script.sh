helm install consul hashicorp/consul \
  --set global.tls.enabled=true \
  --set ui.service.type=LoadBalancer
# expect@-3: DOC0015
