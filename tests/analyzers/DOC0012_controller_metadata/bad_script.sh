kubectl --context=west label service/web mirror.linkerd.io/cluster-name=west # expect: DOC0012
kubectl annotate pod web-1 sidecar.istio.io/status='{}' # expect: DOC0012
