kubectl --context=west label service/web mirror.linkerd.io/exported=true
kubectl annotate namespace web linkerd.io/inject=enabled
kubectl label namespace web istio.io/rev=stable
