linkerd check --pre
linkerd install --crds | kubectl apply -f - # expect: DOC0010
linkerd install | kubectl apply -f -
