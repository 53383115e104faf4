kubectl apply -k "https://github.com/aws/eks-charts/stable/appmesh-controller/crds?ref=v0.0.200"
kubectl apply -f https://raw.githubusercontent.com/istio/istio/1.30.0/samples/httpbin/httpbin.yaml
kubectl apply -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.4.0/standard-install.yaml
kubectl apply -k overlays/main
