#!/bin/sh
istioctl verify-install # expect: DOC0001
if true; then
  istioctl -n istio-system profile dump demo # expect: DOC0001
fi
POD=$(istioctl x wait --for=distribution virtualservice web) # expect: DOC0001
istioctl pc workload web-1 # expect: DOC0001
linkerd --context=west jaeger install | kubectl apply -f - # expect: DOC0001
istioctl proxy-status --xds-via-agents # expect: DOC0001
helm install --name web ./chart # expect: DOC0001
helm init # expect: DOC0001
