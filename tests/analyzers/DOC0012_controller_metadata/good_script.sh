kubectl label service/web mirror.linkerd.io/exported=true
kubectl label namespace web istio-injection=enabled team=blue
kubectl get service -l mirror.linkerd.io/cluster-name=west
kubectl label service/web mirror.linkerd.io/cluster-name-
