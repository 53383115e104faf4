kubectl --context=west annotate service/web mirror.linkerd.io/exported=true # expect: DOC0013
kubectl label namespace web linkerd.io/inject=enabled # expect: DOC0013
